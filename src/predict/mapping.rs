//! One attribute mapping, made ready: what it gives for a new object, and what becomes of an attribute of a group that
//! is already there. Where the documentation leaves open whether a value flows, both results are stated.

use super::expression::{self, Attributes, Evaluated, Expr, Node, Note, Outcome, Value, evaluate_full};
use super::schema::{AttributeDefinition, AttributeMapping, AttributeMappingSource, FlowType, SourceType};
use super::tree;
use crate::directory::same_dn;

/// When a mapping's value flows.
pub type Flow = FlowType;

/// Where a mapping's value comes from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// Mapping type *None*: the target is left alone, but for a default.
    Nothing,
    Constant(Expr),
    Attribute(Expr),
    Function(Expr),
    /// What the schema says cannot be read; the reason.
    Unreadable(String),
}

/// An attribute mapping, compiled once and evaluated for every group.
#[derive(Debug, Clone)]
pub struct CompiledMapping {
    pub target: String,
    pub origin: Origin,
    /// The source as text, for messages.
    pub source: String,
    pub default_value: Option<String>,
    pub flow: Flow,
    pub matching_priority: i64,
    /// From the target's attribute definition, where the schema has it.
    pub case_exact: Option<bool>,
    pub flow_null_values: Option<bool>,
}

/// The part of the name that a target attribute holds: it decides which values are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Cn,
    Parent,
    Other,
}

/// Never fails: what cannot be read is kept as such and makes every outcome unknown, with the reason.
pub fn compile(mapping: &AttributeMapping) -> CompiledMapping {
    let target = mapping.target_attribute_name.clone().unwrap_or_default();
    let (origin, source) = match &mapping.source {
        Some(source) => origin(source),
        None => (Origin::Nothing, String::new()),
    };
    CompiledMapping {
        target,
        origin,
        source,
        default_value: mapping.default_value.clone().filter(|value| !value.is_empty()),
        flow: mapping.flow_type.clone(),
        matching_priority: mapping.matching_priority.unwrap_or(0),
        case_exact: None,
        flow_null_values: None,
    }
}

fn filled(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.trim().is_empty())
}

fn origin(source: &AttributeMappingSource) -> (Origin, String) {
    let constant =
        |text: &str| Origin::Constant(Expr::from_node(Node::Literal { value: Value::Str(text.to_owned()), column: 1 }));
    let attribute =
        |name: &str| Origin::Attribute(Expr::from_node(Node::Attribute { name: name.to_owned(), column: 1 }));
    let Some(text) = filled(&source.expression) else {
        return match (&source.kind, source.name.as_deref()) {
            (SourceType::Attribute, None | Some("")) => (Origin::Nothing, String::new()),
            (SourceType::Attribute, Some(name)) => (attribute(name), format!("[{name}]")),
            (SourceType::Constant, Some(text)) => (constant(text), format!("{text:?}")),
            (SourceType::Constant, None) => (Origin::Nothing, String::new()),
            (SourceType::Function, name) => {
                let shown = format!("{}(…)", name.unwrap_or_default());
                match tree::rebuild(source) {
                    Ok(node) => (Origin::Function(Expr::from_node(node)), shown),
                    Err(reason) => {
                        let reason = format!("it has no expression, and its parameters cannot be read: {reason}");
                        (Origin::Unreadable(reason), shown)
                    }
                }
            }
            (SourceType::Other(kind), _) => {
                (Origin::Unreadable(format!("its source is of the unknown type {kind}")), String::new())
            }
        };
    };
    let shown = text.trim().to_owned();
    // A constant or an attribute may stand there without quotation marks or brackets.
    if source.name.as_deref() == Some(text) {
        match source.kind {
            SourceType::Constant => return (constant(text), shown),
            SourceType::Attribute => return (attribute(text), shown),
            _ => {}
        }
    }
    let origin = match expression::parse(text) {
        Err(error) => Origin::Unreadable(format!("its expression does not parse: {error}")),
        Ok(expr) => match tree::contradiction(expr.root(), source) {
            Some(reason) => Origin::Unreadable(reason),
            None => match expr.root() {
                Node::Literal { .. } => Origin::Constant(expr),
                Node::Attribute { .. } => Origin::Attribute(expr),
                _ => Origin::Function(expr),
            },
        },
    };
    (origin, shown)
}

impl CompiledMapping {
    /// With what the target's attribute definition says.
    pub fn with_definition(mut self, definition: Option<&AttributeDefinition>) -> Self {
        self.case_exact = definition.and_then(|d| d.case_exact);
        self.flow_null_values = definition.and_then(|d| d.flow_null_values);
        self
    }
    pub fn expr(&self) -> Option<&Expr> {
        match &self.origin {
            Origin::Constant(expr) | Origin::Attribute(expr) | Origin::Function(expr) => Some(expr),
            Origin::Nothing | Origin::Unreadable(_) => None,
        }
    }
    /// What is odd about the expression.
    pub fn notes(&self) -> &[Note] {
        self.expr().map_or(&[], Expr::notes)
    }
    fn part(&self) -> Part {
        match &self.target {
            cn if cn.eq_ignore_ascii_case("cn") => Part::Cn,
            parent if parent.eq_ignore_ascii_case("parentDistinguishedName") => Part::Parent,
            _ => Part::Other,
        }
    }
    fn source_value(&self, attrs: &dyn Attributes) -> Evaluated {
        let settled = |outcome| Evaluated { outcome, closed: true };
        match &self.origin {
            Origin::Nothing => settled(Outcome::Value(Value::Null)),
            Origin::Unreadable(reason) => {
                let outcome = Outcome::unknown(format!("the mapping of {} cannot be read: {reason}", self.target));
                Evaluated { outcome, closed: false }
            }
            Origin::Constant(expr) | Origin::Attribute(expr) | Origin::Function(expr) => {
                match attrs.settled().and_then(|s| s.contradiction(&self.source)) {
                    None => evaluate_full(expr, attrs),
                    Some(came) => {
                        let reason = format!(
                            "the tenant's own evaluator gave {came} for a group, which no reading of the documentation gives"
                        );
                        Evaluated { outcome: Outcome::unknown(reason), closed: false }
                    }
                }
            }
        }
    }

    /// What a new object gets.
    pub fn value(&self, attrs: &dyn Attributes) -> Outcome {
        let Evaluated { outcome, closed } = self.source_value(attrs);
        let Some(default) = &self.default_value else { return outcome };
        let filled = |value: Value| if value.is_null() { Value::str(default) } else { value };
        match outcome {
            Outcome::Value(value) => Outcome::Value(filled(value)),
            Outcome::Unknown { candidates, reason } => {
                let readings = candidates.into_iter().map(filled).collect();
                self.merged(readings, !closed, vec![reason])
            }
            other => other,
        }
    }
    /// Whether the mapping's value is written to a group that is already there; `None` where that is open.
    pub fn applies_on_update(&self) -> Option<bool> {
        match (&self.flow, self.part()) {
            (_, _) if matches!(self.origin, Origin::Nothing) => Some(false),
            (FlowType::Always, _) => Some(true),
            (FlowType::ObjectAddOnly, Part::Other) => Some(false),
            _ => None,
        }
    }

    /// What the attribute of a matched group will be after it was synchronized; `current` is what it is now, `None`
    /// where it has no value. No change is stated as the current value.
    pub fn predicted_on_update(&self, attrs: &dyn Attributes, current: Option<&str>) -> Outcome {
        let unchanged = || current.map_or(Value::Null, Value::str);
        let part = self.part();
        if self.applies_on_update() == Some(false) {
            return match (&self.origin, &self.default_value) {
                (Origin::Nothing, Some(default)) => {
                    let reason = "whether a default fills the target of a mapping without source is described differently \
                                  in two places";
                    self.merged(vec![unchanged(), Value::str(default)], false, vec![reason.to_owned()])
                }
                _ => Outcome::Value(unchanged()),
            };
        }
        let Evaluated { outcome, closed } = self.source_value(attrs);
        // The usual case, without anything to weigh.
        let outcome = match outcome {
            Outcome::Value(value) if closed && self.flow == FlowType::Always && !value.is_null_or_empty() => {
                return Outcome::Value(self.written(value, current));
            }
            other => other,
        };
        let mut open = !closed;
        let mut reasons = Vec::new();
        let sources = match outcome {
            Outcome::Value(value) => vec![value],
            Outcome::Drop => return Outcome::Value(unchanged()),
            Outcome::Error(text) => return Outcome::Error(text),
            Outcome::Unknown { candidates, reason } => {
                reasons.push(reason);
                candidates
            }
        };
        let mut readings = Vec::new();
        let only_null = !sources.is_empty() && sources.iter().all(Value::is_null);
        for source in sources {
            match (source, &self.default_value) {
                (Value::Null, Some(default)) => {
                    reasons.push(
                        "whether the default applies to a group that is already there is described differently in two \
                         places"
                            .to_owned(),
                    );
                    readings.extend([Value::str(default), unchanged()]);
                }
                (Value::Null, None) if part == Part::Other => match self.flow_null_values {
                    Some(true) => readings.push(Value::Null),
                    Some(false) => readings.push(unchanged()),
                    None => {
                        reasons.push("whether an empty value clears the target is not known".to_owned());
                        readings.extend([Value::Null, unchanged()]);
                    }
                },
                (Value::Null, None) => {
                    // Neither an object without this nor an empty one can exist: no change, or an error that changes
                    // nothing.
                    if only_null {
                        open = true;
                        reasons.push(format!("the mapping of {} gives no value, and has no default", self.target));
                    }
                    readings.push(unchanged());
                }
                (value, _) if value.is_null_or_empty() => {
                    reasons.push("what the service does with an empty text is described nowhere".to_owned());
                    open |= part != Part::Other;
                    readings.extend([value, unchanged()]);
                }
                (value, _) => readings.push(self.written(value, current)),
            }
        }
        match self.flow {
            FlowType::Always => {}
            // Empty as it is, the target takes the value.
            FlowType::AttributeAddOnly if current.is_none() && part == Part::Other => {}
            FlowType::AttributeAddOnly if part == Part::Other => return Outcome::Value(unchanged()),
            FlowType::ObjectAddOnly | FlowType::AttributeAddOnly => {
                let flow = self.flow.as_str();
                reasons
                    .push(format!("whether the service obeys the flow type {flow} for {} is not known", self.target));
                readings.push(unchanged());
            }
            _ => {
                let flow = self.flow.as_str();
                reasons.push(format!("what the flow type {flow} does to {} is not known", self.target));
                readings.push(unchanged());
                open |= matches!(self.flow, FlowType::Other(_));
            }
        }
        self.merged(readings, open, reasons)
    }
    /// The value as it will stand: where the target's letter case does not count, a change of case alone is none.
    fn written(&self, value: Value, current: Option<&str>) -> Value {
        match current {
            Some(current) if self.case_exact == Some(false) => {
                let now = Value::str(current);
                let blind = value.as_text().is_some_and(|text| text.to_lowercase() == current.to_lowercase());
                if blind { now } else { value }
            }
            _ => value,
        }
    }
    fn merged(&self, readings: Vec<Value>, open: bool, reasons: Vec<String>) -> Outcome {
        let mut candidates: Vec<Value> = Vec::new();
        for reading in readings {
            if !candidates.iter().any(|known| self.alike(known, &reading)) {
                candidates.push(reading);
            }
        }
        if !open && candidates.len() == 1 {
            return Outcome::Value(candidates.swap_remove(0));
        }
        let mut reason: Vec<String> = Vec::new();
        reasons.into_iter().for_each(|r| {
            if !reason.contains(&r) {
                reason.push(r);
            }
        });
        Outcome::Unknown { candidates, reason: reason.join("; ") }
    }
    /// True for values that name the same object, or are the same.
    fn alike(&self, a: &Value, b: &Value) -> bool {
        match (self.part(), a.as_text(), b.as_text()) {
            (Part::Parent, Some(a), Some(b)) => same_dn(&a, &b),
            (Part::Cn, Some(a), Some(b)) => a == b || a.to_lowercase() == b.to_lowercase(),
            _ => a.same_result(b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::expression::Attr;
    use super::*;
    use serde_json::json;

    struct Group(Option<&'static str>);

    impl Attributes for Group {
        fn get(&self, name: &str) -> Attr {
            match (name, self.0) {
                ("displayName", _) => Attr::Value("Sales".into()),
                ("dn", Some(dn)) => Attr::Value(dn.into()),
                ("uncollected", _) => Attr::Unknown("not collected".to_owned()),
                _ => Attr::Absent,
            }
        }
    }

    fn mapping(json: serde_json::Value) -> CompiledMapping {
        compile(&serde_json::from_value(json).unwrap())
    }
    fn function(target: &str, expression: &str) -> CompiledMapping {
        mapping(json!({ "targetAttributeName": target,
            "source": { "type": "Function", "name": expression.split('(').next(), "expression": expression } }))
    }
    fn show(outcome: Outcome) -> String {
        let text = |v: &Value| if v.is_null() { "<Null>".to_owned() } else { v.to_string() };
        match outcome {
            Outcome::Value(value) => text(&value),
            Outcome::Unknown { candidates, .. } => format!("?{:?}", candidates.iter().map(text).collect::<Vec<_>>()),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn sources() {
        for (source, want) in [
            (
                json!({"type": "Attribute", "name": "displayName", "expression": "[displayName]", "parameters": []}),
                "Sales",
            ),
            (json!({"name": "displayName"}), "Sales"),
            (json!({"type": "constant", "name": "-", "expression": "\"-\""}), "-"),
            (json!({"type": "Constant", "name": "OU=R\\, D", "expression": "\"OU=R\\, D\""}), "OU=R\\, D"),
            (json!({"type": "Constant", "name": "CN=Users,DC=x", "expression": "CN=Users,DC=x"}), "CN=Users,DC=x"),
            (json!({"type": "Constant", "name": "True"}), "True"),
            (json!({"type": "Constant", "name": "a", "expression": "\"b\""}), "?[]"),
            (json!({"type": "Attribute", "name": "mail", "expression": "[displayName]"}), "?[]"),
            (json!({"type": "Function", "name": "Trim", "expression": "Left([displayName],1)"}), "?[]"),
            (json!({"type": "Function", "name": "Left", "expression": "Left([displayName]"}), "?[]"),
            (json!({"name": "Left", "expression": "Left([displayName],2)"}), "Sa"),
            (json!({"type": "Formula", "name": "x"}), "?[]"),
            (json!({"type": "Function", "name": "Left", "expression": null}), "?[]"),
            (json!({}), "<Null>"),
            (json!(null), "<Null>"),
        ] {
            let compiled = mapping(json!({"targetAttributeName": "x", "source": source}));
            assert_eq!(show(compiled.value(&Group(None))), want, "{source}");
        }
    }

    #[test]
    fn trees() {
        let constant = |text: &str| json!({"type": "Constant", "name": text, "expression": format!("\"{text}\""), "parameters": []});
        let name = json!({"type": "Attribute", "name": "displayName", "expression": "[displayName]", "parameters": []});
        let mid = json!({"type": "Function", "name": "Mid", "parameters": [
            {"key": "source", "value": name}, {"key": "start", "value": constant("2")}, {"key": "Length", "value": constant("3")}]});
        let replace = json!({"type": "Function", "name": "Replace", "parameters": [
            {"key": "source", "value": mid}, {"key": "Find", "value": constant("l")}, {"key": "Replacement", "value": constant("L")}]});
        let trim = json!({"type": "Function", "name": "Trim", "parameters": [{"key": "source", "value": replace}]});
        let show_tree = |source: serde_json::Value| {
            show(mapping(json!({"targetAttributeName": "x", "source": source})).value(&Group(None)))
        };
        assert_eq!(show_tree(trim), "aLe");
        let left = json!({"type": "Function", "name": "Left", "parameters": [
            {"key": "source", "value": name}, {"key": "count", "value": constant("2")}]});
        assert_eq!(show_tree(left.clone()), "?[]");
        // With the text, an unreadable tree is no obstacle; a tree that says otherwise is.
        let mut both = left;
        both["expression"] = json!("Left([displayName], 2)");
        assert_eq!(show_tree(both), "Sa");
        let mut both = mid.clone();
        both["expression"] = json!("Mid([displayName], 2, 3)");
        assert_eq!(show_tree(both.clone()), "ale");
        both["expression"] = json!("Mid([displayName], 1, 3)");
        assert_eq!(show_tree(both), "?[]");
    }

    #[test]
    fn a_new_object() {
        let ou = r#"IIF(IsPresent([dn]), [dn], "OU=Fallback,DC=x")"#;
        let mut compiled = function("parentDistinguishedName", ou);
        assert_eq!(show(compiled.value(&Group(None))), "?[\"OU=Fallback,DC=x\", \"<Null>\"]");
        compiled.default_value = Some("ou=fallback,dc=x".to_owned());
        assert_eq!(show(compiled.value(&Group(None))), "OU=Fallback,DC=x");
        compiled.default_value = Some("OU=Other,DC=x".to_owned());
        assert_eq!(show(compiled.value(&Group(None))), "?[\"OU=Fallback,DC=x\", \"OU=Other,DC=x\"]");
        // A reading that cannot be written down is not merged away.
        let mut compiled = function("parentDistinguishedName", "Append([uncollected],\"x\")");
        compiled.default_value = Some("OU=Other,DC=x".to_owned());
        assert_eq!(show(compiled.value(&Group(None))), "?[]");
        let constant = mapping(json!({"targetAttributeName": "language", "source": null, "defaultValue": "en_US"}));
        assert_eq!(show(constant.value(&Group(None))), "en_US");
    }

    #[test]
    fn an_object_that_is_there() {
        let plain = r#"Append([displayName],"_x")"#;
        let kept = r#"IIF(IsPresent([dn]), [dn], "Sales_x")"#;
        for (target, expression, flow, default, current, want) in [
            ("cn", plain, "Always", None, Some("Group_1"), "Sales_x"),
            ("cn", plain, "Always", None, Some("sales_X"), "Sales_x"),
            ("cn", kept, "Always", None, Some("Group_1"), "?[\"Sales_x\", \"Group_1\"]"),
            ("cn", kept, "Always", None, Some("Sales_x"), "Sales_x"),
            ("cn", kept, "Always", Some("Sales_x"), Some("Group_1"), "?[\"Sales_x\", \"Group_1\"]"),
            ("cn", plain, "ObjectAddOnly", None, Some("Group_1"), "?[\"Sales_x\", \"Group_1\"]"),
            ("cn", plain, "ObjectAddOnly", None, Some("Sales_x"), "Sales_x"),
            ("cn", plain, "AttributeAddOnly", None, Some("Group_1"), "?[\"Sales_x\", \"Group_1\"]"),
            ("cn", plain, "Sometimes", None, Some("Sales_x"), "?[\"Sales_x\"]"),
            ("cn", "Trim([dn])", "Always", None, Some("Group_1"), "?[\"Group_1\", \"\"]"),
            ("cn", "[dn]", "Always", None, Some("Group_1"), "?[\"Group_1\"]"),
            ("cn", "Error(\"no\")", "Always", None, Some("Group_1"), "Error(\"no\")"),
            ("cn", "IgnoreFlowIfNullOrEmpty([dn])", "Always", None, Some("Group_1"), "Group_1"),
            ("parentDistinguishedName", "\"OU=A,DC=x\"", "Always", None, Some("ou=a, dc=X"), "OU=A,DC=x"),
            ("parentDistinguishedName", "\"OU=A,DC=x\"", "ObjectAddOnly", None, Some("ou=a, dc=X"), "OU=A,DC=x"),
            ("sAMAccountName", plain, "ObjectAddOnly", None, Some("old"), "old"),
            ("sAMAccountName", plain, "AttributeAddOnly", None, Some("old"), "old"),
            ("sAMAccountName", plain, "AttributeAddOnly", None, None, "Sales_x"),
            ("sAMAccountName", plain, "ValueAddOnly", None, Some("old"), "?[\"Sales_x\", \"old\"]"),
            ("description", "[dn]", "Always", None, Some("old"), "?[\"<Null>\", \"old\"]"),
            ("description", "[dn]", "Always", None, None, "<Null>"),
            ("description", "[dn]", "Always", Some("d"), Some("d"), "d"),
            ("description", "Left([dn],1)", "Always", None, Some("old"), "?[\"\", \"old\"]"),
        ] {
            let mut compiled = function(target, expression);
            if !expression.contains('(') {
                compiled = mapping(
                    json!({"targetAttributeName": target, "source": {"type": if expression.starts_with('[') { "Attribute" } else { "Constant" }, "expression": expression}}),
                );
            }
            compiled.flow = FlowType::read(flow);
            compiled.default_value = default.map(str::to_owned);
            let got = show(compiled.predicted_on_update(&Group(None), current));
            assert_eq!(got, want, "{target} {expression} {flow} {default:?} {current:?}");
        }
    }

    #[test]
    fn definitions_and_flow() {
        let definition = |json: serde_json::Value| -> AttributeDefinition { serde_json::from_value(json).unwrap() };
        let exact = definition(json!({"name": "cn", "caseExact": false, "flowNullValues": false}));
        let cn = function("cn", r#"Append([displayName],"_x")"#).with_definition(Some(&exact));
        assert_eq!(show(cn.predicted_on_update(&Group(None), Some("sales_X"))), "sales_X");
        let description = function("description", "Coalesce([dn])").with_definition(Some(&exact));
        assert_eq!(show(description.predicted_on_update(&Group(None), Some("old"))), "old");
        assert_eq!(cn.applies_on_update(), Some(true));
        let nothing = mapping(json!({"targetAttributeName": "x", "source": null, "defaultValue": "d"}));
        assert_eq!(nothing.applies_on_update(), Some(false));
        assert_eq!(show(nothing.predicted_on_update(&Group(None), None)), "?[\"<Null>\", \"d\"]");
        assert_eq!(show(nothing.predicted_on_update(&Group(None), Some("d"))), "d");
    }
}
