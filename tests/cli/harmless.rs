//! Names that want to be more than names: shown harmlessly on a terminal, in a spreadsheet, in Markdown and in a page.

use crate::support::cli::Desk;
use crate::support::{G, OU, World};
use serde_json::json;

const NAMES: [&str; 7] = [
    "=HYPERLINK(\"http://x\",\"y\")",
    "\u{1b}[31mred\u{1b}[0m",
    "abc\u{202e}fdp.exe",
    "<script>alert(1)</script>",
    "a\r\nb",
    "@SUM(A1:A9)|cmd",
    "zero\u{200b}width",
];

/// The name everywhere: in AD, in Entra, in a part that a rule quotes, in the head of the report.
fn hostile(name: &str) -> World {
    let mut w = World::base();
    let escaped: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || !c.is_ascii() { c.to_string() } else { format!("\\{:02X}", c as u32) })
        .collect();
    let dn = format!("CN={escaped},{OU}");
    let g = w.g();
    g.set("displayName", name)
        .set("mail", name)
        .set("sAMAccountName", name)
        .set("msDS-ExternalDirectoryObjectId", name);
    g.add("member", format!("CN={escaped},OU=Unseen,DC=contoso,DC=com")).dn = dn;
    w.eset("displayName", json!(name));
    w.json("entra/organization.json", json!({ "value": [{ "id": "t", "displayName": name }] }));
    w.server("sync01", |s| {
        s["rules"][0]["disabled"] = json!(true);
        s["rules"][0]["name"] = json!(name);
    });
    w
}

fn hazardous(text: &str) -> Option<char> {
    text.chars().find(|c| groupshift::report::is_hazardous(*c) && !matches!(c, '\n' | '\r' | '\u{feff}'))
}

/// What a browser shows without running anything; the page's own script makes names visible when it shows them.
fn without_scripts(page: &str) -> String {
    let (mut out, mut rest) = (String::new(), page);
    while let Some(start) = rest.find("<script") {
        out.push_str(&rest[..start]);
        rest = rest[start..].find("</script>").map_or("", |end| &rest[start + end..]);
    }
    out + rest
}

#[test]
fn in_every_form() {
    for name in NAMES {
        let desk = Desk::collected(&hostile(name));
        let text = desk.assess(&[]).ok();
        for (what, shown) in [
            ("stdout", text.out.clone()),
            ("stderr", text.err.clone()),
            ("info", desk.run(&["bundle", "info", "bundle"]).ok().out),
            ("csv", desk.text("out/assessment.csv")),
            ("md", desk.text("out/assessment.md")),
            ("html", without_scripts(&desk.text("out/assessment.html"))),
        ] {
            let found = hazardous(&shown).filter(|c| what != "html" || *c != '\t');
            assert_eq!(found, None, "{name:?} in {what}");
        }
        assert!(!desk.text("out/assessment.html").contains("<script>alert"), "{name:?}");
        assert!(!desk.text("out/assessment.md").contains("<script>"), "{name:?}");
        // A spreadsheet takes no cell for a formula; every row is one group's finding.
        let csv = desk.text("out/assessment.csv");
        let mut reader = csv::Reader::from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
        let mut rows = 0;
        for record in reader.records() {
            let record = record.unwrap();
            rows += 1;
            for cell in &record {
                assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{name:?}: {cell:?}");
            }
        }
        let group = desk.json("out/assessment.json")["groups"][0].clone();
        assert_eq!((rows, group["objectId"].as_str()), (group["findings"].as_array().unwrap().len(), Some(G)));
        // The JSON keeps the name as it is.
        assert_eq!(group["displayName"], name);
    }
}

#[test]
fn in_errors_too() {
    for name in NAMES {
        let mut w = World::base();
        w.g().dn = format!("{name},,DC=x");
        let ran = Desk::with(&w).collect().code(1);
        assert_eq!(hazardous(&ran.err), None, "{name:?}: {:?}", ran.err);
        let mut w = World::base();
        w.groups = Some(vec![json!({ "id": name })]);
        let ran = Desk::with(&w).collect().code(1);
        assert_eq!(hazardous(&ran.err), None, "{name:?}: {:?}", ran.err);
    }
    let ran = Desk::new().run(&["explain", "\u{1b}[31mC01"]).code(2);
    assert_eq!(hazardous(&ran.err), None, "{:?}", ran.err);
}
