use std::io;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::report::model::*;

fn group(name: &str, verdict: Verdict, findings: Vec<Finding>) -> Group {
    Group {
        object_id: Some("3a5c3221-c465-48c0-95b8-e9305786a271".into()),
        object_guid: Some("7d6b3b63-3a30-4a57-9b5c-6c1f7a0f4a11".into()),
        sid: Some("S-1-5-21-1-2-3-1104".into()),
        dn: Some(format!("CN={name},OU=GroupWriteback,DC=contoso,DC=com")),
        display_name: Some(name.into()),
        verdict,
        members: 3,
        findings,
    }
}

fn finding(severity: Severity, status: FindingStatus, evidence: Value) -> Finding {
    Finding {
        rule: "C28".into(),
        status,
        severity,
        message: "cn would change".into(),
        remediation: "map cn".into(),
        evidence,
    }
}

fn assessment(groups: Vec<Group>) -> Assessment {
    let count = |verdict| groups.iter().filter(|group| group.verdict == verdict).count() as u64;
    let summary = Summary {
        groups: groups.len() as u64,
        migrate: count(Verdict::Migrate),
        fix: count(Verdict::Fix),
        review: count(Verdict::Review),
        exclude: count(Verdict::Exclude),
        ..Summary::default()
    };
    let bundle = BundleRef {
        created: "2026-11-20T14:03:11Z".into(),
        sha256: "00".into(),
        complete: true,
        anonymised: false,
        domain: None,
        tenant: None,
        writeback_container: None,
        writeback_container_from: None,
    };
    Assessment {
        header: Header {
            schema: ASSESSMENT_SCHEMA.into(),
            bundle,
            summary,
            gates: Vec::new(),
            limits: Vec::new(),
            problems: Vec::new(),
        },
        groups,
    }
}

fn gate(status: GateStatus, severity: Severity, evidence: Value) -> Gate {
    Gate {
        id: "E2".into(),
        title: "Agent version".into(),
        status,
        severity,
        blocks: vec!["plan".into()],
        message: "seen".into(),
        remediation: "upgrade".into(),
        evidence,
        attested: None,
        sources: vec!["DEP26".into()],
    }
}

fn render_capped(view: &dyn View, caps: Caps) -> String {
    let mut out = Vec::new();
    write_capped(view, &[], caps, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn render(view: &dyn View) -> String {
    render_capped(view, Caps { rows: MAX_ROWS, bytes: MAX_ROW_BYTES })
}

/// The texts of the elements that open with `open`, as an HTML parser cuts them: up to the first `</script` or `</style`.
fn elements<'a>(page: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    page.split(open).skip(1).map(|rest| &rest[..rest.find(close).unwrap()]).collect()
}

fn blocks(page: &str) -> Vec<Value> {
    elements(page, "<script type=\"application/json\" class=\"rows\">", "</script")
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect()
}

fn rows(page: &str) -> Vec<Value> {
    blocks(page).iter().flat_map(|block| block["r"].as_array().unwrap().clone()).collect()
}

#[test]
fn the_policy_allows_exactly_the_script_and_the_style_of_the_page() {
    let page = render(&assessment(vec![group("Sales", Verdict::Migrate, Vec::new())]));
    let scripts = elements(&page, "<script>", "</script");
    let styles = elements(&page, "<style>", "</style");
    assert_eq!((scripts.len(), styles.len()), (1, 1));
    let hash = |text: &str| base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text));
    assert!(page.contains(&format!("script-src 'sha256-{}';", hash(scripts[0]))));
    assert!(page.contains(&format!("style-src 'sha256-{}';", hash(styles[0]))));
    assert!(page.contains("content=\"default-src 'none'; "));
    for forbidden in [" style=\"", " onclick=", " onload=", "javascript:", "unsafe-", "src=\"", "@import", "url("] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    // A script that an HTML parser would end early or treat as escaped could not be hashed as it stands.
    assert!(!scripts[0].contains("<!--") && !scripts[0].contains('\r') && !styles[0].contains('\r'));
}

#[test]
fn the_same_view_gives_the_same_bytes() {
    let groups = (0..700).map(|n| {
        let evidence = json!({ "b": n, "a": [n, n + 1] });
        group(&format!("Group {n}"), Verdict::Fix, vec![finding(Severity::High, FindingStatus::Found, evidence)])
    });
    let view = assessment(groups.collect());
    assert_eq!(render(&view), render(&view));
}

#[test]
fn names_cannot_leave_their_element() {
    let names = ["</script><script>alert(1)</script>", "<!--<script>", "]]>", "a\u{2028}b\u{2029}c", "{{title}}"];
    let mut view = assessment(names.iter().map(|name| group(name, Verdict::Fix, Vec::new())).collect());
    view.header.bundle.domain = Some("</title><script>alert(2)</script>\u{202e}".into());
    view.header.limits = vec!["<img src=x onerror=alert(3)>".into()];
    view.header.gates = vec![gate(GateStatus::Fail, Severity::Blocker, json!({ "<b>": "</dl><script>" }))];
    let page = render(&view);
    assert_eq!(page.matches("<script>").count(), 1);
    assert!(
        !page.contains("<img") && !page.contains("<b>") && !page.contains('\u{202e}') && !page.contains('\u{2028}')
    );
    assert!(page.contains("⟨U+202E⟩"));
    let read: Vec<Value> = rows(&page).iter().map(|row| row[1].clone()).collect();
    assert_eq!(read, names.map(Value::from));
}

#[test]
fn rows_carry_every_field_back() {
    let evidence = json!({ "count": 2, "first": ["CN=a", "CN=b"] });
    let mut named = group("Sales", Verdict::Review, vec![finding(Severity::High, FindingStatus::Unknown, evidence)]);
    named.findings.push(finding(Severity::Info, FindingStatus::Found, Value::Null));
    let mut bare = group("x", Verdict::Exclude, Vec::new());
    (bare.object_id, bare.object_guid, bare.sid, bare.dn, bare.display_name) = (None, None, None, None, None);
    let mut anchored = group("y", Verdict::Migrate, Vec::new());
    anchored.dn = Some("CN=Group_3a5c3221-c465-48c0-95b8-e9305786a271,OU=GroupWriteback,DC=contoso,DC=com".into());
    let blocks = blocks(&render(&assessment(vec![named, bare, anchored])));
    assert_eq!(
        blocks[0]["s"],
        json!([
            "OU=GroupWriteback,DC=contoso,DC=com",
            "S-1-5-21-1-2-3",
            "C28",
            "cn would change",
            "map cn",
            "[\"count\",\"first\"]"
        ])
    );
    let (id, guid) = ("3a5c3221-c465-48c0-95b8-e9305786a271", "7d6b3b63-3a30-4a57-9b5c-6c1f7a0f4a11");
    assert_eq!(
        blocks[0]["r"],
        json!([
            [2, "Sales", "CN=Sales", 0, id, guid, 1, 1104, 3, [2, 7, 3, 4, [5, 2, ["CN=a", "CN=b"]], 2, 0, 3, 4, 0]],
            [3, null, null, null, null, null, null, null, 3, []],
            [0, "y", 1, 0, id, guid, 1, 1104, 3, []]
        ])
    );
}

#[test]
fn above_the_cap_only_groups_that_need_attention_are_held_and_the_page_says_so() {
    let low = || vec![finding(Severity::Low, FindingStatus::Found, Value::Null)];
    let unknown = || vec![finding(Severity::Info, FindingStatus::Unknown, Value::Null)];
    let info = || vec![finding(Severity::Info, FindingStatus::Found, Value::Null)];
    let view = assessment(vec![
        group("plain", Verdict::Migrate, Vec::new()),
        group("informed", Verdict::Migrate, info()),
        group("low", Verdict::Migrate, low()),
        group("unknown", Verdict::Migrate, unknown()),
        group("excluded", Verdict::Exclude, info()),
    ]);
    let names = |page: &str| rows(page).iter().map(|row| row[1].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let whole = render_capped(&view, Caps { rows: 5, bytes: MAX_ROW_BYTES });
    assert_eq!(names(&whole).len(), 5);
    assert!(!whole.contains("id=\"row-cap\""));
    let notable = render_capped(&view, Caps { rows: 4, bytes: MAX_ROW_BYTES });
    assert_eq!(names(&notable), ["low", "unknown", "excluded"]);
    assert!(notable.contains("holds the 3 of 5 groups that need attention"));
    let cut = render_capped(&view, Caps { rows: 2, bytes: MAX_ROW_BYTES });
    assert_eq!(names(&cut), ["low", "unknown"]);
    assert!(cut.contains("holds the first 2 of 3 groups that need attention, of 5 in all"));
    assert!(cut.contains("assessment.csv"));
}

#[test]
fn long_evidence_is_cut_with_its_count() {
    let many: Vec<String> = (0..250).map(|n| format!("CN=User {n}")).collect();
    let evidence = json!({ "missing": many, "text": "é".repeat(2_500) });
    let view =
        assessment(vec![group("Sales", Verdict::Fix, vec![finding(Severity::High, FindingStatus::Found, evidence)])]);
    let row = &rows(&render(&view))[0];
    let missing = row[9][4][1].as_array().unwrap();
    assert_eq!(missing.len(), 101);
    assert_eq!(missing[100], json!({ "\u{0}cut": 150 }));
    let text = &row[9][4][2];
    assert_eq!(text["\u{0}cut"], 500);
    assert_eq!(text["text"].as_str().unwrap().chars().count(), 2_000);
}

#[test]
fn evidence_gives_way_before_the_page_grows_too_large() {
    let many: Vec<String> = (0..100).map(|n| format!("CN=User {n},OU=Staff,DC=contoso,DC=com")).collect();
    let groups = (0..2_000).map(|n| {
        let evidence = json!({ "missing": many });
        group(&format!("G{n}"), Verdict::Fix, vec![finding(Severity::High, FindingStatus::Found, evidence)])
    });
    let view = assessment(groups.collect());
    let large = render(&view);
    let small = render_capped(&view, Caps { rows: MAX_ROWS, bytes: 1_200_000 });
    let weight =
        |page: &str| elements(page, "class=\"rows\">", "</script").iter().map(|text| text.len()).sum::<usize>();
    assert!(weight(&large) > 8_000_000);
    assert!(weight(&small) < 1_250_000, "{}", weight(&small));
    assert_eq!(rows(&small).len(), 2_000);
    // The last rows still carry their message, and say that evidence was left out.
    let blocks = blocks(&small);
    let strings: Vec<&Value> = blocks.iter().flat_map(|block| block["s"].as_array().unwrap()).collect();
    let last = rows(&small).pop().unwrap();
    let keys = strings[last[9][4][0].as_u64().unwrap() as usize];
    assert!(keys == "[\"missing\"]" || keys == "[\"\\u0000cut\"]", "{keys}");
}

#[test]
fn the_headline_says_what_can_move() {
    let cases = [
        ((0, 0, 0, 0), "No written-back group was found in this bundle."),
        ((1, 0, 0, 0), "The one group can move now."),
        ((3, 0, 0, 0), "All 3 groups can move now."),
        (
            (61, 14, 9, 8),
            "61 of 92 groups can move now; 14 more after fixes; 9 need a decision; 8 do not move by this path.",
        ),
        (
            (0, 2, 1, 1),
            "None of 4 groups can move as they are; 2 after fixes; 1 needs a decision; 1 does not move by this path.",
        ),
        ((1_000_000, 1, 0, 0), "1,000,000 of 1,000,001 groups can move now; 1 more after fixes."),
    ];
    for ((migrate, fix, review, exclude), expected) in cases {
        let mut view = assessment(Vec::new());
        let groups = migrate + fix + review + exclude;
        view.header.summary = Summary { groups, migrate, fix, review, exclude, ..Summary::default() };
        let page = render(&view);
        assert!(page.contains(&format!("<h1 id=\"headline\">{expected}</h1>")), "{expected}");
    }
}

#[test]
fn only_gates_that_pass_let_groups_move_now() {
    let cases = [
        (GateStatus::Pass, Severity::Blocker, true),
        (GateStatus::NotApplicable, Severity::Blocker, true),
        (GateStatus::Fail, Severity::Medium, true),
        (GateStatus::Fail, Severity::High, false),
        (GateStatus::Unknown, Severity::Blocker, false),
    ];
    for (status, severity, now) in cases {
        let mut view = assessment(vec![group("Sales", Verdict::Migrate, Vec::new())]);
        view.header.gates = vec![gate(status, severity, Value::Null)];
        let page = render(&view);
        let expected = if now { "can move now" } else { "can move once the gates pass" };
        assert!(page.contains(expected), "{status:?} {severity:?}");
        assert_eq!(page.contains("<ol class=\"steps\">"), !now, "{status:?} {severity:?}");
    }
}

#[test]
fn partial_and_anonymised_stand_first() {
    let mut view = assessment(Vec::new());
    view.header.bundle.complete = false;
    view.header.bundle.anonymised = true;
    view.header.limits = vec!["12 groups could not be read.".into()];
    let page = render(&view);
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not on the page"));
    assert!(at("<strong>PARTIAL.</strong>") < at("<header"));
    assert!(at("<strong>Anonymised.</strong>") < at("<header"));
    assert!(page.contains("12 groups could not be read."));
    assert!(at("Complete the collection") < at("<section id=\"picture\""));
    assert!(!page.contains("The collection was complete"));
}

#[test]
fn a_writer_that_fails_is_an_error_that_says_so() {
    struct Full(usize);
    impl io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| io::Error::from(io::ErrorKind::StorageFull))?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let groups = (0..3_000).map(|n| group(&format!("G{n}"), Verdict::Fix, Vec::new())).collect();
    let view = assessment(groups);
    for room in [0, 70_000, 300_000] {
        let error = write(&view, &[], &mut Full(room)).unwrap_err();
        assert!(error.message.starts_with("cannot write the HTML report"), "{}", error.message);
        assert!(!error.hints.is_empty());
    }
}

#[test]
fn sources_link_only_to_https() {
    let source = |url| SourceText { key: "DEP26", title: "Deployment options", url };
    for (url, linked) in [
        (Some("https://learn.microsoft.com/x"), true),
        (Some("javascript:alert(1)"), false),
        (Some("http://plain"), false),
        (None, false),
    ] {
        let registry = [RuleText { id: "E2", title: "Agent", why: "", remedy: "", sources: vec![source(url)] }];
        let mut out = Vec::new();
        write(&assessment(Vec::new()), &registry, &mut out).unwrap();
        let page = String::from_utf8(out).unwrap();
        assert!(page.contains("Deployment options"));
        assert_eq!(page.contains("rel=\"noopener noreferrer\">Deployment options</a>"), linked, "{url:?}");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(".*", inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever the directory holds: the page has its one script, and every row reads back as it went in.
    #[test]
    fn any_text_and_evidence_read_back(name in ".*", dn in ".*", sid in ".*", message in ".*", evidence in any_value()) {
        let mut one = group("x", Verdict::Fix, vec![finding(Severity::High, FindingStatus::Found, evidence.clone())]);
        one.display_name = Some(name.clone());
        one.dn = Some(dn.clone());
        one.sid = Some(sid.clone());
        one.findings[0].message = message.clone();
        let mut view = assessment(vec![one]);
        view.header.gates = vec![gate(GateStatus::Unknown, Severity::High, evidence.clone())];
        view.header.bundle.tenant = Some(name.clone());
        let page = render(&view);
        prop_assert_eq!(page.matches("<script").count(), 4);
        let block = blocks(&page).remove(0);
        let row = &block["r"][0];
        let text = |value: &Value| match value.as_u64() {
            Some(number) => block["s"][number as usize].as_str().unwrap().to_owned(),
            None => value.as_str().unwrap_or_default().to_owned(),
        };
        prop_assert_eq!(row[1].as_str().unwrap(), name);
        let container = if row[3].is_null() { String::new() } else { format!(",{}", text(&row[3])) };
        prop_assert_eq!(format!("{}{container}", row[2].as_str().unwrap()), dn);
        let rid = row[7].as_u64().map(|rid| format!("-{rid}")).unwrap_or_default();
        prop_assert_eq!(format!("{}{rid}", text(&row[6])), sid);
        prop_assert_eq!(text(&row[9][2]), message);
        let packed = &row[9][4];
        let read = match packed.as_array() {
            None => Value::Null,
            Some(items) => {
                let keys: Vec<String> = serde_json::from_str(&text(&items[0])).unwrap();
                Value::Object(keys.into_iter().zip(items[1..].iter().cloned()).collect())
            }
        };
        let expected = match evidence {
            Value::Object(fields) if fields.is_empty() => Value::Null,
            Value::Object(_) | Value::Null => evidence,
            other => json!({ "value": other }),
        };
        prop_assert_eq!(read, expected);
    }
}
