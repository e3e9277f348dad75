//! What the lab was made for: each of its groups is judged for what is wrong with it.

use crate::{Run, directory, export, world};
use directory::{Template, start};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is found of a group, by what the table calls it and whether it is in AD. What depends on the job's mapping is
/// unknown as long as there is no job, and not said here.
const FOUND: &[(&str, bool, &str, &str)] = &[
    ("#Lead and trail", true, "migrate", "C01 C14"),
    ("All Offices", true, "migrate", "C01 C14 C38"),
    ("Club", false, "exclude", "C04"),
    ("Deleted copy", false, "review", "C41"),
    ("Distribution", true, "fix", "C09 C14"),
    ("Drifted", true, "review", "C01 C14 C27"),
    ("Empty", true, "migrate", "C01 C14"),
    ("Everybody", true, "migrate", "C01 C14"),
    ("Finance", true, "migrate", "C01 C14 C20 C38"),
    ("Global", true, "fix", "C08 C14"),
    ("Größe, \"Ürün\" + <Werk> ; #1 = \\x", true, "migrate", "C01 C14"),
    ("Mail-enabled", true, "exclude", "C05 C14"),
    ("Malformed anchor", false, "review", "C41"),
    ("Malformed anchor", true, "review", "C10 C14"),
    ("Mixed members", true, "review", "C01 C14 C27"),
    ("Moved away", true, "fix", "C01 C14 C37"),
    ("No anchor", false, "review", "C41"),
    ("No anchor", true, "review", "C10 C14"),
    ("Not written yet", false, "review", "C41"),
    ("Orphan", true, "review", "C11 C14"),
    ("Sales", true, "migrate", "C01 C14 C38"),
    ("Sales EMEA", true, "migrate", "C01 C14"),
    ("Sealed", true, "fix", "C01 C14 C37"),
    // The group and the copy of it that carries its anchor.
    ("Stamped", true, "fix", "C01 C14 C15"),
    ("Stamped", true, "fix", "C01 C14 C15 C37"),
    ("Stamped as a user", true, "review", "C01 C16"),
    ("Stamped otherwise", true, "review", "C01 C14 C15"),
    ("Stamped the same", true, "review", "C01 C14 C15"),
    ("Taken over", false, "review", "C41"),
    ("Taken over", true, "review", "C10 C14"),
    ("Team Site", true, "exclude", "C02 C14"),
    ("Trade Fair", true, "exclude", "C12 C14"),
    ("Two lines", true, "migrate", "C01 C14"),
    ("Vault", true, "fix", "C01 C14 C36 C37"),
];

#[test]
fn each_group_is_judged_for_what_it_was_made_to_be() {
    let Some(controller) = start(Template::World) else { return };
    let run = Run::new("[ad]\nagent_account = 'CONTOSO\\svc-agent'\n");
    let world = world::World::v2();
    let folder = run.dir.path().join("exported");
    export(&controller, &folder);
    world::write_tenant(&world, &world::given(&controller), &folder);
    run.ok(&["collect", "--offline", "exported", "--out", "bundle"]);
    run.ok(&["assess", "bundle", "--out", "assessment"]);
    let assessment = run.json("assessment/assessment.json");

    let mut found: Vec<(String, bool, String, String)> = Vec::new();
    let mut by_name: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for group in assessment["groups"].as_array().unwrap() {
        let text = |name: &str| group[name].as_str().unwrap().to_owned();
        let findings = group["findings"].as_array().unwrap().iter().filter(|f| f["status"] == "found");
        let rules: Vec<&str> = findings.map(|f| f["rule"].as_str().unwrap()).collect();
        found.push((text("displayName"), group["dn"].is_string(), text("verdict"), rules.join(" ")));
        by_name.entry(text("displayName")).or_default().push(group.clone());
    }
    found.sort();
    let mut expected: Vec<_> =
        FOUND.iter().map(|(n, ad, v, r)| (n.to_string(), *ad, v.to_string(), r.to_string())).collect();
    expected.sort();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());

    // The two that carry one stamp name each other.
    let evidence = |name: &str, rule: &str| {
        let findings = by_name[name][0]["findings"].as_array().unwrap();
        findings.iter().find(|f| f["rule"] == rule).unwrap()["evidence"].clone()
    };
    let others = evidence("Stamped otherwise", "C15")["others"].to_string();
    assert!(others.contains(&world.group("Stamped the same").anchor()), "{others}");
    // Members that Entra does not have, of whatever class they are, by their names in AD.
    let drift = evidence("Mixed members", "C27");
    assert_eq!((&drift["extraCount"], &drift["missingCount"]), (&3.into(), &0.into()));
    for name in ["CN=Supplier,OU=People,", "CN=KIOSK1,CN=Computers,", world::FOREIGN] {
        assert!(drift["extra"].to_string().contains(name), "{name}: {drift}");
    }
    let gate = assessment["gates"].as_array().unwrap().iter().find(|g| g["id"] == "C37").unwrap();
    // In the container: the protected group and the one in the unit that does not inherit.
    assert_eq!((gate["status"].as_str(), &gate["evidence"]["groupsDenied"]), (Some("fail"), &2.into()), "{gate}");
}
