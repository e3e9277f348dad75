//! The example tenant end to end: what its tables promise is what the assessment finds, and the committed reports are
//! what the program writes.

use groupshift::assess::{Assessed, Settings};
use groupshift::collect::offline::{self, Wishes};
use groupshift::report::model::{FindingStatus, GateStatus, View};
use groupshift::{bundle, example};
use std::collections::{BTreeMap, BTreeSet};

fn with_assessment(check: impl FnOnce(&Assessed<'_>)) {
    let dir = tempfile::tempdir().unwrap();
    let (export, out) = (dir.path().join("export"), dir.path().join("bundle"));
    example::write(&export).unwrap();
    let collected = offline::collect(&export, &Wishes::default(), &mut |_, _| {}).unwrap();
    assert!(collected.certificate.complete, "{:?}", collected.certificate);
    let about = bundle::write::About {
        created: example::COLLECTED.to_owned(),
        anonymised: false,
        sources: collected.sources,
        certificate: collected.certificate,
    };
    bundle::write(&collected.inventory, about, &out).unwrap();
    let (opened, inventory) = bundle::open(&out).unwrap();
    let settings = Settings::default();
    let about = groupshift::assess::AboutBundle {
        created: opened.manifest.created.clone(),
        sha256: opened.sha256,
        complete: true,
        anonymised: false,
        limits: Vec::new(),
    };
    check(&Assessed::run(&inventory, &settings, about).unwrap());
}

#[test]
fn every_expectation_holds() {
    with_assessment(|assessed| {
        let groups: Vec<_> = (0..assessed.len()).map(|i| assessed.group(i)).collect();
        let mut wrong = Vec::new();
        let mut hit = BTreeSet::new();
        for wanted in example::expected() {
            let group = groups.iter().find(|g| match (&wanted.dn, &g.dn) {
                (Some(a), Some(b)) => a == b,
                (None, None) => g.object_id.as_deref() == wanted.object_id.as_deref(),
                _ => false,
            });
            let Some(group) = group else {
                wrong.push(format!("{}: not assessed", wanted.name));
                continue;
            };
            let found: Vec<&str> =
                group.findings.iter().filter(|f| f.status == FindingStatus::Found).map(|f| f.rule.as_str()).collect();
            hit.extend(found.iter().map(|r| (*r).to_owned()));
            for rule in wanted.rules.iter().filter(|r| !found.contains(*r) && **r != "C19") {
                wrong.push(format!("{}: {rule} is not found, but {found:?}", wanted.name));
            }
            if group.verdict != wanted.verdict {
                wrong.push(format!(
                    "{}: {:?} instead of {:?}, by {found:?}",
                    wanted.name, group.verdict, wanted.verdict
                ));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(groups.len(), example::expected().len());
        let missing: Vec<String> =
            (1..=41).filter(|i| *i != 19).map(|i| format!("C{i:02}")).filter(|r| !hit.contains(r)).collect();
        assert!(missing.is_empty(), "no group shows {missing:?}");
    });
}

#[test]
fn every_gate_is_shown() {
    with_assessment(|assessed| {
        let gates: BTreeMap<&str, GateStatus> =
            assessed.header().gates.iter().map(|g| (g.id.as_str(), g.status)).collect();
        for (id, status) in example::expected_gates() {
            assert_eq!(gates.get(id), Some(status), "{id}");
        }
        assert_eq!(gates.len(), 17);
    });
}
