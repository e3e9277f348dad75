//! What the tenant's own evaluator answered, turned into rules: an answer that only one reading of an open point can give
//! settles that point, for every expression of the tenant. Answers that contradict each other settle nothing, and one that
//! no reading gives shows that this program reads the language otherwise than the tenant does: that is told.

use super::eval::{Answered, Point, Stop, readings};
use super::{Value, parse};
use crate::directory::inventory::Evaluation;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// More rounds than there are points.
const ROUNDS: usize = 40;

/// Points with one answer for this tenant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settled {
    /// By point: the answer, and the expression that gave it first.
    picks: BTreeMap<Point, (u8, String)>,
    /// Expressions that the tenant evaluates to what no reading gives, with what came.
    contradicted: BTreeMap<String, String>,
}

impl Settled {
    /// What these answers settle.
    pub fn learn(answers: &[Evaluation]) -> Settled {
        let mut out = Settled::default();
        let mut told: Vec<(&Evaluation, Vec<Answered>)> = Vec::new();
        for answer in answers {
            let Some(mut readings) = possible(answer) else { continue };
            readings.retain(|r| agrees(&r.result, answer));
            if !readings.is_empty() {
                told.push((answer, readings));
            } else if answer.evaluated {
                let came = shown(&answer.result);
                out.contradicted.entry(answer.expression.clone()).or_insert(came);
            }
        }
        // What one answer settles may leave but one reading of another.
        let mut torn: BTreeSet<Point> = BTreeSet::new();
        for _ in 0..ROUNDS {
            let mut left: BTreeMap<Point, (BTreeSet<u8>, &str)> = BTreeMap::new();
            for (answer, readings) in &told {
                let stands = |r: &&Answered| r.picks.iter().all(|(p, k)| out.pick(*p).is_none_or(|known| known == *k));
                let standing: Vec<&Answered> = readings.iter().filter(stands).collect();
                let Some(first) = standing.first() else {
                    // It cannot be with what the others say: none of these points is settled.
                    torn.extend(readings.iter().flat_map(|r| r.picks.iter().map(|(p, _)| *p)));
                    continue;
                };
                for (point, _) in &first.picks {
                    let picks: Option<BTreeSet<u8>> = standing.iter().map(|r| r.pick(*point)).collect();
                    let Some(picks) = picks.filter(|_| can_settle(*point)) else { continue };
                    let known = left.entry(*point).or_insert_with(|| (picks.clone(), &answer.expression));
                    if picks.len() < known.0.len() {
                        known.1 = &answer.expression;
                    }
                    known.0 = known.0.intersection(&picks).copied().collect();
                }
            }
            torn.extend(left.iter().filter(|(_, (picks, _))| picks.is_empty()).map(|(p, _)| *p));
            let settled: BTreeMap<Point, (u8, String)> = left
                .into_iter()
                .filter(|(point, (picks, _))| picks.len() == 1 && !torn.contains(point))
                .filter_map(|(point, (picks, from))| Some((point, (*picks.first()?, from.to_owned()))))
                .collect();
            let same = settled.keys().eq(out.picks.keys());
            out.picks = settled;
            if same {
                break;
            }
        }
        out
    }

    pub(super) fn pick(&self, point: Point) -> Option<u8> {
        self.picks.get(&point).map(|(picked, _)| *picked)
    }

    pub fn is_empty(&self) -> bool {
        self.picks.is_empty() && self.contradicted.is_empty()
    }

    /// What the tenant gave for an expression that this program reads otherwise.
    pub fn contradiction(&self, expression: &str) -> Option<&str> {
        self.contradicted.get(expression.trim()).map(String::as_str)
    }

    /// Each settled point in words, with the evidence.
    pub fn notes(&self) -> Vec<String> {
        let settled = self.picks.iter().map(|(point, (picked, expression))| {
            format!("settled by the tenant's own evaluator: {} ({expression})", words(*point, *picked))
        });
        let contradicted = self.contradicted.iter().map(|(expression, came)| {
            format!(
                "the tenant's own evaluator gives {came} for {expression}, which no reading of the documentation gives"
            )
        });
        settled.chain(contradicted).collect()
    }
}

impl Answered {
    fn pick(&self, point: Point) -> Option<u8> {
        self.picks.iter().find(|(p, _)| *p == point).map(|(_, picked)| *picked)
    }
}

/// Whether a point has one answer for all expressions.
fn can_settle(point: Point) -> bool {
    !matches!(point, Point::IifUnknown(_) | Point::UniqueValue(_))
}

/// Every reading of the expression over what the tenant evaluated it over.
fn possible(answer: &Evaluation) -> Option<Vec<Answered>> {
    let attributes: HashMap<String, Value> = answer.attributes.iter().map(|(n, v)| (n.clone(), value(v))).collect();
    readings(&parse(&answer.expression).ok()?, &attributes)
}

fn value(values: &[String]) -> Value {
    match values {
        [] => Value::Null,
        [one] => Value::str(one),
        many => Value::Multi(many.iter().map(Value::str).collect()),
    }
}

/// Whether a reading may give what the tenant gave. No value and an empty one look alike in its answers.
fn agrees(reading: &Result<Value, Stop>, answer: &Evaluation) -> bool {
    let nothing = answer.evaluated && answer.result.iter().all(String::is_empty);
    match reading {
        Ok(value) => answer.evaluated && (gives(value, &answer.result) || nothing && value.is_null_or_empty()),
        Err(Stop::Null | Stop::Drop) => nothing,
        Err(Stop::Error(_)) => !answer.evaluated,
        // Nothing is known of what this reading gives: it may be that.
        Err(Stop::Unknown(_)) => true,
    }
}

/// Whether a value is what the evaluator's answer shows.
pub fn gives(value: &Value, result: &[String]) -> bool {
    match value {
        Value::Null => result.is_empty(),
        Value::Multi(values) => {
            values.len() == result.len() && values.iter().zip(result).all(|(v, r)| v.to_string() == *r)
        }
        one => {
            let text = one.to_string();
            result == [text.as_str()] || result.is_empty() && text.is_empty()
        }
    }
}

fn shown(result: &[String]) -> String {
    match result {
        [] => "no value".to_owned(),
        [one] => format!("{one:?}"),
        many => format!("{many:?}"),
    }
}

/// What an answer to a point says.
fn words(point: Point, picked: u8) -> String {
    let (question, answers): (&str, &[&str]) = match point {
        Point::NullText => (
            "a function of text on an attribute without value gives",
            &["no value", "the empty text", "no result at all"],
        ),
        Point::NullConcat => ("no value beside & counts as", &["the empty text", "no value for the whole"]),
        Point::NullCompare => ("a comparison with no value is", &["as if it were empty", "otherwise"]),
        Point::IifNull => (
            "IIF with an attribute without value in its condition takes",
            &["the branch of the condition", "the false branch", "neither branch"],
        ),
        Point::Units => ("characters are counted as", &["UTF-16 units", "characters"]),
        Point::EqualsCase => ("= and letter case", &["are regarded", "are not regarded"]),
        Point::InStrCase => ("InStr and letter case", &["are regarded", "are not regarded"]),
        Point::SplitTrim => {
            ("Split", &["keeps the blanks around its elements", "takes the blanks around its elements off"])
        }
        Point::SplitEmpty => ("Split", &["keeps empty elements", "drops empty elements"]),
        Point::SplitDelimiter => {
            ("a delimiter of several characters is taken", &["as a whole", "as any one of its characters"])
        }
        Point::TrimSet => ("Trim", &["takes off one set of white space", "takes off the other set of white space"]),
        Point::JoinNull => ("Join", &["skips a source without value", "gives no value when a source has none"]),
        Point::WordEmpty => ("Word and empty words", &["are not counted", "are counted"]),
        Point::MidPastEnd => ("Mid past the end gives", &["the empty text", "no value", "an error"]),
        Point::BlankPresent => ("blanks alone", &["are a value", "are no value"]),
        Point::NotCase => ("Not and letter case", &["are regarded", "are not regarded"]),
        Point::SwitchDuplicate => ("of two equal keys of Switch", &["the first wins", "the last wins"]),
        Point::Duplicates => ("RemoveDuplicates and letter case", &["are regarded", "are not regarded"]),
        _ => ("", &[]),
    };
    match answers.get(usize::from(picked)) {
        Some(answer) => format!("{question} {answer}"),
        None => format!("{point:?}, reading {}", picked + 1),
    }
}

/// An expression over made-up values whose result tells how the tenant reads the language. Nothing of a tenant is in it.
pub struct Probe {
    pub expression: &'static str,
    pub attributes: &'static [(&'static str, &'static [&'static str])],
}

impl Probe {
    pub fn attributes(&self) -> Vec<(String, Vec<String>)> {
        let owned = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect();
        self.attributes.iter().map(|(name, values)| ((*name).to_owned(), owned(values))).collect()
    }
}

/// What settles the open points of the language that an evaluator can settle. The attributes are ones that every group
/// has a name for, since an evaluator may know no others.
pub const PROBES: &[Probe] = &[
    probe(r#"IIF([displayName]="USA","y","n")"#, &[("displayName", &["usa"])]),
    probe(r#"IIF(Not(IsPresent([description])),"y","n")"#, &[]),
    probe(r#"IIF([description]<>"USA","y","n")"#, &[]),
    probe(r#"IIF([description]="USA","y","n")"#, &[]),
    probe(r#"InStr([displayName],"sales")"#, &[("displayName", &["Sales"])]),
    probe(r#"Word([displayName],2,",")"#, &[("displayName", &["a,,b"])]),
    probe(r#"Split([displayName],",")"#, &[("displayName", &["a,,b"])]),
    probe(r#"Split([displayName],"::")"#, &[("displayName", &["a::b:c"])]),
    probe(r#"Split([displayName],",")"#, &[("displayName", &["a, b"])]),
    probe("Trim([displayName])", &[("displayName", &["\tx"])]),
    probe(r#"Append("x",[description])"#, &[]),
    probe(r#"Append("x",Trim([description]))"#, &[]),
    probe(r#"Append("x",Left([description],3))"#, &[]),
    probe(r#"Append("x",ToLower([description]))"#, &[]),
    probe(r#"Join("-",[displayName],[description])"#, &[("displayName", &["x"])]),
    probe(r#"IIF(IsPresent([displayName]),"y","n")"#, &[("displayName", &["  "])]),
    probe("Not([displayName])", &[("displayName", &["true"])]),
    probe("RemoveDuplicates([proxyAddresses])", &[("proxyAddresses", &["x", "X"])]),
    probe(r#"Append("x",Mid([displayName],4,1))"#, &[("displayName", &["abc"])]),
    probe("Len([displayName])", &[("displayName", &["\u{1f600}"])]),
    probe("Count([proxyAddresses])", &[]),
    probe(r#"Switch([displayName],"d","1","x","1","y")"#, &[("displayName", &["1"])]),
    probe(r#"Replace([displayName], , "(?<g>X)", "g", "-", , )"#, &[("displayName", &["aXbX"])]),
    probe(r#"NormalizeDiacritics([displayName])"#, &[("displayName", &["\u{439}"])]),
];

const fn probe(expression: &'static str, attributes: &'static [(&'static str, &'static [&'static str])]) -> Probe {
    Probe { expression, attributes }
}

#[cfg(test)]
mod tests;
