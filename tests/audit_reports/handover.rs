//! `handover`: what the owner of an application is told.

use crate::formats::valid;
use crate::support::cli::Desk;
use crate::support::{Entry, G, OU, World, ad_user, group_dn, sid, user_dn, user_id};
use serde_json::{Value, json};

/// The group nests in another, drifted by one member, and has a name that would be a formula.
fn world() -> World {
    let mut world = World::base();
    let mut partition = Entry::new("CN=CONTOSO,CN=Partitions,CN=Configuration,DC=contoso,DC=com", &["top", "crossRef"]);
    partition.set("nCName", "DC=contoso,DC=com").set("nETBIOSName", "CONTOSO").set("systemFlags", "3");
    world.add_entry(partition);
    let mut parent = Entry::new("CN=Doors,OU=Resources,DC=contoso,DC=com", &["top", "group"]);
    parent
        .set("objectGUID", [7u8; 16])
        .set("objectSid", crate::support::sid_bytes(&sid(4001)))
        .set("sAMAccountName", "Doors")
        .set("groupType", "-2147483644")
        .set("member", group_dn("Group_3a5c3221"));
    world.add_entry(parent);
    world.add_entry(ad_user(4));
    world.g().add("member", user_dn(4));
    world.add_user(3).emember("user", &user_id(3));
    world.eset("displayName", json!("=HYPERLINK(1)|<b>"));
    world
}

#[test]
fn everything_an_owner_needs() {
    let desk = Desk::collected(&world());
    let ran = desk.run(&["handover", "--bundle", "bundle", "--out", "out"]).ok();
    assert!(ran.out.contains("1 groups to hand over") || ran.out.contains("1 group"), "{}", ran.out);
    let bytes = std::fs::read(desk.path("out/handover.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(&bytes[3..]);
    let head = reader.headers().unwrap().clone();
    let row = reader.records().next().unwrap().unwrap();
    let cell = |name: &str| row.get(head.iter().position(|h| h == name).unwrap()).unwrap().to_owned();
    assert_eq!(cell("objectId"), G);
    assert_eq!(cell("dn"), group_dn("Group_3a5c3221"));
    assert_eq!(cell("account"), "CONTOSO\\sam-2001");
    assert_eq!(cell("sid"), sid(2001));
    assert_eq!(cell("type"), "universal security");
    assert_eq!(cell("nestedIn"), "CN=Doors,OU=Resources,DC=contoso,DC=com");
    assert_eq!(cell("displayName"), "'=HYPERLINK(1)|<b>");
    // Whether user 3 comes rests on the membership option, which nothing tells here; user 4 goes either way.
    assert_eq!([cell("membersAdded"), cell("membersLost"), cell("membersOpen")], ["0", "1", "1"]);
    assert!(cell("changes").contains("User 4") && cell("changes").contains("stay only where"), "{}", cell("changes"));
    assert!(cell("dnAfter").ends_with("_e9305786a271,CN=Users,DC=contoso,DC=com"), "{}", cell("dnAfter"));
    assert!(cell("changes").contains("unless a plan keeps its name"), "{}", cell("changes"));
    let md = desk.text("out/handover.md");
    for part in [
        "# groupshift handover",
        "klist purge",
        "CONTOSO\\\\sam-2001",
        "SID",
        "What changes",
        "What to do",
        "Nested in",
    ] {
        assert!(md.contains(part), "{part}: {md}");
    }
    assert!(!md.contains("<b>"), "{md}");
}

#[test]
fn as_json_with_its_schema_and_from_a_plan() {
    let desk = Desk::collected(&world());
    let schema: Value = serde_json::from_str(&desk.run(&["schema", "handover"]).ok().out).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let ran = desk.run(&["handover", "--bundle", "bundle", "--out", "out", "--format", "json"]).ok();
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    valid(&schema, &value);
    assert_eq!(value["namesFrom"], "defaults");
    assert!(value["groups"][0]["wave"].is_null());
    // A draft will do: it says when and under which name.
    desk.run(&["plan", "bundle", "--out", "plan.json", "--draft"]);
    let ran =
        desk.run(&["handover", "--bundle", "bundle", "--plan", "plan.json", "--out", "out2", "--format", "json"]).ok();
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    valid(&schema, &value);
    assert_eq!(value["namesFrom"], "plan");
    assert_eq!(value["plan"]["ofThisBundle"], true);
    let planned = desk.json("plan.json")["waves"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w["groups"].as_array().unwrap().len())
        .sum::<usize>();
    assert_eq!(value["groups"].as_array().unwrap().len(), planned);
    for group in value["groups"].as_array().unwrap() {
        assert!(group["wave"].is_string());
        assert_eq!(group["dnAfter"][0], group["dn"], "the plan keeps names: {group}");
    }
}

#[test]
fn refused_where_there_is_nothing_to_read() {
    let desk = Desk::collected(&World::base());
    // Nothing configured, no bundle: it says what to do.
    let ran = desk.run(&["handover", "--out", "out"]).code(2);
    assert!(ran.err.contains("[ad]") && ran.err.contains("hint:"), "{}", ran.err);
    let ran = desk.run(&["handover", "--bundle", "nowhere", "--out", "out1"]).code(1);
    assert!(ran.err.contains("no bundle"), "{}", ran.err);
    // A folder with content is left alone.
    std::fs::create_dir(desk.path("mine")).unwrap();
    std::fs::write(desk.path("mine/handover.csv"), "mine").unwrap();
    desk.run(&["handover", "--bundle", "bundle", "--out", "mine"]).code(2);
    desk.run(&["handover", "--bundle", "bundle", "--out", "mine", "--force"]).code(2);
    assert_eq!(desk.text("mine/handover.csv"), "mine");
    let _ = OU;
}
