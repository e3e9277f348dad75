//! A tenant that reads the language in one way is understood as reading it so, and in no other.

use super::*;
use crate::predict::expression::{Attr, Attributes, Outcome, evaluate};

/// The object of a probe, in a tenant that reads the language so.
struct In<'a> {
    attributes: HashMap<String, Value>,
    tenant: &'a Settled,
}

impl Attributes for In<'_> {
    fn get(&self, name: &str) -> Attr {
        Attributes::get(&self.attributes, name)
    }
    fn settled(&self) -> Option<&Settled> {
        Some(self.tenant)
    }
}

/// What such a tenant answers; nothing where even it cannot say.
fn answer(tenant: &Settled, expression: &str, attributes: Vec<(String, Vec<String>)>) -> Option<Evaluation> {
    let object = In { attributes: attributes.iter().map(|(n, v)| (n.clone(), value(v))).collect(), tenant };
    let text = |v: &Value| match v {
        Value::Null => Vec::new(),
        Value::Multi(list) => list.iter().map(ToString::to_string).collect(),
        one => vec![one.to_string()],
    };
    let answered = |evaluated: bool, result: Vec<String>| {
        Some(Evaluation { expression: expression.to_owned(), attributes, evaluated, result, ..Evaluation::default() })
    };
    match evaluate(&parse(expression).unwrap(), &object) {
        Outcome::Value(value) => answered(true, text(&value)),
        Outcome::Drop => answered(true, Vec::new()),
        Outcome::Error(_) => answered(false, Vec::new()),
        Outcome::Unknown { .. } => None,
    }
}

/// Every point that a probe asks about, with the number of its readings.
fn asked() -> BTreeMap<Point, u8> {
    let mut out = BTreeMap::new();
    for probe in PROBES {
        let attributes: HashMap<String, Value> = probe.attributes().into_iter().map(|(n, v)| (n, value(&v))).collect();
        let readings = readings(&parse(probe.expression).unwrap(), &attributes);
        for (point, picked) in readings.into_iter().flatten().flat_map(|r| r.picks) {
            let most = out.entry(point).or_insert(0);
            *most = picked.max(*most);
        }
    }
    out
}

/// Worlds in which every point has its first, its second … reading, and each point by turns another than the rest.
fn worlds() -> Vec<Settled> {
    let asked = asked();
    let world = |of: &dyn Fn(Point, u8) -> u8| Settled {
        picks: asked.iter().map(|(p, most)| (*p, (of(*p, *most).min(*most), String::new()))).collect(),
        ..Settled::default()
    };
    let mut out: Vec<Settled> = (0..3).map(|n| world(&|_, _| n)).collect();
    for other in asked.keys() {
        for n in 0..3 {
            out.push(world(&|point, _| if point == *other { n } else { 0 }));
        }
    }
    out
}

#[test]
fn what_is_learnt_is_how_the_tenant_reads() {
    let mut learnt: BTreeMap<Point, BTreeSet<u8>> = BTreeMap::new();
    for tenant in worlds() {
        let answers: Vec<Evaluation> =
            PROBES.iter().filter_map(|p| answer(&tenant, p.expression, p.attributes())).collect();
        assert!(answers.len() + 2 >= PROBES.len(), "such a tenant answers nearly every probe: {}", answers.len());
        let settled = Settled::learn(&answers);
        assert!(settled.contradicted.is_empty(), "{:?}", settled.contradicted);
        for (point, (picked, _)) in &settled.picks {
            assert_eq!(tenant.pick(*point), Some(*picked), "{point:?}");
            learnt.entry(*point).or_default().insert(*picked);
            assert!(!words(*point, *picked).is_empty());
        }
    }
    // Each of these is settled, whichever way the tenant reads it.
    for point in [
        Point::EqualsCase,
        Point::InStrCase,
        Point::WordEmpty,
        Point::SplitEmpty,
        Point::SplitDelimiter,
        Point::SplitTrim,
        Point::TrimSet,
        Point::JoinNull,
        Point::BlankPresent,
        Point::NotCase,
        Point::Duplicates,
        Point::Units,
        Point::SwitchDuplicate,
        Point::Diacritics,
    ] {
        assert_eq!(learnt.get(&point).map(BTreeSet::len), Some(2), "{point:?}");
    }
    // IIF on an empty attribute: all three readings are told apart.
    assert_eq!(learnt.get(&Point::IifNull).map(BTreeSet::len), Some(3));
}

#[test]
fn an_open_point_is_open_until_the_tenant_answers() {
    let expression = r#"IIF([description]<>"x",[displayName],"none")"#;
    let empty = Settled::default();
    let object = |tenant| In { attributes: HashMap::from([("displayName".to_owned(), Value::str("Sales"))]), tenant };
    let before = evaluate(&parse(expression).unwrap(), &object(&empty));
    assert!(matches!(before, Outcome::Unknown { .. }));
    let asked = Evaluation {
        expression: r#"IIF([description]="USA","y","n")"#.to_owned(),
        evaluated: true,
        result: Vec::new(),
        ..Evaluation::default()
    };
    let settled = Settled::learn(std::slice::from_ref(&asked));
    assert_eq!(evaluate(&parse(expression).unwrap(), &object(&settled)), Outcome::Value(Value::Null));
    assert!(
        settled.notes()[0].contains("neither branch") && settled.notes()[0].contains("USA"),
        "{:?}",
        settled.notes()
    );
    // A second answer that says otherwise: it is open again.
    let other = Evaluation {
        expression: r#"IIF(Not(IsPresent([description])),"y","n")"#.to_owned(),
        result: vec!["n".to_owned()],
        ..asked.clone()
    };
    let torn = Settled::learn(&[asked.clone(), other]);
    assert!(torn.pick(Point::IifNull).is_none());
    assert_eq!(evaluate(&parse(expression).unwrap(), &object(&torn)), before);
    // What no reading gives is told, and settles nothing.
    let odd = Evaluation { result: vec!["z".to_owned()], ..asked.clone() };
    let settled = Settled::learn(&[odd]);
    assert_eq!(settled.contradiction(r#"IIF([description]="USA","y","n")"#), Some("\"z\""));
    assert!(settled.pick(Point::IifNull).is_none() && settled.notes()[0].contains("no reading"));
    // A tenant that fails on everything has told nothing.
    let failed = Evaluation { evaluated: false, error: Some("no".to_owned()), ..asked };
    assert!(Settled::learn(&[failed]).is_empty());
}
