//! What is refused, and where it is said.

use crate::support::cli::Desk;
use crate::support::{G, World, group_id};
use crate::{With, made, nested, refusal, try_plan};
use groupshift::plan::Made;
use groupshift::plan::model::{Action, Holds};
use serde_json::json;

#[test]
fn waves_toml() {
    let world = nested(4, &[(1, 2), (3, 4), (4, 3)]);
    let (one, two, three, four) = (group_id(1), group_id(2), group_id(3), group_id(4));
    let unknown = group_id(99);
    for (text, parts) in [
        ("\n[canary]\nsise = 3\n".to_owned(), &["waves.toml:3", "sise"][..]),
        ("[canary]\nsize = \"x\"\n".to_owned(), &["waves.toml:2"]),
        ("[waves]\nsize = 0\n".to_owned(), &["waves.toml:2", "no groups"]),
        ("[waves]\n\nsize = 20000\n".to_owned(), &["waves.toml:3", "10000"]),
        ("[waves\n".to_owned(), &["waves.toml:1"]),
        (format!("[canary]\ngroups = [\n\"{G}\",\n\"{unknown}\"]\n"), &["waves.toml:4", "no written-back group"]),
        (
            "[exclude]\ngroups = [\"CN=Nobody,DC=contoso,DC=com\"]\n".to_owned(),
            &["waves.toml:2", "no written-back group"],
        ),
        ("[exclude]\ngroups = [\"Sales\"]\n".to_owned(), &["waves.toml:2", "neither an object id nor a DN"]),
        ("[exclude]\npatterns = [\"(\"]\n".to_owned(), &["waves.toml:2", "regular expression"]),
        ("[exclude]\nous = [\"Groups\"]\n".to_owned(), &["waves.toml:2", "distinguished name"]),
        (
            format!("[canary]\ngroups = [\"{G}\"]\n[exclude]\ngroups = [\"{G}\"]\n"),
            &["waves.toml:2", "pinned and excluded"],
        ),
        (
            format!("[[wave]]\nname = \"A\"\ngroups = [\"{one}\"]\n[[wave]]\nname = \"B\"\ngroups = [\"{one}\"]\n"),
            &["waves.toml:6", "line 3"],
        ),
        (
            format!("[[wave]]\nname = \"A\"\ngroups = [\"{one}\"]\n[[wave]]\nname = \"B\"\ngroups = [\"{two}\"]\n"),
            &["waves.toml:3", "line 6", "which it nests"],
        ),
        (
            format!("[[wave]]\nname = \"A\"\ngroups = [\"{three}\"]\n[[wave]]\nname = \"B\"\ngroups = [\"{four}\"]\n"),
            &["waves.toml:", "nest each other"],
        ),
        (
            format!("[[wave]]\nname = \"A\"\nsize = 1\ngroups = [\"{one}\", \"{two}\"]\n"),
            &["waves.toml:3", "2 groups are pinned"],
        ),
        ("[[wave]]\nname = \"A\"\n".to_owned(), &["waves.toml:1", "names nothing"]),
        ("[[wave]]\ngroups = []\n".to_owned(), &["waves.toml:1", "without a name"]),
        (
            "[[wave]]\nname = \"a\"\npatterns = [\"x\"]\n[[wave]]\nname = \"A\"\npatterns = [\"y\"]\n".to_owned(),
            &["waves.toml:5", "second wave"],
        ),
        (
            "[[wave]]\nname = \"Wave 07\"\npatterns = [\"x\"]\n".to_owned(),
            &["waves.toml:2", "the program makes itself"],
        ),
        ("[[wave]]\nname = \"CANARY\"\npatterns = [\"x\"]\n".to_owned(), &["waves.toml:2", "the program makes itself"]),
        ("[schedule]\nstart = \"next Tuesday\"\n".to_owned(), &["waves.toml:2", "no time with an offset"]),
        ("[waves]\norder = \"size\"\n".to_owned(), &["waves.toml:2", "size"]),
        // In words that an administrator has.
        ("[canary]\nsize = -1\n".to_owned(), &["waves.toml:2", "the number -1 is out of range", "whole number"]),
        ("[canary]\nsize = 1.5\n".to_owned(), &["waves.toml:2", "the number 1.5 does not fit"]),
        ("[canary]\nsize = 99999999999999999999\n".to_owned(), &["waves.toml:2", "99999999999999999999", "whole"]),
        ("[canary]\ngroups = \"x\"\n".to_owned(), &["waves.toml:2", "the text \"x\" does not fit", "a list"]),
        ("[wave]\nname = \"A\"\n".to_owned(), &["waves.toml:1", "[[wave]]"]),
        ("[[waves]]\nsize = 5\n".to_owned(), &["waves.toml:1", "[waves]"]),
        ("[schedule]\nstart = 2026-11-24T21:00:00+01:00\n".to_owned(), &["waves.toml:2", "in quotes"]),
    ] {
        let said = refusal(&world, With { waves: Some(&text), ..With::default() });
        for part in parts {
            assert!(said.contains(part), "{part:?} is not in {said:?}, for\n{text}");
        }
    }
}

/// What has no effect is said: an exclusion that excludes nothing would let a group move that was to stay.
#[test]
fn what_has_no_effect_is_said() {
    let desk = Desk::collected(&nested(2, &[]));
    std::fs::write(
        desk.path("waves.toml"),
        "[exclude]\npatterns = [\"^Sales\", \"^Finanz\"]\nous = [\n\"OU=Old,DC=contoso,DC=com\"]\n[[wave]]\nname = \"A\"\npatterns = [\"Z$\"]\n",
    )
    .unwrap();
    std::fs::write(
        desk.path("decisions.toml"),
        format!("[[decision]]\nrule = \"C33\"\ngroup = \"{}\"\nreason = \"r\"\nby = \"b\"\n", group_id(1)),
    )
    .unwrap();
    let args = ["plan", "bundle", "--draft", "--out", "p/plan.json", "--waves", "waves.toml"];
    let ran = desk.run(&[&args[..], &["--decisions", "decisions.toml"]].concat()).code(4).says(&[
        "waves.toml:2: the pattern \"^Finanz\" fits no written-back group",
        "waves.toml:4: no written-back group stands in \"OU=Old,DC=contoso,DC=com\"",
        "waves.toml:7: the pattern \"Z$\" fits no",
        "decisions.toml:3: the decision about C33",
    ]);
    assert!(!ran.err.contains("^Sales"), "{}", ran.err);
}

/// Only the program's own names are refused, not what merely begins like them.
#[test]
fn a_wave_may_be_called_almost_anything() {
    let world = nested(2, &[]);
    let text = format!("[canary]\nsize = 0\n[[wave]]\nname = \"Wave Pilot\"\ngroups = [\"{}\"]\n", group_id(1));
    let plan = made(&world, With { waves: Some(&text), ..With::default() });
    assert_eq!(plan.waves[0].name, "Wave Pilot");
}

#[test]
fn decisions_toml() {
    let mut world = nested(1, &[]);
    world.eset("groupTypes", json!(["Unified"]));
    let entry = |fields: &str| format!("[[decision]]\n{fields}");
    let one = group_id(1);
    for (text, parts) in [
        (
            entry(&format!("rule = \"C99\"\ngroup = \"{one}\"\nreason = \"r\"\nby = \"b\"\n")),
            &["decisions.toml:2", "no rule"][..],
        ),
        (
            entry(&format!("rule = \"C27\"\ngroup = \"{one}\"\nreason = \" \"\nby = \"b\"\n")),
            &["decisions.toml:4", "reason"],
        ),
        (entry(&format!("rule = \"C27\"\ngroup = \"{one}\"\nreason = \"r\"\n")), &["decisions.toml:", "by"]),
        (entry("rule = \"C27\"\nreason = \"r\"\nby = \"b\"\n"), &["decisions.toml:1", "no group"]),
        (
            entry(&format!("rule = \"C27\"\ngroup = \"{}\"\nreason = \"r\"\nby = \"b\"\n", group_id(9))),
            &["decisions.toml:3", "no written-back group"],
        ),
        (
            entry(&format!("rule = \"C02\"\ngroup = \"{G}\"\naction = \"include\"\nreason = \"r\"\nby = \"b\"\n")),
            &["decisions.toml:3", "does not move"],
        ),
        (
            entry(&format!("rule = \"C27\"\ngroup = \"{one}\"\nreason = \"r\"\nby = \"b\"\n")).repeat(2),
            &["decisions.toml:8", "line 3"],
        ),
        (
            entry(&format!("rule = \"C27\"\ngroup = \"{one}\"\nreason = \"r\"\nby = \"b\"\nwhy = 1\n")),
            &["decisions.toml:6", "why"],
        ),
    ] {
        let said = refusal(&world, With { decisions: Some(&text), ..With::default() });
        for part in parts {
            assert!(said.contains(part), "{part:?} is not in {said:?}, for\n{text}");
        }
    }
}

/// `review` moves by a decision only, `fix` only where the plan fixes it, `exclude` never.
#[test]
fn verdicts() {
    let decided = |rule: &str| {
        format!("[[decision]]\nrule = \"{rule}\"\ngroup = \"{G}\"\nreason = \"seen\"\nby = \"A. Admin\"\n")
    };
    type Case = (&'static str, fn(&mut World), &'static str, bool, bool);
    let cases: [Case; 5] = [
        ("clean", |_| {}, "C27", true, true),
        (
            "drift",
            |w| {
                w.emember("user", &crate::support::user_id(1)).eset("members", json!([]));
            },
            "C27",
            false,
            true,
        ),
        (
            "role-assignable",
            |w| {
                w.eset("isAssignableToRole", json!(true));
            },
            "C33",
            false,
            true,
        ),
        (
            "another rule decided",
            |w| {
                w.eset("isAssignableToRole", json!(true));
            },
            "C27",
            false,
            false,
        ),
        (
            "not universal",
            |w| {
                w.g().set("groupType", "-2147483646");
            },
            "C08",
            false,
            false,
        ),
    ];
    for (what, alter, rule, without, with) in cases {
        let mut world = World::base();
        alter(&mut world);
        let planned =
            |decisions: Option<&str>| made(&world, With { decisions, ..With::default() }).summary.planned == 1;
        assert_eq!(planned(None), without, "{what}, without a decision");
        assert_eq!(planned(Some(&decided(rule))), with, "{what}, with a decision");
    }
    let mut world = World::base();
    world.eset("isAssignableToRole", json!(true));
    let plan = made(&world, With { decisions: Some(&decided("C33")), ..With::default() });
    let group = &plan.waves[0].groups[0];
    assert_eq!((group.decisions.as_slice(), plan.decisions[0].action), (&[0][..], Action::Include));
    // The decision's words are in the plan, and so in its hash.
    let other = made(&world, With { decisions: Some(&decided("C33").replace("seen", "SEEN")), ..With::default() });
    assert_ne!(plan.sha256, other.sha256);
}

/// A pinned group that cannot move is refused with its line and the reason.
#[test]
fn a_pinned_group_that_cannot_move() {
    let mut world = World::base();
    world.eset("isAssignableToRole", json!(true));
    let said = refusal(&world, With { waves: Some(&format!("[canary]\ngroups = [\"{G}\"]\n")), ..With::default() });
    assert!(said.contains("waves.toml:2") && said.contains("C33"), "{said}");
}

#[test]
fn groups_that_the_end_of_v2_changes() {
    let mut world = nested(1, &[]);
    let mut unlisted = crate::support::entra_group("Club", &group_id(7));
    unlisted["groupTypes"] = json!(["Unified"]);
    unlisted["mailEnabled"] = json!(true);
    unlisted["writebackConfiguration"] = json!({ "isEnabled": null, "onPremisesGroupType": null });
    world.add_entra(unlisted);
    world.eset("groupTypes", json!(["Unified"])).eset("mailEnabled", json!(true));
    let plan = made(&world, With::default());
    let effects: Vec<(&str, bool)> = plan.outside.iter().map(|o| (o.effect.as_str(), o.decision.is_some())).collect();
    assert_eq!(effects, [("becomes-distribution", false), ("created", false)]);
    let stop = plan.stops.iter().find(|s| s.kind == "decisions").unwrap();
    assert!(stop.holds == Holds::Irreversible && stop.message.starts_with("2 groups"), "{stop:?}");
    let text = format!(
        "[[decision]]\nrule = \"*\"\ngroups = [\"{G}\", \"{}\"]\nreason = \"known\"\nby = \"A. Admin\"\n",
        group_id(7)
    );
    let plan = made(&world, With { decisions: Some(&text), ..With::default() });
    assert_eq!(plan.summary.undecided, 0);
    assert!(plan.stops.iter().all(|s| s.kind != "decisions"));
}

#[test]
fn gates_stop_the_plan() {
    let mut world = World::base();
    world.json(
        "entra/onPremisesSynchronization.json",
        json!({ "value": [{ "id": "t", "features": { "groupWriteBackEnabled": false } }] }),
    );
    let blocked = try_plan(&world, With { blockable: true, ..With::default() }).unwrap();
    let Made::Blocked(stops) = blocked else { panic!("nothing stopped it") };
    assert!(stops.iter().any(|s| s.id.as_deref() == Some("E1") && s.holds == Holds::Plan), "{stops:?}");

    let desk = Desk::collected(&world);
    let ran = desk.run(&["plan", "bundle", "--out", "plan.json"]).code(4).prints(&["No plan", "E1"]);
    assert!(ran.err.contains("--draft"));
    assert!(!desk.path("plan.json").exists() && !desk.path("plan.md").exists());
    desk.run(&["plan", "bundle", "--out", "plan.json", "--draft"]).code(4).prints(&["DRAFT", "Plan SHA-256"]);
    assert_eq!(desk.json("plan.json")["executable"], false);
}

#[test]
fn a_gate_that_is_not_known_leaves_a_plan_that_no_run_executes() {
    let desk = Desk::collected(&World::base());
    desk.run(&["plan", "bundle", "--out", "plan.json"]).code(4).prints(&["DRAFT", "is not known", "Plan SHA-256"]);
    let plan = desk.json("plan.json");
    assert_eq!(plan["executable"], false);
    let holds = |id: &str| plan["stops"].as_array().unwrap().iter().find(|s| s["id"] == id).unwrap()["holds"].clone();
    assert_eq!((holds("E1"), holds("E15")), (json!("plan"), json!("start")));
}

#[test]
fn partial_and_anonymised_bundles_are_planned_and_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = World::base().bundle(dir.path()).unwrap();
    let (mut opened, inventory) = groupshift::bundle::open(&bundle).unwrap();
    for (complete, anonymised) in [(true, false), (false, false), (true, true)] {
        opened.manifest.certificate.complete = complete;
        opened.manifest.anonymised = anonymised;
        let about = groupshift::assess::AboutBundle::of(&opened);
        let settings = groupshift::assess::Settings::default();
        let assessed = groupshift::assess::Assessed::run(&inventory, &settings, about).unwrap();
        let input = groupshift::plan::Input {
            assessed: &assessed,
            order: groupshift::plan::Order::Documented,
            policy: None,
            decisions: None,
            bundle_path: "bundle".to_owned(),
            scripts_folder: "plan-scripts".to_owned(),
            draft: true,
        };
        let Made::Plan(plan) = groupshift::plan::plan(&input).unwrap() else { panic!("a draft is not blocked") };
        assert_eq!((plan.bundle.complete, plan.bundle.anonymised), (complete, anonymised));
        let stops = plan.stops.iter().filter(|s| s.kind == "bundle" && s.holds == Holds::Run).count();
        assert_eq!(stops, usize::from(!complete) + usize::from(anonymised));
        assert!(!plan.executable || stops == 0);
    }
}
