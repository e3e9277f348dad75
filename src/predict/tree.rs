//! The second form of an expression in a schema: a tree of functions, attributes and constants whose parameters go by
//! key. It rebuilds an expression where the text is missing, and checks the text where both are there.

use super::expression::Node;
use super::expression::Value;
use super::expression::ast::Call;
use super::expression::catalog::{self, Entry, Function};
use super::schema::{AttributeMappingSource, SourceParameter, SourceType};

/// Trees deeper than this are not read.
const MAX_DEPTH: usize = super::expression::MAX_DEPTH;

/// The slot that a parameter's key means. Published keys are few, and are not the documented parameter names; for other
/// functions only a single argument has an obvious place.
fn slot(entry: &Entry, parameters: &[SourceParameter], key: &str) -> Option<usize> {
    let keys: &[(&str, usize)] = match entry.function {
        Function::Append => &[("source", 0), ("suffix", 1)],
        Function::FormatDateTime => &[("source", 0), ("inputFormat", 1), ("outputFormat", 2)],
        Function::Mid => &[("source", 0), ("start", 1), ("length", 2)],
        Function::Replace => &[("source", 0), ("Find", 1), ("Replacement", 4)],
        _ if parameters.len() == 1 && entry.min == 1 => return Some(0),
        _ => return None,
    };
    keys.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, slot)| *slot)
}

/// The expression that a tree means; an error says what of it cannot be read.
pub fn rebuild(source: &AttributeMappingSource) -> Result<Node, String> {
    node(source, 0)
}

fn node(source: &AttributeMappingSource, depth: usize) -> Result<Node, String> {
    if depth == MAX_DEPTH {
        return Err("the parameters are nested too deep".to_owned());
    }
    let name = source.name.clone().ok_or("a part of the parameters has no name")?;
    match &source.kind {
        SourceType::Attribute => Ok(Node::Attribute { name, column: 0 }),
        SourceType::Constant => Ok(Node::Literal { value: Value::Str(name), column: 0 }),
        SourceType::Other(word) => Err(format!("a part of the parameters is of the unknown type {word}")),
        SourceType::Function => {
            let entry = catalog::find(&name).ok_or_else(|| format!("{name} is no documented function"))?;
            let mut args: Vec<Option<Node>> = Vec::new();
            for parameter in &source.parameters {
                let key = parameter.key.as_deref().unwrap_or_default();
                let slot = slot(entry, &source.parameters, key)
                    .ok_or_else(|| format!("which argument of {} the key {key:?} means is not known", entry.name))?;
                let value = parameter.value.as_ref().ok_or("a parameter has no value")?;
                if args.len() <= slot {
                    args.resize(slot + 1, None);
                }
                if args[slot].replace(node(value, depth + 1)?).is_some() {
                    return Err(format!("{} has the parameter {key:?} twice", entry.name));
                }
            }
            if args.len() < entry.min {
                return Err(format!("{} lacks arguments", entry.name));
            }
            Ok(Node::Call(Box::new(Call::new(Some(entry.function), entry.name.to_owned(), 0, args))))
        }
    }
}

/// How a tree contradicts the text that stands beside it; `None` where they agree or cannot be compared.
pub fn contradiction(text: &Node, tree: &AttributeMappingSource) -> Option<String> {
    let name = tree.name.as_deref()?;
    let differ = |what: &str| Some(format!("its expression and its parameters disagree: {what} {name:?}"));
    match (&tree.kind, text) {
        (SourceType::Constant, Node::Literal { value, .. }) => {
            (value.as_text().as_deref() != Some(name)).then(|| differ("the constant"))?
        }
        (SourceType::Constant, Node::Attribute { .. } | Node::Call(_)) => differ("the constant"),
        (SourceType::Attribute, Node::Attribute { name: other, .. }) => {
            (!other.eq_ignore_ascii_case(name)).then(|| differ("the attribute"))?
        }
        // The type was left out, and the default stands in its place.
        (SourceType::Attribute, Node::Call(call)) if call.name.eq_ignore_ascii_case(name) => None,
        (SourceType::Attribute, Node::Literal { .. } | Node::Call(_)) => differ("the attribute"),
        (SourceType::Function, Node::Call(call)) => {
            if !call.name.eq_ignore_ascii_case(name) {
                return differ("the function");
            }
            let entry = catalog::find(name)?;
            tree.parameters.iter().find_map(|parameter| {
                let slot = slot(entry, &tree.parameters, parameter.key.as_deref()?)?;
                match call.arg(slot) {
                    Some(arg) => contradiction(arg, parameter.value.as_ref()?),
                    None => differ("an argument of"),
                }
            })
        }
        (SourceType::Function, Node::Literal { .. } | Node::Attribute { .. }) => differ("the function"),
        // How operators, tokens and bare words look in a tree is described nowhere.
        _ => None,
    }
}
