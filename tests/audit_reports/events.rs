//! Security events from an exported folder into a bundle.

use crate::support::World;
use crate::support::cli::Desk;

const EVENT: &str = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>4756</EventID><TimeCreated SystemTime='2026-11-20T09:15:01Z'/><EventRecordID>7</EventRecordID><Computer>DC01.contoso.com</Computer></System><EventData><Data Name='MemberName'>CN=User 1,OU=People,DC=contoso,DC=com</Data><Data Name='TargetUserName'>Sales</Data><Data Name='TargetSid'>S-1-5-21-1111-2222-3333-2001</Data><Data Name='SubjectUserSid'>S-1-5-21-1111-2222-3333-500</Data><Data Name='SubjectUserName'>Administrator</Data><Data Name='SubjectDomainName'>CONTOSO</Data></EventData></Event>\r\n";

fn lines(desk: &Desk) -> Vec<serde_json::Value> {
    let packed = std::fs::read(desk.path("bundle/security-events.jsonl.zst")).unwrap();
    let text = zstd::decode_all(packed.as_slice()).unwrap();
    text.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect()
}

#[test]
fn events_come_into_the_bundle() {
    let mut world = World::base();
    world.files.insert("events/dc01.xml".to_owned(), EVENT.repeat(3).into_bytes());
    world.files.insert("events/dc02.evtx".to_owned(), b"ElfFile\0".to_vec());
    let message = "A member was removed from a security-enabled universal group.\r\n\r\nSubject:\r\n\tSecurity ID:\t\tCONTOSO\\jo\r\n\tAccount Name:\t\tjo\r\n\tAccount Domain:\t\tCONTOSO\r\n\r\nMember:\r\n\tAccount Name:\t\tCN=User 2,OU=People,DC=contoso,DC=com\r\n\r\nGroup:\r\n\tSecurity ID:\t\tCONTOSO\\Sales\r\n\tGroup Name:\t\tSales\r\n";
    let table = format!(
        "Keywords,Date and Time,Source,Event ID,Task Category\r\nAudit Success,11/20/2026 10:15:01 AM,Microsoft-Windows-Security-Auditing,4757,Security Group Management,\"{message}\"\r\nAudit Success,11/20/2026 10:15:02 AM,Microsoft-Windows-Security-Auditing,4624,Logon,\"An account was logged on.\"\r\n"
    );
    world.files.insert("events/dc03.csv".to_owned(), table.into_bytes());
    let desk = Desk::with(&world);
    desk.run(&["collect", "--offline", "export", "--out", "bundle", "--event-zone", "+01:00"]).ok();
    let events = lines(&desk);
    assert_eq!(events.len(), 4);
    assert_eq!(events[3]["time"], "2026-11-20T09:15:01Z", "the zone that was named");
    assert_eq!(events[3]["subjectName"], "CONTOSO\\jo");
    // What was passed over is said.
    desk.assess(&["--reports", "json"]).ok();
    let problems = desk.json("out/assessment.json")["problems"].to_string();
    for part in ["dc02.evtx", "wevtutil", "4624 (1)"] {
        assert!(problems.contains(part), "{part}: {problems}");
    }
    assert!(!problems.contains("events-without-zone"), "{problems}");
    // Without a zone the doubt is said; the bundle verifies either way.
    desk.run(&["collect", "--offline", "export", "--out", "other"]).ok();
    desk.run(&["bundle", "verify", "other"]).ok();
    desk.run(&["assess", "other", "--out", "out2", "--reports", "json"]).ok();
    assert!(desk.text("out2/assessment.json").contains("events-without-zone"));
    // A shared copy holds no events: they name people.
    desk.run(&["bundle", "anonymise", "bundle", "--out", "shared"]).ok();
    assert!(!desk.path("shared/security-events.jsonl.zst").exists());
}

#[test]
fn a_spoilt_export_is_refused_with_its_line() {
    for (name, bytes, says) in [
        ("dc.xml", format!("{EVENT}{}", &EVENT[..300]), "dc.xml:2"),
        ("dc.csv", "Id,TimeCreated,Message\r\n4756,2026-11-20T09:15:01Z,\"Ein Mitglied\"\r\n".to_owned(), "dc.csv:2"),
        ("empty.csv", String::new(), "empty.csv:1"),
    ] {
        let mut world = World::base();
        world.files.insert(format!("events/{name}"), bytes.into_bytes());
        let desk = Desk::with(&world);
        let ran = desk.collect().code(1);
        assert!(ran.err.contains(says) && ran.err.contains("hint:"), "{name}: {}", ran.err);
        assert_eq!(desk.names(), ["export"], "{name}: nothing is written");
    }
    let desk = Desk::with(&World::base());
    desk.run(&["collect", "--offline", "export", "--out", "b", "--event-zone", "CET"]).code(2);
}
