//! Our own small server with group writeback V2: the state file and the export of it say the same, in every shape that
//! PowerShell and people give them.

use crate::support::{folder, utf16};
use groupshift::assess::connect::{
    ContainerScope, ServerRole, container_scope, deletes_out_of_scope, free_precedences, inbound_coexistence,
    outbound_coexistence, role_contradictions, server_role, soa_in_aad_clones,
};
use groupshift::collect::connect::{CONNECT_STATE_SCHEMA, ConnectState, parse_state, read_connect, read_state};
use groupshift::directory::connect::{ConnectServer, Operation, Origin};
use std::path::{Path, PathBuf};

fn sync01() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/connect/fixtures/sync01")
}

/// The files of the sample below `export/` or beside it, with their contents.
fn files() -> Vec<(String, Vec<u8>)> {
    fn walk(dir: &Path, base: &Path, found: &mut Vec<(String, Vec<u8>)>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, base, found);
            } else {
                let below: Vec<_> = path.strip_prefix(base).unwrap().iter().map(|p| p.to_string_lossy()).collect();
                found.push((below.join("/"), std::fs::read(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&sync01(), &sync01(), &mut found);
    found.sort();
    found
}

/// The sample, its files renamed or left out by `place`.
fn laid_out(place: impl Fn(&str) -> Option<String>) -> tempfile::TempDir {
    let files: Vec<(String, Vec<u8>)> = files().into_iter().filter_map(|(n, c)| Some((place(&n)?, c))).collect();
    let shown: Vec<(&str, &[u8])> = files.iter().map(|(n, c)| (n.as_str(), c.as_slice())).collect();
    folder(&shown)
}

fn one(dir: &Path) -> ConnectServer {
    let mut servers = read_connect(dir).unwrap();
    assert_eq!(servers.len(), 1, "{servers:?}");
    servers.remove(0)
}

fn state_text() -> String {
    std::fs::read_to_string(sync01().join("connect-state.json")).unwrap().replace("\r\n", "\n")
}

#[test]
fn state_and_export_say_the_same() {
    let from_state = one(laid_out(|n| (n == "connect-state.json").then(|| n.to_owned())).path());
    let from_export = one(laid_out(|n| n.strip_prefix("export/").map(str::to_owned)).path());
    assert_eq!(from_state.name, from_export.name);
    assert_eq!(from_state.rules, from_export.rules);
    assert_eq!(from_state.connectors.as_ref().unwrap().len(), 2);
    assert_eq!(from_state.connectors, from_export.connectors);
    assert_eq!(from_state.version.value(), from_export.version.value());
    assert_eq!(from_state.source_anchor.value(), from_export.source_anchor.value());
    assert_eq!(from_state.writeback_container.value(), from_export.writeback_container.value());
    assert_eq!(from_state.writeback_forest.value(), from_export.writeback_forest.value());
    assert_eq!(from_state.deletion_threshold.value(), Some(&None));
    assert_eq!(from_state.deletion_threshold.value(), from_export.deletion_threshold.value());
    assert_eq!(from_state.metaverse_attributes, from_export.metaverse_attributes);
    // What only one of the two can know stays unknown in the other.
    assert_eq!(
        (from_state.company_feature("groupwritebackv2"), from_export.company_feature("GroupWritebackV2")),
        (Some(true), None)
    );
    assert_eq!(from_state.provisioning_agent.value(), Some(&Some("1.1.2400.0".to_owned())));
    assert!(!from_export.provisioning_agent.is_known());
    assert_eq!((server_role(&from_state), server_role(&from_export)), (ServerRole::Staging, ServerRole::Active));
}

#[test]
fn together_the_newer_wins_and_both_are_kept() {
    let server = one(&sync01());
    assert_eq!((server.name.as_str(), server.nonce.as_deref()), ("SYNC01", Some("3f0c9e2a")));
    let staging: Vec<_> = server.staging_mode.0.iter().map(|o| (o.value, o.from)).collect();
    assert_eq!(staging, [(true, Origin::State), (false, Origin::Export)]);
    assert_eq!(server_role(&server), ServerRole::Staging);
    assert_eq!(role_contradictions(&server).len(), 2);
    assert_eq!(server.collected_at.unwrap().to_rfc3339(), "2026-11-12T08:00:00+00:00");
    assert_eq!((server.rules_from, server.connectors_from), (Some(Origin::State), Some(Origin::State)));
    assert_eq!(server.problems, Vec::<String>::new());
    let sources: Vec<_> = server.sources.iter().map(|s| (s.origin, s.path.as_str(), s.holds.as_str())).collect();
    assert_eq!(
        sources,
        [
            (Origin::Export, "export", "13 global settings, 2 connectors, 3 rules"),
            (
                Origin::State,
                "connect-state.json",
                "the scheduler, 8 global settings, 3 company features, 3 metaverse attributes, 2 connectors, 3 rules"
            ),
            (Origin::PendingExports, "csexport.xml", "1 pending object"),
        ]
    );
    let pending = &server.pending_exports[0].objects[0];
    assert_eq!(pending.operation, Operation::Update);
    assert!(pending.changes_reference("member") && pending.anchor.as_deref().unwrap().starts_with("Group_3a5c"));
    assert_eq!(pending.new_dn, None);

    let line = serde_json::to_string(&server).unwrap();
    assert!(!line.contains("BLOB"), "a secret or a cookie was kept");
    assert_eq!(serde_json::from_str::<ConnectServer>(&line).unwrap(), server);
}

#[test]
fn judgements() {
    let server = one(&sync01());
    let rules = server.rules.as_ref().unwrap();
    assert_eq!(rules.iter().filter(|r| inbound_coexistence(r, &server).is_right()).count(), 1);
    assert_eq!(rules.iter().filter(|r| outbound_coexistence(r, &server).is_right()).count(), 1);
    assert!(rules.iter().all(|r| deletes_out_of_scope(r, &server).is_none()));
    assert!(soa_in_aad_clones(&server).unwrap().is_clean());
    assert_eq!(free_precedences(rules)[..2], [90, 91]);
    let container = server.writeback_container.value().unwrap().as_deref().unwrap();
    assert!(matches!(container_scope(&server, container), ContainerScope::Included { .. }));
    assert!(matches!(container_scope(&server, "OU=X,DC=contoso,DC=com"), ContainerScope::Excluded { .. }));
}

#[test]
fn layouts() {
    let count = |dir: &Path| read_connect(dir).unwrap().len();
    assert_eq!(count(folder(&[]).path()), 0);
    assert_eq!(count(folder(&[("readme.txt", b"x"), ("sub/readme.txt", b"x")]).path()), 0);
    // One folder a server, and an export folder of any name in it.
    let dir = laid_out(|n| Some(format!("sync01/{}", n.replace("export/", "Exported-ServerConfiguration-7/"))));
    assert_eq!((one(dir.path()).name.as_str(), one(dir.path()).sources.len()), ("SYNC01", 3));
    // Folder names in another case, as some archives leave them.
    let dir = laid_out(|n| Some(n.replace("SynchronizationRules", "synchronizationrules").replace("export/", "")));
    assert_eq!(one(dir.path()).sources.len(), 3);
    // A missing part of the export stays unknown.
    let dir = laid_out(|n| (!n.contains("Rules") && !n.contains("state")).then(|| n.to_owned()));
    let server = one(dir.path());
    assert!(server.rules.is_none() && server.connectors.is_some() && server.nonce.is_none());
    assert_eq!(soa_in_aad_clones(&server), None);
    // A csexport file of another name, and a file that is nothing known.
    let dir = laid_out(|n| Some(n.replace("csexport.xml", "ad-pending.xml")));
    std::fs::write(dir.path().join("other.xml"), "<x/>").unwrap();
    let server = one(dir.path());
    assert_eq!(server.pending_exports[0].file, "ad-pending.xml");
    assert!(server.problems.len() == 1 && server.problems[0].starts_with("other.xml"), "{:?}", server.problems);
    // A loose csexport file belongs to the only server, whose other files have a folder.
    let dir = laid_out(|n| Some(if n == "csexport.xml" { n.to_owned() } else { format!("sync01/{n}") }));
    assert_eq!(one(dir.path()).pending_exports[0].file, "csexport.xml");
    // Two servers, one of them in staging.
    let standby = state_text().replace("SYNC01\"", "SYNC02.contoso.com\"");
    let dir = laid_out(|n| Some(format!("a/{n}")));
    std::fs::create_dir(dir.path().join("b")).unwrap();
    std::fs::write(dir.path().join("b/connect-state.json"), &standby).unwrap();
    let names: Vec<_> = read_connect(dir.path()).unwrap().into_iter().map(|s| s.name).collect();
    assert_eq!(names, ["SYNC01", "SYNC02.contoso.com"]);
    // Two state files of two servers in one folder.
    let dir =
        folder(&[("connect-state-1.json", state_text().as_bytes()), ("connect-state-2.json", standby.as_bytes())]);
    assert_eq!(count(dir.path()), 2);
}

#[test]
fn refused_layouts() {
    let standby = state_text().replace("SYNC01\"", "SYNC02\"");
    for (what, dir, says) in [
        ("one server twice", laid_out(|n| Some(format!("a/{n}"))), "described by two folders"),
        ("two exports", laid_out(|n| Some(n.to_owned())), "two exports"),
        ("export and state of two servers", laid_out(|n| Some(n.to_owned())), "the state file of SYNC02"),
        (
            "a loose file and two servers",
            laid_out(|n| Some(if n == "csexport.xml" { n.into() } else { format!("a/{n}") })),
            "of which server is csexport.xml",
        ),
        ("state files and an export", laid_out(|n| Some(n.to_owned())), "several computers"),
    ] {
        let at = |name: &str| dir.path().join(name);
        match what {
            "one server twice" | "a loose file and two servers" => {
                std::fs::create_dir(at("b")).unwrap();
                std::fs::write(at("b/connect-state.json"), state_text()).unwrap();
            }
            "two exports" => {
                std::fs::create_dir_all(at("older/SynchronizationRules")).unwrap();
            }
            "state files and an export" => std::fs::write(at("connect-state-2.json"), &standby).unwrap(),
            _ => std::fs::write(at("connect-state.json"), &standby).unwrap(),
        }
        let error = read_connect(dir.path()).unwrap_err();
        assert!(error.to_string().contains(says) && !error.hints.is_empty(), "{what}: {error}");
    }
    assert!(read_connect(Path::new("no/such/folder")).is_err());
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_are_refused() {
    let outside = laid_out(|n| Some(n.to_owned()));
    let dir = folder(&[("a/readme.txt", b"x")]);
    std::os::unix::fs::symlink(outside.path().join("connect-state.json"), dir.path().join("a/connect-state.json"))
        .unwrap();
    let error = read_connect(dir.path()).unwrap_err().to_string();
    assert!(error.contains("leads out of the folder"), "{error}");
}

#[test]
fn what_powershell_makes_of_the_state() {
    let plain = one(laid_out(|n| (n == "connect-state.json").then(|| n.to_owned())).path());
    let text = state_text();
    let mut flat = text.clone();
    for (from, to) in [
        ("\"2026-11-12T08:00:00Z\"", "\"\\/Date(1794470400000)\\/\""),
        ("\"2026-11-12T08:15:00Z\"", "{ \"value\": \"\\/Date(1794471300000)\\/\", \"DisplayHint\": 2 }"),
        ("[\"OU=Corp,DC=contoso,DC=com\"]", "\"OU=Corp,DC=contoso,DC=com\""),
        ("[\"true\"]", "\"true\""),
        (
            "[ { \"conditions\":  [ { \"attribute\":  \"cloudNoFlow\"",
            "{ \"conditions\": { \"attribute\":  \"cloudNoFlow\"",
        ),
        (
            "\"value\":  \"true\" } ] } ],\n            \"joins\":  [],\n            \"flows\":  []",
            "\"value\": \"true\" } },\n \"joins\": [], \"flows\": []",
        ),
        ("\"disabled\":  false", "\"disabled\":  \"False\""),
        ("\"stagingModeEnabled\":  true", "\"stagingModeEnabled\":  \"True\""),
        ("\"precedence\":  88", "\"precedence\":  \"88\""),
        ("\"errors\":  []", "\"errors\":  null, \"somethingNewer\": { \"a\": [1] }"),
    ] {
        assert!(flat.contains(from), "the sample no longer has {from}");
        flat = flat.replace(from, to);
    }
    let bom = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    for (what, bytes) in [("BOM", bom), ("UTF-16", utf16(&text.replace('\n', "\r\n"))), ("flat", utf16(&flat))] {
        let server = one(folder(&[("connect-state.json", &bytes)]).path());
        assert_eq!(server, plain, "{what}");
    }
}

#[test]
fn refused_state_files() {
    let text = state_text();
    let cut_at = |depth: &str| text.replacen("{ \"conditions\":", depth, 1);
    for (what, bytes, says, hint) in [
        (
            "cut by depth",
            cut_at("\"@{conditions=System.Object[]}\", { \"conditions\":").into_bytes(),
            "@{conditions",
            "-Depth",
        ),
        (
            "cut list",
            text.replace("\"flows\":  []", "\"flows\": \"@{destination=x}\"").into_bytes(),
            "@{destination",
            "-Depth",
        ),
        ("no flows", text.replace("\"flows\":  []", "\"flowz\": []").into_bytes(), "no list \"flows\"", "script again"),
        ("truncated", text.as_bytes()[..text.len() / 2].to_vec(), "cut off", "script again"),
        ("empty", b" \n".to_vec(), "the file is empty", "script again"),
        (
            "another schema, and nobody's",
            b"{\"schema\":\"x\"}".to_vec(),
            "connect-state.json: schema",
            "another version",
        ),
        ("no schema", b"{}".to_vec(), "no schema", "connect-script"),
        ("another schema", text.replace("state/v1", "state/v9").into_bytes(), "state/v9", "another version"),
        ("no JSON", b"Name : x".to_vec(), "not a connect-state file", "script again"),
        ("no GUID", text.replace("\"5a5a0001-", "\"zz5a0001-").into_bytes(), "is no GUID", ""),
        (
            "a word for a switch",
            text.replace("\"disabled\":  false", "\"disabled\":  \"no\"").into_bytes(),
            "neither true nor false",
            "",
        ),
        ("a local date", text.replace("2026-11-12T08:00:00Z", "12.11.2026 08:00").into_bytes(), "no date", ""),
        ("a control character", text.replace("coexistence, in", "\u{1}").into_bytes(), "control character", ""),
        ("bytes of no encoding", b"{\"schema\":\"\xff\"}".to_vec(), "no UTF-8", "UTF-8"),
    ] {
        let dir = folder(&[("connect-state.json", &bytes)]);
        let error = read_connect(dir.path()).unwrap_err();
        assert!(error.to_string().contains(says), "{what}: {error}");
        assert!(error.place.as_ref().unwrap().file.is_some(), "{what}");
        assert!(hint.is_empty() || error.hints.iter().any(|h| h.contains(hint)), "{what}: {:?}", error.hints);
    }
}

#[test]
fn cut_and_changed_state_never_panics() {
    let text = state_text();
    let path = Path::new("connect-state.json");
    for at in (0..text.len() - 3).step_by(37) {
        assert!(parse_state(path, &text[..at]).is_err(), "cut at {at}");
    }
    for at in (0..text.len()).step_by(11) {
        for with in ["", "{", "]", "null", "\"@{"] {
            let _ = parse_state(path, &format!("{}{with}{}", &text[..at], &text[at + 1..]));
        }
    }
}

#[test]
fn refused_xml() {
    let rule = |inside: &str| format!("<synchronizationRule>\n<name>{inside}</name>\n</synchronizationRule>");
    for (what, text, says, line) in [
        ("document type", format!("<!DOCTYPE x>\n{}", rule("a")), "document type", 1),
        ("internal entity", format!("<!DOCTYPE x [<!ENTITY e 'x'>]>\n{}", rule("&e;")), "document type", 1),
        ("external entity", format!("<!DOCTYPE x SYSTEM 'file:///x'>{}", rule("&x;")), "document type", 1),
        ("unknown entity", rule("&nbsp;"), "an entity", 2),
        ("entity in an attribute", "<synchronizationRule>\n<a b='&c;'/></synchronizationRule>".into(), "an entity", 2),
        (
            "an entity in what is passed over",
            "<synchronizationRule>\n<future><x>&y;</x></future>".into(),
            "an entity",
            2,
        ),
        ("an impossible character", rule("&#0;"), "an entity", 2),
        ("no end", "<synchronizationRule>\n<name>a".into(), "the file ends before", 2),
        ("wrong end", "<synchronizationRule>\n\n<name>a</nome>".into(), "malformed", 3),
        ("a second root", format!("{}\n<x/>", rule("a")), "second root", 4),
        ("text behind", format!("{}x", rule("a")), "outside the root", 3),
        ("another root", "<rule/>".into(), "<synchronizationRule>", 1),
        ("nothing", String::new(), "no XML", 1),
        ("an element for a text", rule("<b/>"), "an element where text", 2),
        ("a doubled attribute", "<synchronizationRule><x a='1' a='2'/></synchronizationRule>".into(), "attribute", 1),
        ("another encoding", format!("<?xml version='1.0' encoding='windows-1252'?>{}", rule("a")), "encoding", 1),
        ("no number", "<synchronizationRule><precedence>8 8</precedence></synchronizationRule>".into(), "no number", 1),
        ("too deep", format!("<synchronizationRule>{}", "<x>".repeat(300)), "256 deep", 1),
    ] {
        let dir = folder(&[("SynchronizationRules/r.xml", text.as_bytes())]);
        let error = read_connect(dir.path()).unwrap_err();
        assert!(error.to_string().contains(says), "{what}: {error}");
        let place = error.place.as_ref().unwrap();
        assert!(place.file.as_ref().unwrap().ends_with("r.xml") && place.line == Some(line), "{what}: {error}");
    }
    let bare: Vec<u8> = rule("a").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let dir = folder(&[("SynchronizationRules/r.xml", &bare)]);
    let error = read_connect(dir.path()).unwrap_err();
    assert!(error.to_string().contains("NUL") && error.hints[0].contains("byte order mark"), "{error}");
    let dir = folder(&[("SynchronizationRules/r.xml", rule("a &lt;&#x26;&gt; <![CDATA[<b>]]>").as_bytes())]);
    assert_eq!(one(dir.path()).rules.unwrap()[0].name, "a <&> <b>");
}

#[test]
fn the_published_schema_fits() {
    let schema = serde_json::to_value(schemars::schema_for!(ConnectState)).unwrap();
    let state = serde_json::from_str(&state_text()).unwrap();
    jsonschema::validate(&schema, &state).unwrap();
    let read = read_state(&sync01().join("connect-state.json")).unwrap();
    assert_eq!(read.schema, CONNECT_STATE_SCHEMA);
    let again = serde_json::to_value(&read).unwrap();
    jsonschema::validate(&schema, &again).unwrap();
    assert_eq!(serde_json::from_value::<ConnectState>(again).unwrap(), read);
}
