//! `explain --expression`: one expression, one group of a bundle.

use crate::support::cli::Desk;
use crate::support::{G, World, group_dn, sid};
use serde_json::{Value, json};

#[test]
fn values_open_points_and_errors() {
    let desk = Desk::collected(&World::base());
    let run = |text: &str, group: &str| {
        desk.run(&["explain", "--expression", text, "--group", group, "--bundle", "bundle", "--format", "json"])
    };
    let value = |text: &str| -> Value { serde_json::from_str(&run(text, G).ok().out).unwrap() };
    for (text, result, wanted) in [
        (r#"Append("Group_",[objectId])"#, "value", json!(format!("Group_{G}"))),
        ("Left([displayName], 2)", "value", json!("Sa")),
        ("[description]", "null", Value::Null),
        (r#"IgnoreFlowIfNullOrEmpty([description])"#, "not-written", Value::Null),
        ("%DomainFQDN%", "value", json!("contoso.com")),
        (r#"Item(Split([displayName], "-"), 9)"#, "error", Value::Null),
    ] {
        let told = value(text);
        assert_eq!((&told["result"], &told["value"]), (&json!(result), &wanted), "{text}: {told:#}");
    }
    // An open point gives what is possible, and the point.
    let told = value(r#"IIF(IsPresent([description]), [description], "none")"#);
    assert_eq!(told["result"], "unknown");
    assert!(told["candidates"].as_array().unwrap().contains(&json!("none")), "{told:#}");
    assert!(told["reason"].as_str().unwrap().contains("IIF"), "{told:#}");
    assert_eq!(told["attributes"]["description"], json!({ "value": null }));
    // What the input lacks is no guess.
    let told = value("[extension_0123456789abcdef0123456789abcdef_Name]");
    assert_eq!(told["result"], "unknown");
    // Any name of the group does.
    for group in [G, "Sales", &group_dn("Group_3a5c3221"), &sid(2001), &format!("Group_{G}")] {
        run("[displayName]", group).ok().prints(&["\"Sales\""]);
    }
    run("[displayName]", "nobody").code(2).says(&["the bundle has no group nobody"]);
    run("Left([displayName], ", G).code(2).says(&["column", "does not parse"]);
    run(&format!("{}1", "(".repeat(10_000)), G).code(2).says(&["column"]);
}

#[test]
fn in_words() {
    let desk = Desk::collected(&World::base());
    let args = ["explain", "--expression", "left([displayName], 2)", "--group", "Sales", "--bundle", "bundle"];
    desk.run(&args).ok().prints(&["Sales", "[displayName] = \"Sales\"", "note, column 1", "\nSa\n"]);
    desk.run(&["explain", "--expression", "[a]"]).code(2).says(&["--group"]);
    desk.run(&["explain", "C28", "--expression", "[a]"]).code(2);
}
