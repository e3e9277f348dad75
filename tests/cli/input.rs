//! Bad input: refused with exit code 1, file and line named, and nothing written.

use crate::support::World;
use crate::support::cli::Desk;
use serde_json::json;

type Spoil = fn(&mut World);

/// Nothing but the export stands in the folder afterwards.
#[track_caller]
fn refused(what: &str, spoil: impl FnOnce(&mut World), says: &[&str]) {
    let mut world = World::base();
    spoil(&mut world);
    let desk = Desk::with(&world);
    let ran = desk.collect();
    assert_eq!(ran.code, 1, "{what}: {}{}", ran.out, ran.err);
    for part in says {
        assert!(ran.err.contains(part), "{what}: {part:?} is not in: {}", ran.err);
    }
    assert_eq!(ran.out, "", "{what}");
    assert_eq!(desk.names(), ["export"], "{what}");
}

/// The LDIF of the clean world, altered as text.
fn ldif(w: &mut World, change: impl FnOnce(String) -> Vec<u8>) {
    let bytes = w.export().remove("ad/export.ldf").unwrap();
    w.ad = None;
    w.files.insert("ad/export.ldf".to_owned(), change(String::from_utf8(bytes).unwrap()));
}

#[test]
fn ldif_that_is_none() {
    let cases: &[(&str, Spoil, &[&str])] = &[
        ("cut in a line", |w| ldif(w, |t| t[..t.len() - 9].into()), &["export.ldf:", "cut off"]),
        ("empty", |w| ldif(w, |_| Vec::new()), &["export.ldf:1", "no entry"]),
        ("comments only", |w| ldif(w, |_| b"# nothing\n\n".to_vec()), &["export.ldf", "no entry"]),
        ("HTML", |w| ldif(w, |_| b"<html>\n<p>Sign in</p>\n</html>\n".to_vec()), &["export.ldf:1"]),
        (
            "no colon",
            |w| ldif(w, |t| t.replacen("groupType: ", "groupType ", 1).into()),
            &["export.ldf:", "without a colon"],
        ),
        (
            "broken base64",
            |w| ldif(w, |t| t.replacen("objectGUID:: ", "objectGUID:: *", 1).into()),
            &["export.ldf:", "objectGUID", "base64"],
        ),
        (
            "a GUID of other length",
            |w| drop(w.g().set("objectGUID", [1, 2, 3])),
            &["export.ldf:", "objectGUID", "CN=Group_3a5c3221"],
        ),
        ("a SID that is none", |w| drop(w.g().set("objectSid", [1, 9, 0])), &["export.ldf:", "objectSid"]),
        ("a group type that is none", |w| drop(w.g().set("groupType", "universal")), &["export.ldf:", "groupType"]),
        ("a member that is no DN", |w| drop(w.g().add("member", "Ada")), &["export.ldf:", "Ada"]),
        ("an entry that is no DN", |w| w.g().dn = "CN=x,,DC=y".into(), &["export.ldf:", "CN=x"]),
        (
            "two entries without an empty line",
            |w| ldif(w, |t| t.replacen("\n\ndn: ", "\ndn: ", 1).into()),
            &["export.ldf:", "second dn"],
        ),
        (
            "changes, not objects",
            |w| ldif(w, |_| b"dn: CN=x,DC=contoso,DC=com\nchangetype: modify\nreplace: mail\nmail: x\n-\n\n".to_vec()),
            &["export.ldf:2", "changetype"],
        ),
        (
            "a reference to a file",
            |w| ldif(w, |t| t.replacen("groupType: ", "groupType:< file:///etc/passwd#", 1).into()),
            &["export.ldf:", "reference"],
        ),
        (
            "Windows-1252",
            |w| {
                ldif(w, |t| {
                    let mut bytes = t.into_bytes();
                    bytes.extend_from_slice(b"dn: CN=Gr\xfcn,DC=contoso,DC=com\nobjectClass: group\n\n");
                    bytes
                })
            },
            &["export.ldf:", "not UTF-8"],
        ),
        (
            "UTF-16 without a mark",
            |w| ldif(w, |t| t.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            &["export.ldf:1", "UTF-16"],
        ),
        (
            "another domain",
            |w| drop(w.text("ad/other.ldf", "dn: CN=x,DC=fabrikam,DC=com\nobjectClass: group\n\n")),
            &["other.ldf:1", "fabrikam.com", "contoso.com"],
        ),
    ];
    for (what, spoil, says) in cases {
        refused(what, spoil, says);
    }
}

#[test]
fn line_numbers_are_right() {
    // The third line of the second entry, behind a folded line and a comment.
    let text = "# a comment\ndn: OU=x,DC=contoso,DC=com\nobjectClass: organizationalUnit\ndescription: long\n er\n\ndn: CN=a,DC=contoso,DC=com\nobjectClass: group\ngroupType: x\n\n";
    refused("line", |w| ldif(w, |_| text.into()), &["export.ldf:9:", "CN=a,DC=contoso,DC=com"]);
    refused(
        "json line",
        |w| {
            w.groups = None;
            w.text("entra/groups.json", "[\n{\"id\": \"3a5c3221-c465-48c0-95b8-e9305786a271\"},\n{\"id\": 7}\n]");
        },
        &["groups.json:3"],
    );
}

#[test]
fn json_that_is_none() {
    fn groups(w: &mut World, text: &str) {
        w.groups = None;
        w.text("entra/groups.json", text);
    }
    let error =
        r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges","innerError":{}}}"#;
    let cases: &[(&str, Spoil, &[&str])] = &[
        (
            "cut",
            |w| groups(w, r#"{"value":[{"id":"3a5c3221-c465-48c0-95b8-e9305786a271""#),
            &["groups.json:1", "cut off"],
        ),
        ("empty", |w| groups(w, ""), &["groups.json:1", "empty"]),
        ("blank", |w| groups(w, " \n\n"), &["groups.json", "empty"]),
        ("HTML", |w| groups(w, "<!DOCTYPE html>"), &["groups.json:1", "no JSON"]),
        ("no id", |w| groups(w, r#"{"value":[{"displayName":"x"}]}"#), &["groups.json:1", "id"]),
        ("an id that is none", |w| groups(w, r#"{"value":[{"id":"x"}]}"#), &["groups.json:1", "GUID"]),
        (
            "a member that is none",
            |w| groups(w, r#"[{"id":"3a5c3221-c465-48c0-95b8-e9305786a271","members":[{"id":"x"}]}]"#),
            &["groups.json:1", "member"],
        ),
        (
            "a truth value that is none",
            |w| groups(w, r#"[{"id":"3a5c3221-c465-48c0-95b8-e9305786a271","mailEnabled":"perhaps"}]"#),
            &["groups.json:1"],
        ),
        ("numbers", |w| groups(w, "17"), &["groups.json:1"]),
        ("two brackets", |w| groups(w, "[]]"), &["groups.json:1"]),
        (
            "UTF-16 without a mark",
            |w| {
                w.groups = None;
                w.files.insert("entra/groups.json".into(), "[]  ".encode_utf16().flat_map(u16::to_le_bytes).collect());
            },
            &["groups.json:1", "UTF-16"],
        ),
        ("jobs, cut", |w| drop(w.text("cloudsync/jobs.json", r#"{"value":["#)), &["jobs.json:1", "cut off"]),
        ("jobs, blank", |w| drop(w.text("cloudsync/jobs.json", "  \n \n")), &["jobs.json", "empty"]),
        (
            "jobs, nothing but a byte order mark",
            |w| drop(w.text("cloudsync/jobs.json", "\u{feff}")),
            &["jobs.json", "empty"],
        ),
        ("jobs, null", |w| drop(w.text("cloudsync/jobs.json", r#"{"value":null}"#)), &["jobs.json"]),
        ("jobs, a number", |w| drop(w.text("cloudsync/jobs.json", r#"{"value":[7]}"#)), &["jobs.json"]),
        (
            "a Connect state that is none",
            |w| drop(w.text("connect/connect-state.json", "{\"schema\":")),
            &["connect-state.json"],
        ),
        (
            "a Connect state of another schema",
            |w| drop(w.json("connect/connect-state.json", json!({ "schema": "x/v9" }))),
            &["connect-state.json"],
        ),
    ];
    for (what, spoil, says) in cases {
        refused(what, spoil, says);
    }
    // An answer of refusal, saved as if it were the data, is named for what it is.
    for file in [
        "entra/groups.json",
        "entra/users.json",
        "entra/onPremisesSynchronization.json",
        "entra/organization.json",
        "cloudsync/jobs.json",
        "cloudsync/agents.json",
        "cloudsync/schema.json",
        "cloudsync/appRoleAssignedTo.json",
    ] {
        refused(
            file,
            |w| {
                w.groups = None;
                w.users = None;
                w.text(file, error);
            },
            &[file.rsplit('/').next().unwrap(), "Authorization_RequestDenied"],
        );
    }
}

#[test]
fn xml_that_is_none() {
    for (what, name, text) in [
        (
            "cut",
            "SynchronizationRules/SynchronizationRule_{5a5a0001-0000-4000-8000-000000000001}.xml",
            "<synchronizationRule><id>",
        ),
        (
            "an entity",
            "SynchronizationRules/SynchronizationRule_{5a5a0001-0000-4000-8000-000000000001}.xml",
            "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><synchronizationRule><name>&e;</name></synchronizationRule>",
        ),
        (
            "a csexport with an entity",
            "csexport.xml",
            "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aaaa\">]><cs-objects>&a;</cs-objects>",
        ),
    ] {
        let file = name.rsplit('/').next().unwrap();
        refused(
            what,
            |w| {
                w.server("sync01", |_| {});
                w.text(&format!("connect/sync01/{name}"), text);
            },
            &[file],
        );
    }
}

#[test]
fn the_domain_of_the_configuration() {
    let desk = Desk::with(&World::base());
    std::fs::write(desk.path("groupshift.toml"), "[cloud_sync]\ndomain = \"fabrikam.com\"\n").unwrap();
    desk.collect().code(1).says(&["export.ldf:1", "contoso.com", "fabrikam.com"]);
    assert_eq!(desk.names(), ["export", "groupshift.toml"]);
    std::fs::write(desk.path("groupshift.toml"), "[cloud_sync]\ndomain = \"CONTOSO.com\"\n").unwrap();
    desk.collect().ok();
}

#[cfg(unix)]
#[test]
fn links_that_lead_out() {
    use std::os::unix::fs::symlink;
    for name in ["ad/more.ldf", "entra/groups2.json", "connect/sync01", "cloudsync/schema.json"] {
        let desk = Desk::with(&World::base());
        std::fs::write(desk.path("secret"), "dn: DC=contoso,DC=com\nobjectClass: domainDNS\n\n").unwrap();
        std::fs::create_dir_all(desk.path("export").join("connect")).unwrap();
        symlink(desk.path("secret"), desk.path("export").join(name)).unwrap();
        desk.collect().code(1).says(&[name, "link"]);
        assert_eq!(desk.names(), ["export", "secret"], "{name}");
    }
    // A whole part that is a link out of the folder.
    let desk = Desk::with(&World::base());
    std::fs::rename(desk.path("export/ad"), desk.path("elsewhere")).unwrap();
    symlink(desk.path("elsewhere"), desk.path("export/ad")).unwrap();
    desk.collect().code(1).says(&["link"]);
    // A link that stays inside is a file like any other.
    let desk = Desk::with(&World::base());
    std::fs::rename(desk.path("export/ad/export.ldf"), desk.path("export/ad/export.txt")).unwrap();
    symlink("export.txt", desk.path("export/ad/export.ldf")).unwrap();
    desk.collect().ok().prints(&["1 groups"]);
}

/// Encodings that administrators' tools write are read, and give the same result.
#[test]
fn encodings() {
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2], mark: [u8; 2]| {
        mark.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect::<Vec<u8>>()
    };
    let reference = World::base().run();
    let transform: &[(&str, &dyn Fn(&str) -> Vec<u8>)] = &[
        ("UTF-8 with a mark", &|t| [b"\xef\xbb\xbf", t.as_bytes()].concat()),
        ("CRLF", &|t| t.replace('\n', "\r\n").into_bytes()),
        ("UTF-16, little endian", &|t| utf16(t, u16::to_le_bytes, [0xff, 0xfe])),
        ("UTF-16, big endian, CRLF", &|t| utf16(&t.replace('\n', "\r\n"), u16::to_be_bytes, [0xfe, 0xff])),
        ("folded", &|t| {
            // Only LDIF folds.
            if !t.starts_with("dn:") {
                return t.as_bytes().to_vec();
            }
            t.lines()
                .map(|l| if l.len() > 20 { format!("{}\n {}\n", &l[..20], &l[20..]) } else { format!("{l}\n") })
                .collect::<String>()
                .into_bytes()
        }),
    ];
    for (what, change) in transform {
        let mut world = World::base();
        let files = world.export();
        (world.ad, world.groups, world.users, world.deleted) = (None, None, None, None);
        world.files = files.into_iter().map(|(n, b)| (n, change(&String::from_utf8(b).unwrap()))).collect();
        assert_eq!(world.run().json["groups"], reference.json["groups"], "{what}");
    }
}

#[test]
fn what_is_not_read_is_listed() {
    let mut world = World::base();
    world
        .text("ad/notes.txt", "x")
        .text("readme.md", "x")
        .text("entra/other.json", "{}")
        .text("cloudsync/other.json", "{}");
    let problems = world.run().json["problems"].to_string();
    for name in ["ad/notes.txt", "readme.md", "entra/other.json", "cloudsync/other.json"] {
        assert!(problems.to_lowercase().contains(name), "{name}: {problems}");
    }
}

/// The same files give the same reports, whatever folder they lie in.
#[test]
fn problems_name_files_as_the_export_does() {
    let mut world = World::base();
    let ldif = String::from_utf8(world.export().remove("ad/export.ldf").unwrap()).unwrap();
    world.text("ad/more.ldf", ldif.trim_end());
    world.files.get_mut("ad/more.ldf").unwrap().push(b'\n');
    let desk = Desk::with(&world);
    desk.collect().ok();
    desk.assess(&[]).ok();
    let problems = desk.json("out/assessment.json")["problems"].to_string();
    assert!(
        problems.contains("again at ad/more.ldf:") && problems.contains("\"ad/more.ldf ends without"),
        "{problems}"
    );
    assert!(!problems.contains(&desk.dir.path().display().to_string()), "{problems}");
}

#[test]
fn what_is_doubtful_is_listed() {
    let problems = |spoil: &dyn Fn(&mut World)| {
        let mut world = World::base();
        spoil(&mut world);
        world.run().json["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p["kind"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(problems(&|_| {}), Vec::<String>::new());
    assert_eq!(problems(&|w| drop(w.g().add("member", "CN=Unseen,DC=contoso,DC=com"))), ["member-not-exported"]);
    assert_eq!(
        problems(&|w| {
            let mut again = w.g().clone();
            again.dn = "CN=Renamed,OU=GroupWriteback,DC=contoso,DC=com".into();
            w.add_entry(again);
        }),
        ["duplicate-guid"]
    );
    assert_eq!(
        problems(&|w| {
            let again = w.g().clone();
            w.add_entry(again);
        }),
        ["duplicate-dn"]
    );
    assert_eq!(
        problems(&|w| {
            w.user(1)["onPremisesSyncEnabled"] = json!(true);
            let mut other = w.user(1).clone();
            other["onPremisesSyncEnabled"] = json!(false);
            w.users.as_mut().unwrap().push(other);
        }),
        ["duplicate-id"]
    );
    assert_eq!(
        problems(&|w| {
            let text = w.export()["ad/export.ldf"].clone();
            w.ad = None;
            w.files.insert("ad/export.ldf".into(), text[..text.len() - 1].to_vec());
        }),
        ["perhaps-cut"]
    );
}
