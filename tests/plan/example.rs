//! The example tenant's plan: lawful, and kept under reports/example as the program writes it.

use groupshift::assess::{AboutBundle, Accepted, Assessed, Settings};
use groupshift::collect::offline::{self, Wishes};
use groupshift::plan::model::{Holds, Step};
use groupshift::plan::toml_file::TomlText;
use groupshift::plan::{self, Input, Made, Order, Plan};
use groupshift::report::plan::{Files, write};
use groupshift::{bundle, cli, example};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn with_example<T>(settings: &Settings, use_it: impl FnOnce(&Assessed<'_>) -> T) -> T {
    let dir = tempfile::tempdir().unwrap();
    let (export, out) = (dir.path().join("export"), dir.path().join("bundle"));
    example::write(&export).unwrap();
    let collected = offline::collect(&export, &Wishes::default(), &mut |_, _| {}).unwrap();
    let about = bundle::write::About {
        created: example::COLLECTED.to_owned(),
        anonymised: false,
        sources: collected.sources,
        certificate: collected.certificate,
    };
    bundle::write(&collected.inventory, about, &out).unwrap();
    let (opened, inventory) = bundle::open(&out).unwrap();
    use_it(&Assessed::run(&inventory, settings, AboutBundle::of(&opened)).unwrap())
}

pub fn example_plan(order: Order) -> Plan {
    let accept =
        |gate: &str| Accepted { gate: gate.to_owned(), reason: "for the test".to_owned(), by: "test".to_owned() };
    let settings = Settings { accepted: vec![accept("E14"), accept("E15")], ..Settings::default() };
    with_example(&settings, |assessed| {
        let made = plan::plan(&Input {
            assessed,
            order,
            policy: Some(TomlText { text: "[waves]\nsize = 20\n", path: Path::new("waves.toml") }),
            decisions: None,
            bundle_path: "bundle".to_owned(),
            scripts_folder: "plan-scripts".to_owned(),
            draft: true,
        });
        match made.unwrap() {
            Made::Plan(plan) => *plan,
            Made::Blocked(stops) => panic!("{stops:?}"),
        }
    })
}

#[test]
fn the_laws_of_a_cutover() {
    for order in [Order::Documented, Order::CanaryFirst] {
        let plan = example_plan(order);
        let at = |kind: &str| plan.steps.iter().position(|s| s.kind == kind).unwrap_or_else(|| panic!("no {kind}"));
        let ids: BTreeMap<&str, usize> = plan.steps.iter().enumerate().map(|(i, s)| (s.id.as_str(), i)).collect();
        assert_eq!(ids.len(), plan.steps.len(), "ids are unique");
        // The irreversible step stands alone, behind its own confirmation.
        let last: Vec<_> = plan.steps.iter().filter(|s| !s.reversible || s.point_of_no_return).collect();
        assert!(last.len() == 1 && last[0].kind == "disable-v2", "{last:?}");
        let gates: BTreeSet<&str> = last[0].gate.iter().map(|g| g.id.as_str()).collect();
        for gate in
            ["confirmation", "rules-in-place", "pending-exports-clean", "snapshot-off-host", "decisions-recorded"]
        {
            assert!(gates.contains(gate), "{gate}");
        }
        assert_eq!(gates.contains("canary-verified"), order == Order::CanaryFirst);
        for step in &plan.steps {
            assert!(!step.undo.text.is_empty() && !step.title.is_empty() && !step.what.is_empty(), "{}", step.id);
            assert!(step.server.is_none() || step.script.is_some(), "{}", step.id);
        }
        assert!(at("snapshot") < at("stamp") && at("stamp") < at("verify-stamps"));
        assert!(at("pause-job") < at("stamp") && at("verify-stamps") < at("scope-in"));
        assert!(at("throwaway") < at("scope-in") && at("configure-job") < at("throwaway"));
        assert!(at("coexistence-rules") < at("disable-v2") && at("disable-v2") < at("staging-off"));
        assert_eq!(at("scope-in") < at("disable-v2"), order == Order::CanaryFirst);
        // Rules stand on every server, and a pending-exports file comes between the last full sync and each danger.
        for server in &plan.connect {
            let own = |s: &&Step| s.server.as_deref() == Some(&server.name);
            assert!(plan.steps.iter().filter(own).any(|s| s.kind == "coexistence-rules"), "{}", server.name);
        }
        let before = |i: usize, kind: &str| plan.steps[..i].iter().rposition(|s| s.kind == kind);
        for danger in [at("disable-v2"), at("staging-off")] {
            assert!(before(danger, "pending-exports") > before(danger, "full-sync"));
        }
        // Each wave in law 8's order, and each group's steps in that of the plan.
        for wave in &plan.waves {
            let own: Vec<&str> =
                plan.steps.iter().filter(|s| s.wave.as_deref() == Some(&wave.name)).map(|s| s.kind.as_str()).collect();
            assert_eq!(own, ["hold-job", "pending-exports", "scope-in", "start-job", "verify-wave"], "{}", wave.name);
            for group in &wave.groups {
                let places: Vec<usize> = group.steps.iter().map(|s| ids[s.step.as_str()]).collect();
                assert!(places.windows(2).all(|p| p[0] <= p[1]), "{}: {places:?}", group.dn);
                let kinds: Vec<&str> = group.steps.iter().map(|s| &*s.kind).collect();
                assert!(kinds.ends_with(&["scope-in", "verify"]), "{kinds:?}");
                if let Some(stamp) = group.steps.iter().find(|s| s.kind == "stamp") {
                    assert_eq!(stamp.writes.as_deref(), Some(format!("Group_{}", group.object_id).as_str()));
                }
            }
        }
    }
}

#[test]
fn children_before_parents_each_group_once() {
    let plan = example_plan(Order::Documented);
    let mut seen: BTreeMap<&str, Option<u64>> = BTreeMap::new();
    for group in plan.waves.iter().flat_map(|w| &w.groups) {
        for child in &group.nests {
            let same_unit = group.unit.is_some()
                && plan.waves.iter().flat_map(|w| &w.groups).any(|g| g.object_id == *child && g.unit == group.unit);
            assert!(same_unit || seen.contains_key(child.as_str()), "{} before {child}", group.dn);
        }
        assert!(seen.insert(&group.object_id, group.unit).is_none(), "{} twice", group.dn);
        assert_eq!(group.risk.score, group.risk.parts.iter().map(|p| p.points).sum::<u32>());
    }
    let outside: BTreeSet<&str> = plan.outside.iter().filter_map(|o| o.dn.as_deref()).collect();
    let inside: BTreeSet<&str> = plan.waves.iter().flat_map(|w| &w.groups).map(|g| g.dn.as_str()).collect();
    assert!(outside.is_disjoint(&inside));
    assert_eq!(plan.summary.assessed, plan.summary.planned + plan.summary.outside);
    assert!(plan.outside.iter().all(|o| !o.reasons.is_empty()));
    // E6 and E7 fail in the example: the plan is a draft, and says so.
    assert!(!plan.executable && plan.stops.iter().any(|s| s.id.as_deref() == Some("E6") && s.holds == Holds::Plan));
}

#[test]
fn committed_plan_is_true() {
    let kept = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reports/example");
    let plan = with_example(&Settings::default(), |assessed| cli::example_plan(assessed, "bundle").unwrap());
    let dir = tempfile::tempdir().unwrap();
    let files = Files::beside(&dir.path().join("plan.json")).unwrap();
    write(&plan, &files, false).unwrap();
    let mut made: Vec<String> = ["plan.json", "plan.html", "plan.md"].map(str::to_owned).to_vec();
    made.extend(plan::scripts(&plan).unwrap().into_iter().map(|s| s.path));
    if std::env::var_os("GROUPSHIFT_UPDATE").is_some() {
        let _ = std::fs::remove_dir_all(kept.join("plan-scripts"));
        for name in &made {
            std::fs::create_dir_all(kept.join(name).parent().unwrap()).unwrap();
            std::fs::copy(dir.path().join(name), kept.join(name)).unwrap();
        }
    }
    for name in &made {
        let same = std::fs::read(kept.join(name)).unwrap_or_default() == std::fs::read(dir.path().join(name)).unwrap();
        assert!(same, "{name} is not what the program writes; GROUPSHIFT_UPDATE=1 rewrites it");
    }
    assert_eq!(plan::read(&kept.join("plan.json")).unwrap().sha256, plan.sha256);
}
