//! The walk through the tree, once for each reading of what the documentation leaves open.

use super::ast::{Call, Node, Op};
use super::catalog::Function;
use super::functions;
use super::value::Value;
use super::{Attr, Attributes, Expr, Outcome};
use std::borrow::Cow;
use std::cell::RefCell;

/// A question that the documentation leaves open, and that has one answer for the whole expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Point {
    /// Null into a function of text: Null, the empty text, or no result at all.
    NullText,
    /// Null beside `&`.
    NullConcat,
    /// Null beside a comparison operator outside of an IIF condition.
    NullCompare,
    /// Null or empty attribute in an IIF condition.
    IifNull,
    /// An IIF whose condition the input cannot tell, by its column.
    IifUnknown(usize),
    /// UTF-16 code units or characters.
    Units,
    EqualsCase,
    InStrCase,
    EmptyMatch,
    TrimSet,
    SplitTrim,
    SplitEmpty,
    SplitDelimiter,
    JoinNull,
    WordEmpty,
    MidPastEnd,
    Order,
    BlankPresent,
    CountNull,
    NotCase,
    SwitchDuplicate,
    ReplaceGroup,
    ReplaceOther,
    Duplicates,
    Diacritics,
    DateDiff,
    DateOffset,
    UniqueValue(usize),
}

/// Why a walk ended without a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    Drop,
    Error(String),
    Unknown(String),
    /// One reading of "Null into a function": the whole expression gives Null.
    Null,
}

pub type Step<'n> = Result<Cow<'n, Value>, Stop>;

struct Choice {
    point: Point,
    options: u8,
    picked: u8,
    reason: String,
}

/// One reading: the answers given so far, and the doubts that no answer settles.
struct Reading {
    choices: Vec<Choice>,
    doubts: Vec<String>,
}

/// One walk under one reading.
pub struct World<'a> {
    attrs: &'a dyn Attributes,
    script: &'a [u8],
    reading: RefCell<Reading>,
}

/// More readings than this are not computed: the outcome is unknown in any case.
const MAX_READINGS: usize = 32;
/// More candidates than this are not listed.
const MAX_CANDIDATES: usize = 8;

/// An outcome, and whether its candidates are all there is: only then may they be merged further.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    pub outcome: Outcome,
    pub closed: bool,
}

struct Run {
    reading: Reading,
    result: Result<Value, Stop>,
}

pub fn evaluate_full(expr: &Expr, attrs: &dyn Attributes) -> Evaluated {
    let first = run(expr, attrs, &[]);
    if first.reading.choices.is_empty() && first.reading.doubts.is_empty() {
        return settled(first.result);
    }
    let mut runs = vec![first];
    let mut capped = false;
    // The open questions form a tree in the order in which a walk meets them: go through its leaves.
    while let Some(script) = runs.last().and_then(next_script) {
        if runs.len() == MAX_READINGS {
            capped = true;
            break;
        }
        runs.push(run(expr, attrs, &script));
    }
    merge(runs, capped)
}

/// One consistent reading: what it answers to which question, and what then comes.
pub struct Answered {
    pub picks: Vec<(Point, u8)>,
    pub result: Result<Value, Stop>,
}

/// Every reading of an expression; `None` where they are too many, or rest on something that no reading settles.
pub fn readings(expr: &Expr, attrs: &dyn Attributes) -> Option<Vec<Answered>> {
    let mut runs = vec![run(expr, attrs, &[])];
    while let Some(script) = runs.last().and_then(next_script) {
        if runs.len() == MAX_READINGS {
            return None;
        }
        runs.push(run(expr, attrs, &script));
    }
    let told = |run: Run| {
        let picks = run.reading.choices.iter().map(|c| (c.point, c.picked)).collect();
        run.reading.doubts.is_empty().then_some(Answered { picks, result: run.result })
    };
    runs.into_iter().map(told).collect()
}

fn run(expr: &Expr, attrs: &dyn Attributes, script: &[u8]) -> Run {
    let reading = RefCell::new(Reading { choices: Vec::new(), doubts: Vec::new() });
    let world = World { attrs, script, reading };
    let result = match world.root(expr.root()) {
        Ok(value) => Ok(value.into_owned()),
        Err(Stop::Null) => Ok(Value::Null),
        Err(stop) => Err(stop),
    };
    Run { reading: world.reading.into_inner(), result }
}

fn next_script(run: &Run) -> Option<Vec<u8>> {
    let choices = &run.reading.choices;
    let last = choices.iter().rposition(|choice| choice.picked + 1 < choice.options)?;
    let mut script: Vec<u8> = choices[..=last].iter().map(|choice| choice.picked).collect();
    script[last] += 1;
    Some(script)
}

fn settled(result: Result<Value, Stop>) -> Evaluated {
    let outcome = match result {
        Ok(value) => Outcome::Value(value),
        Err(Stop::Null) => Outcome::Value(Value::Null),
        Err(Stop::Drop) => Outcome::Drop,
        Err(Stop::Error(text)) => Outcome::Error(text),
        Err(Stop::Unknown(reason)) => return Evaluated { outcome: Outcome::unknown(reason), closed: false },
    };
    Evaluated { outcome, closed: true }
}

fn same(a: &Result<Value, Stop>, b: &Result<Value, Stop>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => a.same_result(b),
        (Err(a), Err(b)) => a == b,
        _ => false,
    }
}

fn merge(mut runs: Vec<Run>, capped: bool) -> Evaluated {
    let doubtful = capped || runs.iter().any(|r| !r.reading.doubts.is_empty());
    if !doubtful && runs.iter().all(|r| same(&r.result, &runs[0].result)) {
        return settled(runs.swap_remove(0).result);
    }
    let mut reasons: Vec<String> = Vec::new();
    let mut add = |reason: &str| {
        if !reasons.iter().any(|r| r == reason) {
            reasons.push(reason.to_owned());
        }
    };
    for run in &runs {
        run.reading.doubts.iter().for_each(|doubt| add(doubt));
        for choice in run.reading.choices.iter().filter(|choice| matters(choice.point, &runs)) {
            add(&choice.reason);
        }
    }
    let mut candidates: Vec<Value> = Vec::new();
    let mut closed = !doubtful;
    for run in &runs {
        match &run.result {
            Ok(value) if candidates.iter().any(|c| c.same_result(value)) => {}
            Ok(value) if candidates.len() < MAX_CANDIDATES => candidates.push(value.clone()),
            Ok(_) => closed = false,
            Err(stop) => {
                closed = false;
                match stop {
                    Stop::Unknown(reason) => add(reason),
                    Stop::Error(text) => add(&format!("in one reading the object fails with an error ({text})")),
                    Stop::Drop => add("in one reading nothing is written"),
                    Stop::Null => {}
                }
            }
        }
    }
    if capped {
        add("more readings are possible than were computed");
    }
    Evaluated { outcome: Outcome::Unknown { candidates, reason: reasons.join("; ") }, closed }
}

/// True where two readings that differ in this question alone give different results.
fn matters(point: Point, runs: &[Run]) -> bool {
    let picked =
        |run: &Run, point: Point| run.reading.choices.iter().find(|c| c.point == point).map(|choice| choice.picked);
    runs.iter().enumerate().any(|(i, a)| {
        runs[i + 1..].iter().any(|b| {
            picked(a, point) != picked(b, point)
                && !same(&a.result, &b.result)
                && a.reading.choices.iter().all(|choice| {
                    choice.point == point || picked(b, choice.point).is_none_or(|other| other == choice.picked)
                })
        })
    })
}

impl<'a> World<'a> {
    /// The answer of this reading to an open question with so many answers.
    pub fn choose(&self, point: Point, options: u8, reason: impl FnOnce() -> String) -> u8 {
        if let Some(picked) = self.attrs.settled().and_then(|s| s.pick(point)).filter(|picked| *picked < options) {
            return picked;
        }
        let mut reading = self.reading.borrow_mut();
        if let Some(choice) = reading.choices.iter().find(|choice| choice.point == point) {
            return choice.picked;
        }
        let picked = self.script.get(reading.choices.len()).copied().unwrap_or(0);
        reading.choices.push(Choice { point, options, picked, reason: reason() });
        picked
    }
    /// One of two results that differ; asks only then.
    pub fn either<T: PartialEq>(&self, point: Point, first: T, second: T, reason: impl FnOnce() -> String) -> T {
        if first == second || self.choose(point, 2, reason) == 0 { first } else { second }
    }
    /// The result rests on something that no reading settles.
    pub fn doubt(&self, reason: impl Into<String>) {
        self.reading.borrow_mut().doubts.push(reason.into());
    }
    pub fn service(&self, name: &str) -> Result<Value, Stop> {
        match self.attrs.service(name) {
            Attr::Value(value) => Ok(value),
            Attr::Absent => Ok(Value::Null),
            Attr::Unknown(reason) => Err(Stop::Unknown(reason)),
        }
    }

    fn root<'n>(&self, node: &'n Node) -> Step<'n> {
        match node {
            Node::Call(call) if call.function == Some(Function::IgnoreFlowIfNullOrEmpty) => {
                let value = self.null_for_stop(self.required(call, 0))?;
                if value.is_null_or_empty() { Err(Stop::Drop) } else { Ok(value) }
            }
            Node::Concat { .. } | Node::Compare { .. } => {
                self.doubt("an operator outside of any function is described nowhere");
                self.eval(node)
            }
            _ => self.eval(node),
        }
    }
    pub fn eval<'n>(&self, node: &'n Node) -> Step<'n> {
        match node {
            Node::Literal { value, .. } => Ok(Cow::Borrowed(value)),
            Node::Attribute { name, .. } => match self.attrs.get(name) {
                Attr::Value(value) => Ok(Cow::Owned(value)),
                Attr::Absent => Ok(Cow::Owned(Value::Null)),
                Attr::Unknown(reason) => Err(Stop::Unknown(format!("[{name}]: {reason}"))),
            },
            Node::Word { word, column } => {
                if functions::is_enumeration_word(word) {
                    return Ok(Cow::Owned(Value::str(word)));
                }
                let hint = match word.to_ascii_uppercase().as_str() {
                    "TRUE" | "FALSE" | "NULL" => ": it belongs to the sync rules of Entra Connect",
                    _ => "",
                };
                Err(Stop::Unknown(format!("the bare word {word} (column {column}) is described nowhere{hint}")))
            }
            Node::Service { name, .. } => Ok(Cow::Owned(self.service(name)?)),
            Node::Parenthesised { inner, .. } => {
                self.doubt("parentheses around an expression are described nowhere");
                self.eval(inner)
            }
            Node::Concat { parts, .. } => self.concat(parts).map(Cow::Owned),
            Node::Compare { op, sides, column } => {
                let left = self.eval(&sides[0])?;
                let right = self.eval(&sides[1])?;
                functions::logic::compare(self, *op, &left, &right, *column).map(Cow::Owned)
            }
            Node::Call(call) => functions::call(self, call),
        }
    }
    fn concat(&self, parts: &[Node]) -> Result<Value, Stop> {
        let mut out = String::new();
        for part in parts {
            let value = self.eval(part)?;
            if value.is_null() {
                if self.choose(Point::NullConcat, 2, || "Null beside & is described nowhere".to_owned()) == 1 {
                    return Ok(Value::Null);
                }
                continue;
            }
            match value.as_text() {
                Some(text) => out.push_str(&text),
                None => return Err(Stop::Unknown("several values or bytes beside & are described nowhere".to_owned())),
            }
        }
        Ok(Value::Str(out))
    }

    /// An argument that must be there.
    pub fn required<'n>(&self, call: &'n Call, index: usize) -> Step<'n> {
        match call.arg(index) {
            Some(node) => self.eval(node),
            None => Err(Stop::Unknown(format!("argument {} of {} is left out", index + 1, call.name))),
        }
    }
    /// An argument that may be left out.
    pub fn optional<'n>(&self, call: &'n Call, index: usize) -> Result<Option<Cow<'n, Value>>, Stop> {
        call.arg(index).map(|node| self.eval(node)).transpose()
    }
    /// For functions whose rule for Null is documented: the reading "no result at all" is Null to them.
    pub fn null_for_stop<'n>(&self, step: Step<'n>) -> Step<'n> {
        match step {
            Err(Stop::Null) => Ok(Cow::Owned(Value::Null)),
            other => other,
        }
    }
    /// The result of a function of text on Null, where the documentation is silent.
    pub fn null_text(&self, call: &Call) -> Result<Value, Stop> {
        let reason = || format!("what {} gives for an empty source is described nowhere", call.name);
        match self.choose(Point::NullText, 3, reason) {
            0 => Ok(Value::Null),
            1 => Ok(Value::str("")),
            _ => Err(Stop::Null),
        }
    }

    /// IIF: the branch not taken is not looked at.
    pub fn iif<'n>(&self, call: &'n Call) -> Step<'n> {
        let Some(condition) = call.arg(0) else { return self.required(call, 0) };
        let mut empty = None;
        for name in &call.condition_attributes {
            match self.attrs.get(name) {
                Attr::Absent => empty = Some(name),
                Attr::Value(value) if value.is_null_or_empty() => empty = Some(name),
                _ => {}
            }
        }
        let truth = match self.null_for_stop(self.eval(condition)) {
            Ok(value) => functions::logic::truth(self, &value, call)?,
            Err(Stop::Unknown(reason)) => {
                let why = || format!("the condition of {} (column {}) is unknown", call.name, call.column);
                let picked = self.choose(Point::IifUnknown(call.column), 3, why);
                self.doubt(reason);
                match picked {
                    0 => true,
                    1 => false,
                    _ => return Ok(Cow::Owned(Value::Null)),
                }
            }
            Err(stop) => return Err(stop),
        };
        let truth = match empty {
            // The one form of which Microsoft's own default mapping for this kind of job states the result.
            Some(_) if truth && tests_emptiness(condition) => true,
            Some(name) => {
                let reason = || {
                    format!(
                        "the documentation leaves open what IIF gives when [{name}] in its condition is empty (the false \
                         branch, nothing, or an error)"
                    )
                };
                match self.choose(Point::IifNull, 3, reason) {
                    0 => truth,
                    1 => false,
                    _ => return Ok(Cow::Owned(Value::Null)),
                }
            }
            None => truth,
        };
        self.required(call, if truth { 1 } else { 2 })
    }
}

/// `IsNullOrEmpty([a])` or `IsNull([a])` and nothing else.
fn tests_emptiness(condition: &Node) -> bool {
    match condition {
        Node::Call(call) => {
            matches!(call.function, Some(Function::IsNull | Function::IsNullOrEmpty))
                && matches!(call.arg(0), Some(Node::Attribute { .. }))
        }
        _ => false,
    }
}

/// `=` and `<>` are the only operators that are plain for text.
pub fn is_equality(op: Op) -> bool {
    matches!(op, Op::Equal | Op::NotEqual)
}
