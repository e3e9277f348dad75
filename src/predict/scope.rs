//! Which groups a job takes: assignment, the default clause for groups, and the scoping filter, in three values. What
//! an operator does to a value that its description does not cover is unknown, and counts only where it decides.

use super::expression::{Attr, Attributes, Pattern, Value};
use super::schema::{Filter, FilterClause, FilterGroup};

/// Whether a job takes a group; out and unknown say why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    In,
    Out(String),
    Unknown(String),
}

impl Scope {
    /// Both must hold: out wins, then unknown.
    fn and(self, other: impl FnOnce() -> Scope) -> Scope {
        match self {
            Scope::Out(_) => self,
            Scope::In => other(),
            Scope::Unknown(_) => match other() {
                out @ Scope::Out(_) => out,
                _ => self,
            },
        }
    }
}

/// How a job's groups are chosen before any filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assignment {
    /// The job takes all groups.
    All,
    /// The job takes assigned groups, and this is one.
    Assigned,
    NotAssigned,
    /// The input tells not which groups are assigned, or not whether that counts.
    Unknown,
}

/// A scoping filter with its patterns compiled; no filter lets everything pass.
#[derive(Debug, Clone, Default)]
pub struct CompiledScope {
    /// Sets are ANDed, the groups of a set ORed, the clauses of a group ANDed.
    sets: Vec<Vec<Vec<Clause>>>,
}

#[derive(Debug, Clone)]
struct Clause {
    attribute: String,
    test: Test,
    /// The clause as shown to people.
    text: String,
}

#[derive(Debug, Clone)]
enum Test {
    Equals { value: String, wanted: bool },
    Is(bool),
    Null(bool),
    Greater { value: Option<i64>, or_equal: bool },
    Matches { pattern: Result<Pattern, String>, wanted: bool },
    Includes(String),
    EndsWith(String),
    Unreadable(String),
}

pub fn compile(filter: Option<&Filter>) -> CompiledScope {
    let Some(filter) = filter else { return CompiledScope::default() };
    let set = |groups: &[FilterGroup]| -> Vec<Vec<Clause>> {
        groups.iter().map(|group| group.clauses.iter().map(clause).collect()).collect()
    };
    let sets = [&filter.groups, &filter.category_filter_groups, &filter.input_filter_groups];
    CompiledScope { sets: sets.into_iter().map(|groups| set(groups)).filter(|set| !set.is_empty()).collect() }
}

fn clause(clause: &FilterClause) -> Clause {
    let attribute = clause.source_operand_name.clone().unwrap_or_default();
    let operator = clause.operator_name.clone().unwrap_or_default();
    let values = &clause.target_operand.values;
    // Spellings differ between editions: letter case, blanks and underscores do not count.
    let plain: String = operator.chars().filter(|c| !matches!(c, ' ' | '_')).collect::<String>().to_ascii_uppercase();
    let one = |test: &dyn Fn(&str) -> Test| match values.as_slice() {
        [value] => test(value),
        _ => Test::Unreadable(format!("{operator} with {} values is described nowhere", values.len())),
    };
    let test = match plain.as_str() {
        "EQUALS" => one(&|value| Test::Equals { value: value.to_owned(), wanted: true }),
        "NOTEQUALS" => one(&|value| Test::Equals { value: value.to_owned(), wanted: false }),
        "ISTRUE" => Test::Is(true),
        "ISFALSE" => Test::Is(false),
        "ISNULL" => Test::Null(true),
        "ISNOTNULL" => Test::Null(false),
        "GREATERTHAN" => one(&|value| Test::Greater { value: value.trim().parse().ok(), or_equal: false }),
        "GREATERTHANOREQUALS" => one(&|value| Test::Greater { value: value.trim().parse().ok(), or_equal: true }),
        "REGEXMATCH" => one(&|value| Test::Matches { pattern: Pattern::compile(value), wanted: true }),
        "NOTREGEXMATCH" => one(&|value| Test::Matches { pattern: Pattern::compile(value), wanted: false }),
        "INCLUDES" => one(&|value| Test::Includes(value.to_owned())),
        "ENDSWITH" => one(&|value| Test::EndsWith(value.to_owned())),
        _ => Test::Unreadable(format!("the operator {operator} is not described well enough to predict")),
    };
    let test = if attribute.is_empty() { Test::Unreadable("a clause names no attribute".to_owned()) } else { test };
    let text = format!("{attribute} {operator} {}", values.join(", ")).trim_end().to_owned();
    Clause { attribute, test, text }
}

impl CompiledScope {
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }
    /// Whether the filter lets the object pass.
    pub fn passes(&self, attrs: &dyn Attributes) -> Scope {
        self.sets.iter().fold(Scope::In, |scope, set| scope.and(|| any(set, attrs)))
    }
}

/// True where one group of the set holds; a group without clauses is no condition.
fn any(set: &[Vec<Clause>], attrs: &dyn Attributes) -> Scope {
    let mut failed: Vec<String> = Vec::new();
    let mut unknown = None;
    for group in set {
        match group.iter().fold(Scope::In, |scope, clause| scope.and(|| clause.holds(attrs))) {
            Scope::In => return Scope::In,
            Scope::Out(reason) => failed.push(reason),
            Scope::Unknown(reason) => unknown = unknown.or(Some(reason)),
        }
    }
    match unknown {
        Some(reason) => Scope::Unknown(reason),
        None => Scope::Out(failed.join("; ")),
    }
}

impl Clause {
    fn holds(&self, attrs: &dyn Attributes) -> Scope {
        let value = match attrs.get(&self.attribute) {
            Attr::Value(value) => value,
            Attr::Absent => Value::Null,
            Attr::Unknown(reason) => return Scope::Unknown(format!("{}: {reason}", self.attribute)),
        };
        match self.test(&value) {
            Ok(true) => Scope::In,
            Ok(false) => Scope::Out(format!("the filter {} does not hold", self.text)),
            Err(reason) => Scope::Unknown(format!("the filter {} cannot be predicted: {reason}", self.text)),
        }
    }
    fn test(&self, value: &Value) -> Result<bool, String> {
        if let Test::Unreadable(reason) = &self.test {
            return Err(reason.clone());
        }
        let empty = value.is_null_or_empty();
        if let Test::Null(wanted) = self.test {
            return Ok(empty == wanted);
        }
        if empty {
            return match self.test {
                // Cloud groups have no such value, and they are what the job is for.
                Test::Is(false) if self.attribute.eq_ignore_ascii_case("dirSyncEnabled") => Ok(true),
                Test::Is(false) => Err("IS FALSE on an empty value is described nowhere".to_owned()),
                Test::Equals { wanted: false, .. } => {
                    Err("NOT EQUALS on an empty value is described in one place only".to_owned())
                }
                _ => Ok(false),
            };
        }
        let Some(text) = value.as_text() else { return Err("several values are not supported".to_owned()) };
        match &self.test {
            Test::Equals { value: operand, wanted } => {
                let typed = !matches!(value, Value::Str(_));
                if typed && *operand != *text && operand.eq_ignore_ascii_case(&text) {
                    return Err("only letter case decides".to_owned());
                }
                Ok((*operand == *text) == *wanted)
            }
            Test::Is(wanted) => match (value, &*text) {
                (Value::Bool(truth), _) => Ok(truth == wanted),
                (_, "True" | "False") => Ok((text == "True") == *wanted),
                _ => Err(format!("{text:?} is no Boolean")),
            },
            Test::Greater { value: operand, or_equal } => match (value.as_int(), operand) {
                (Some(number), Some(operand)) => Ok(number > *operand || (*or_equal && number == *operand)),
                _ => Err("both sides must be integers".to_owned()),
            },
            Test::Matches { pattern: Ok(pattern), wanted } => Ok(pattern.is_match(&text)? == *wanted),
            Test::Matches { pattern: Err(reason), .. } => Err(reason.clone()),
            Test::Includes(part) => Ok(text.contains(part.as_str())),
            Test::EndsWith(end) => {
                let exact = text.ends_with(end.as_str());
                if exact != text.to_lowercase().ends_with(&end.to_lowercase()) {
                    return Err("whether ENDS_WITH regards letter case is described nowhere".to_owned());
                }
                Ok(exact)
            }
            Test::Null(_) | Test::Unreadable(_) => Err("this operator is not predicted".to_owned()),
        }
    }
}

/// `securityEnabled IS TRUE AND dirSyncEnabled IS FALSE AND mailEnabled IS FALSE`, which the service puts before every
/// filter of a job for groups.
pub fn default_clause(attrs: &dyn Attributes) -> Scope {
    let flag = |name: &str, wanted: bool, out: &str| match attrs.get(name) {
        Attr::Unknown(reason) => Scope::Unknown(format!("{name}: {reason}")),
        Attr::Value(Value::Bool(value)) if value == wanted => Scope::In,
        Attr::Value(Value::Str(value)) if value == if wanted { "True" } else { "False" } => Scope::In,
        Attr::Value(Value::Bool(_)) => Scope::Out(out.to_owned()),
        Attr::Value(Value::Str(value)) if value == "True" || value == "False" => Scope::Out(out.to_owned()),
        Attr::Absent | Attr::Value(Value::Null) if name == "dirSyncEnabled" => Scope::In,
        // IS TRUE on nothing is false; IS FALSE on nothing is described for no other attribute.
        Attr::Absent | Attr::Value(Value::Null) if wanted => Scope::Out(out.to_owned()),
        _ => Scope::Unknown(format!("{name} has no value that the service's own filter covers")),
    };
    flag("securityEnabled", true, "the group is not security-enabled")
        .and(|| flag("dirSyncEnabled", false, "the group is synchronized from Active Directory"))
        .and(|| flag("mailEnabled", false, "the group is mail-enabled"))
}

/// Whether a job takes a group: assignment and default clause and filter.
pub fn in_scope(filter: &CompiledScope, attrs: &dyn Attributes, assignment: Assignment) -> Scope {
    let assigned = match assignment {
        Assignment::All | Assignment::Assigned => Scope::In,
        Assignment::NotAssigned => Scope::Out("the group is not assigned to the job".to_owned()),
        Assignment::Unknown => {
            Scope::Unknown("whether the group is assigned to the job is not in the input".to_owned())
        }
    };
    assigned.and(|| default_clause(attrs)).and(|| filter.passes(attrs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use std::collections::HashMap;

    struct Partly(HashMap<String, Value>);

    impl Attributes for Partly {
        fn get(&self, name: &str) -> Attr {
            if name == "uncollected" {
                Attr::Unknown("not collected".to_owned())
            } else {
                Attributes::get(&self.0, name)
            }
        }
    }

    fn one(operator: &str, values: &[&str]) -> CompiledScope {
        filter(json!([[["a", operator, values]]]))
    }
    fn filter(groups: serde_json::Value) -> CompiledScope {
        let groups: Vec<_> = groups
            .as_array()
            .unwrap()
            .iter()
            .map(|clauses| {
                let clauses: Vec<_> = clauses
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|c| {
                        json!({
                "sourceOperandName": c[0], "operatorName": c[1], "targetOperand": { "values": c[2] } })
                    })
                    .collect();
                json!({ "name": "g", "clauses": clauses })
            })
            .collect();
        compile(Some(&serde_json::from_value(json!({ "groups": groups, "categoryFilterGroups": null })).unwrap()))
    }
    fn with(value: Value) -> HashMap<String, Value> {
        HashMap::from([("a".to_owned(), value)])
    }
    fn letter(scope: &Scope) -> char {
        match scope {
            Scope::In => 'i',
            Scope::Out(_) => 'o',
            Scope::Unknown(_) => '?',
        }
    }

    #[test]
    fn operators() {
        let text = |t: &str| Value::str(t);
        let many = Value::Multi(vec!["x".into(), "y".into()]);
        let sales = r"(?:^|\W)Sales|Marketing|Operations(?:$|\W)";
        let ids = "(1[0-9][0-9][0-9][0-9][0-9][0-9])";
        for (operator, values, value, want) in [
            ("EQUALS", &["x"][..], text("x"), 'i'),
            ("equals", &["x"], text("X"), 'o'),
            ("EQUALS", &["7"], Value::Int(7), 'i'),
            ("EQUALS", &["true"], Value::Bool(true), '?'),
            ("EQUALS", &["x"], Value::Null, 'o'),
            ("EQUALS", &["x", "y"], text("x"), '?'),
            ("NOT EQUALS", &["x"], text("y"), 'i'),
            ("NOT_EQUALS", &["x"], text("x"), 'o'),
            ("NOT EQUALS", &["x"], Value::Null, '?'),
            ("IS TRUE", &[], Value::Bool(true), 'i'),
            ("IS_TRUE", &[], Value::Bool(false), 'o'),
            ("IS TRUE", &[], Value::Null, 'o'),
            ("IS TRUE", &[], text("yes"), '?'),
            ("IS FALSE", &[], Value::Bool(false), 'i'),
            ("IS FALSE", &[], Value::Null, '?'),
            ("IS NULL", &[], Value::Null, 'i'),
            ("IS NULL", &[], text(""), 'i'),
            ("IS NOT NULL", &[], text("x"), 'i'),
            ("IS NOT NULL", &[], Value::Null, 'o'),
            ("GREATER_THAN", &["5"], Value::Int(6), 'i'),
            ("Greater_Than", &["5"], text("5"), 'o'),
            ("GREATER_THAN_OR_EQUALS", &["5"], text("5"), 'i'),
            ("GREATER_THAN", &["five"], text("5"), '?'),
            ("GREATER_THAN", &["5"], text("six"), '?'),
            ("REGEX MATCH", &[ids], text("1000000"), 'i'),
            ("REGEX MATCH", &[ids], text("21000000"), 'i'),
            ("REGEX MATCH", &[ids], text("2000000"), 'o'),
            ("REGEX MATCH", &[r".*\@domain.com"], text("joe@domain.com"), 'i'),
            ("REGEX MATCH", &[sales], text("Contoso-Sales-US"), 'i'),
            ("REGEX MATCH", &[sales], text("Contoso-Marketing-US"), 'i'),
            ("REGEX MATCH", &[sales], text("Contoso-Operations-US"), 'i'),
            ("REGEX MATCH", &[sales], text("Contoso-LT-US"), 'o'),
            ("REGEX MATCH", &[sales], text("Contoso-TeleMarketing-US"), 'i'),
            ("REGEX MATCH", &[sales], text("Contoso-Telemarketing-US"), 'o'),
            ("REGEX MATCH", &[sales], text("PreSales"), 'o'),
            ("REGEX MATCH", &[sales], text("Operations2"), 'o'),
            ("REGEX MATCH", &["a*+"], text("a"), '?'),
            ("NOT REGEX MATCH", &["^x"], text("y"), 'i'),
            ("NOT REGEX MATCH", &["^x"], Value::Null, 'o'),
            ("INCLUDES", &["ale"], text("Sales"), 'i'),
            ("INCLUDES", &["ALE"], text("Sales"), 'o'),
            ("ENDS_WITH", &["es"], text("Sales"), 'i'),
            ("ENDS_WITH", &["ES"], text("Sales"), '?'),
            ("&", &["1"], Value::Int(1), '?'),
            ("!&L", &["1"], Value::Int(1), '?'),
            ("IS_MEMBER_OF", &["x"], text("x"), '?'),
            ("VALID CERT MATCH", &["x"], text("x"), '?'),
            ("", &["x"], text("x"), '?'),
            ("EQUALS", &["x"], many, '?'),
        ] {
            let scope = one(operator, values).passes(&with(value.clone()));
            assert_eq!(letter(&scope), want, "{operator} {values:?} on {value:?}: {scope:?}");
        }
    }

    #[test]
    fn three_values() {
        let object = Partly(with("x".into()));
        let yes = json!(["a", "EQUALS", ["x"]]);
        let no = json!(["a", "EQUALS", ["y"]]);
        let open = json!(["uncollected", "EQUALS", ["y"]]);
        for (groups, want) in [
            (json!([]), 'i'),
            (json!([[]]), 'i'),
            (json!([[yes, no]]), 'o'),
            (json!([[yes], [no]]), 'i'),
            (json!([[no], [no]]), 'o'),
            (json!([[open]]), '?'),
            (json!([[open, no]]), 'o'),
            (json!([[no, open]]), 'o'),
            (json!([[open, yes]]), '?'),
            (json!([[open], [yes]]), 'i'),
            (json!([[open], [no]]), '?'),
        ] {
            assert_eq!(letter(&filter(groups.clone()).passes(&object)), want, "{groups}");
        }
        let sets = json!({ "groups": [{"clauses": [{"sourceOperandName": "a", "operatorName": "IS NOT NULL"}]}],
            "inputFilterGroups": [{"clauses": [{"sourceOperandName": "a", "operatorName": "IS NULL", "targetOperand": null}]}] });
        assert_eq!(letter(&compile(Some(&serde_json::from_value(sets).unwrap())).passes(&object)), 'o');
    }

    #[test]
    fn default_clause_and_assignment() {
        let group = |security: Value, synced: Value, mail: Value| {
            HashMap::from([
                ("securityEnabled".to_owned(), security),
                ("dirSyncEnabled".to_owned(), synced),
                ("mailEnabled".to_owned(), mail),
            ])
        };
        let (yes, no) = (Value::Bool(true), Value::Bool(false));
        for (object, want) in [
            (group(yes.clone(), Value::Null, no.clone()), 'i'),
            (group(yes.clone(), no.clone(), no.clone()), 'i'),
            (group("True".into(), Value::Null, "False".into()), 'i'),
            (group(no.clone(), Value::Null, no.clone()), 'o'),
            (group(Value::Null, Value::Null, no.clone()), 'o'),
            (group(yes.clone(), yes.clone(), no.clone()), 'o'),
            (group(yes.clone(), Value::Null, yes.clone()), 'o'),
            (group(yes.clone(), Value::Null, Value::Null), '?'),
        ] {
            let all = compile(None);
            assert_eq!(letter(&in_scope(&all, &object, Assignment::All)), want, "{object:?}");
            assert_eq!(letter(&in_scope(&all, &object, Assignment::Assigned)), want);
            assert_eq!(letter(&in_scope(&all, &object, Assignment::NotAssigned)), 'o');
            let unknown = if want == 'o' { 'o' } else { '?' };
            assert_eq!(letter(&in_scope(&all, &object, Assignment::Unknown)), unknown);
        }
    }

    proptest! {
        #[test]
        fn never_panics(operator in "[A-Z_ &!]{0,12}|REGEX MATCH|GREATER_THAN", operand in "\\PC{0,10}", value in "\\PC{0,10}") {
            let _ = one(&operator, &[&operand]).passes(&with(Value::Str(value)));
        }
    }
}
