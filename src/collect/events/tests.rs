use super::*;
use chrono::{DateTime, NaiveDateTime, Utc};
use proptest::prelude::*;

const EVENT: &str = r#"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing' Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}'/><EventID>4756</EventID><Version>0</Version><TimeCreated SystemTime='2026-11-20T09:15:01.0000000Z'/><EventRecordID>81442</EventRecordID><Channel>Security</Channel><Computer>DC01.contoso.com</Computer><Security/></System><EventData><Data Name='MemberName'>CN=Ruiz\, Jo &amp; Co,OU=People,DC=contoso,DC=com</Data><Data Name='MemberSid'>S-1-5-21-1-2-3-1104</Data><Data Name='TargetUserName'>Sales</Data><Data Name='TargetDomainName'>CONTOSO</Data><Data Name='TargetSid'>S-1-5-21-1-2-3-1201</Data><Data Name='SubjectUserSid'>S-1-5-21-1-2-3-500</Data><Data Name='SubjectUserName'>Administrator</Data><Data Name='SubjectDomainName'>CONTOSO</Data><Data Name='SubjectLogonId'>0x3e7</Data><Data Name='PrivilegeList'>-</Data></EventData></Event>"#;

const MESSAGE: &str = "A member was added to a security-enabled universal group.\r\n\r\nSubject:\r\n\tSecurity ID:\t\tS-1-5-21-1-2-3-500\r\n\tAccount Name:\t\tAdministrator\r\n\tAccount Domain:\t\tCONTOSO\r\n\tLogon ID:\t\t0x3E7\r\n\r\nMember:\r\n\tSecurity ID:\t\tS-1-5-21-1-2-3-1104\r\n\tAccount Name:\t\tCN=Ruiz\\, Jo & Co,OU=People,DC=contoso,DC=com\r\n\r\nGroup:\r\n\tSecurity ID:\t\tS-1-5-21-1-2-3-1201\r\n\tAccount Name:\t\tSales\r\n\tAccount Domain:\t\tCONTOSO\r\n\r\nAdditional Information:\r\n\tPrivileges:\t\t-";

const MODIFIED: &str = "A directory service object was modified.\n\t\nSubject:\n\tSecurity ID:\t\tCONTOSO\\jo\n\tAccount Name:\t\tjo\n\tAccount Domain:\t\tCONTOSO\n\tLogon ID:\t\t0x32004\n\nDirectory Service:\n\tName:\tcontoso.com\n\tType:\tActive Directory Domain Services\n\t\nObject:\n\tDN:\tCN=Sales,OU=GroupWriteback,DC=contoso,DC=com\n\tGUID:\tCN=Sales,OU=GroupWriteback,DC=contoso,DC=com\n\tClass:\tgroup\n\t\nAttribute:\n\tLDAP Display Name:\tdescription\n\tSyntax (OID):\t2.5.5.12\n\tValue:\tone\nSubject:\n\tAccount Name:\tforged\n\t\nOperation:\n\tType:\tValue Added\n\tCorrelation ID:\t{02647639-8626-43CE-AFE6-7AA1AD657739}\n";

fn read(name: &str, bytes: impl AsRef<[u8]>) -> Result<(Vec<SecurityEvent>, Summary)> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let mut events = Vec::new();
    let summary = read_file(&path, None, &mut |event| {
        events.push(event);
        Ok(())
    })?;
    Ok((events, summary))
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn expected() -> SecurityEvent {
    SecurityEvent {
        id: 4756,
        time: utc("2026-11-20T09:15:01Z"),
        computer: Some("DC01.contoso.com".to_owned()),
        record: Some(81442),
        subject_sid: Sid::parse("S-1-5-21-1-2-3-500"),
        subject_name: Some("CONTOSO\\Administrator".to_owned()),
        target_sid: Sid::parse("S-1-5-21-1-2-3-1201"),
        target_name: Some("Sales".to_owned()),
        target_dn: None,
        target_guid: None,
        member: Some("CN=Ruiz\\, Jo & Co,OU=People,DC=contoso,DC=com".to_owned()),
        attribute: None,
        value: None,
    }
}

fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeffu16).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn every_form_of_xml() {
    let python = EVENT.replace("2026-11-20T09:15:01.0000000Z", "2026-11-20 09:15:01.000000");
    let offset = EVENT.replace("2026-11-20T09:15:01.0000000Z", "2026-11-20 10:15:01.000000+01:00");
    let prefixed = EVENT.replace("<Event xmlns=", "<e:Event xmlns:e=").replace("</Event>", "</e:Event>");
    for (what, text) in [
        ("wevtutil without a root", EVENT.to_owned()),
        ("wevtutil with a root", format!("<Events>\r\n{EVENT}\r\n</Events>\r\n")),
        (
            "Event Viewer",
            format!("<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>\r\n<Events>{EVENT}</Events>"),
        ),
        (
            "Event Viewer with the rendered text",
            format!(
                "<Events>{}</Events>",
                EVENT.replace(
                    "</Event>",
                    "<RenderingInfo Culture='de-DE'><Message>Ein Mitglied …</Message></RenderingInfo></Event>"
                )
            ),
        ),
        ("a dump tool with headings", format!("Record 1\n<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{EVENT}\n")),
        (
            "another dump tool",
            format!("<?xml version=\"1.1\" encoding=\"utf-8\" standalone=\"yes\" ?>\n<Events>\n{python}\n</Events>"),
        ),
        ("with an offset", offset),
        ("with a prefix", prefixed),
    ] {
        for bytes in [text.clone().into_bytes(), utf16(&text), [b"\xef\xbb\xbf", text.as_bytes()].concat()] {
            let (events, summary) = read("dc.xml", bytes).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(events, [expected()], "{what}");
            assert_eq!((summary.events, summary.kept, summary.zoneless), (1, 1, 0), "{what}");
        }
    }
    let (events, _) = read("dc.xml", format!("{EVENT}\n{EVENT}\n").repeat(100)).unwrap();
    assert_eq!(events.len(), 200);
}

#[test]
fn modifications_of_groups_and_containers() {
    let text = |class: &str| {
        format!(
            "<Event><System><Provider Name=\"Microsoft-Windows-Security-Auditing\"/><EventID>5136</EventID><TimeCreated SystemTime=\"2026-11-20T09:15:01Z\"/></System><EventData><Data Name=\"SubjectUserName\">jo</Data><Data Name=\"SubjectDomainName\">CONTOSO</Data><Data Name=\"ObjectDN\">CN=Sales,DC=contoso,DC=com</Data><Data Name=\"ObjectGUID\">{{02647639-8626-43ce-afe6-7aa1ad657739}}</Data><Data Name=\"ObjectClass\">{class}</Data><Data Name=\"AttributeLDAPDisplayName\">member</Data><Data Name=\"AttributeValue\">{}</Data><Data Name=\"OperationType\">%%14675</Data></EventData></Event>",
            "ü".repeat(600)
        )
    };
    let all = ["group", "organizationalUnit", "user", "computer"].map(text).concat();
    let (events, summary) = read("dc.xml", all).unwrap();
    assert_eq!(events.len(), 2);
    let event = &events[0];
    assert_eq!(event.target_guid, ObjectGuid::parse("02647639-8626-43ce-afe6-7aa1ad657739"));
    let value = event.value.as_deref().unwrap();
    assert_eq!(value.strip_prefix("Value Deleted: ").unwrap().chars().count(), MAX_VALUE + 1);
    assert_eq!(event.member.as_deref().unwrap().chars().count(), 600);
    assert_eq!(summary.passed_over, BTreeMap::from([(5136, 2)]));
}

#[test]
fn other_events_are_counted() {
    let logon = EVENT.replace(">4756<", ">4624<");
    let other = EVENT.replace("Microsoft-Windows-Security-Auditing", "Somebody Else");
    let (events, summary) = read("dc.xml", [EVENT, &logon, &logon, &other].concat()).unwrap();
    assert_eq!((events.len(), summary.events), (1, 4));
    assert_eq!(summary.passed_over, BTreeMap::from([(4624, 2), (4756, 1)]));
}

#[test]
fn xml_that_is_refused() {
    for (what, text, line, says) in [
        ("empty", String::new(), 1, "no event"),
        ("no event", "<Events></Events>".to_owned(), 1, "no event"),
        ("cut", format!("{EVENT}\n{}", &EVENT[..200]), 2, "ends"),
        ("a page", "<html><body/></html>".to_owned(), 1, "<html>"),
        ("clixml", "<Objs Version=\"1.1.0.1\"></Objs>".to_owned(), 1, "<Objs>"),
        ("text between", format!("{EVENT}\nhello\n{EVENT}"), 1, "text outside"),
        ("no id", EVENT.replace("<EventID>4756</EventID>", ""), 1, "without an EventID"),
        ("an id that is none", EVENT.replace(">4756<", ">x<"), 1, "is no number"),
        ("a time that is none", EVENT.replace("2026-11-20T", "20.11."), 1, "is no time"),
        ("a SID that is none", EVENT.replace("S-1-5-21-1-2-3-1201", "S-1-x"), 1, "TargetSid"),
        ("no group", EVENT.replace("TargetSid", "A").replace("TargetUserName", "B"), 1, "TargetSid"),
        ("an entity", EVENT.replace("&amp;", "&evil;"), 1, "entity"),
        ("a document type", format!("<!DOCTYPE x>{EVENT}"), 1, "document type"),
    ] {
        let error = read("dc.xml", &text).expect_err(what);
        assert!(error.message.contains(says), "{what}: {error}");
        assert_eq!(error.place.as_ref().unwrap().line, Some(line), "{what}: {error}");
        assert!(!error.hints.is_empty() || what == "text between", "{what}: nothing says what to do");
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// As Windows PowerShell writes it.
fn exported(time: &str) -> String {
    format!(
        "#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\r\n\"Message\",\"Id\",\"Version\",\"RecordId\",\"ProviderName\",\"MachineName\",\"TimeCreated\"\r\n{},\"4756\",\"0\",\"81442\",\"Microsoft-Windows-Security-Auditing\",\"DC01.contoso.com\",\"{time}\"\r\n",
        quoted(MESSAGE)
    )
}

#[test]
fn every_form_of_table() {
    let (events, _) = read("dc.csv", exported("2026-11-20T10:15:01.0000000+01:00")).unwrap();
    assert_eq!(events, [expected()]);
    let bare = exported("2026-11-20T09:15:01Z").split_once("\r\n").unwrap().1.to_owned();
    assert_eq!(read("dc.csv", utf16(&bare)).unwrap().0, [expected()]);
    let semicolons = format!(
        "sep=;\nId;TimeCreated;MachineName;RecordId;Message\n4756;2026-11-20T09:15:01Z;DC01.contoso.com;81442;{}\n",
        quoted(MESSAGE)
    );
    assert_eq!(read("dc.csv", semicolons).unwrap().0, [expected()]);
    // Event Viewer: no head for the message, no record number, no computer, names in the place of SIDs.
    let viewer = format!(
        "\u{feff}Keywords,Date and Time,Source,Event ID,Task Category\r\nAudit Success,11/20/2026 10:15:01 AM,Microsoft-Windows-Security-Auditing,4756,Security Group Management,{}\r\nAudit Success,11/20/2026 10:16:00 AM,Microsoft-Windows-Security-Auditing,5136,Directory Service Changes,{}\r\n",
        quoted(&MESSAGE.replace("S-1-5-21-1-2-3-500", "CONTOSO\\Administrator")),
        quoted(MODIFIED)
    );
    let (events, summary) = read("dc.csv", &viewer).unwrap();
    assert_eq!(summary.zoneless, 2);
    assert_eq!(summary.problems("x").len(), 1);
    let first = SecurityEvent { computer: None, record: None, subject_sid: None, ..expected() };
    assert_eq!(events[0], SecurityEvent { time: utc("2026-11-20T10:15:01Z"), ..first.clone() });
    let second = &events[1];
    assert_eq!(second.subject_name.as_deref(), Some("CONTOSO\\jo"), "a value does not forge the subject");
    assert_eq!(second.target_dn.as_deref(), Some("CN=Sales,OU=GroupWriteback,DC=contoso,DC=com"));
    assert_eq!(second.attribute.as_deref(), Some("description"));
    assert_eq!(second.value.as_deref(), Some("Value Added: one"));
    // With its zone, the time is exact.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dc.csv");
    std::fs::write(&path, viewer).unwrap();
    let mut times = Vec::new();
    let summary = read_file(&path, FixedOffset::east_opt(3600), &mut |event| {
        times.push(event.time);
        Ok(())
    });
    assert_eq!((times[0], summary.unwrap().zoneless), (utc("2026-11-20T09:15:01Z"), 0));
}

#[test]
fn tables_that_are_refused() {
    let good = exported("2026-11-20T09:15:01Z");
    for (what, text, line, says) in [
        ("empty", String::new(), 1, "no columns"),
        ("other columns", "a,b\n1,2\n".to_owned(), 1, "no columns"),
        ("no rows", "Id,Message\n".to_owned(), 1, "no event"),
        ("an id that is none", "Id,Message\nx,y\n".to_owned(), 2, "is no number"),
        ("no message", "Id,Message\n4756,\n".to_owned(), 2, "without its message"),
        ("a short row", "Message,Id\nx\n".to_owned(), 2, "a row of 1 columns"),
        ("cut in a value", good[..good.len() - 200].to_owned(), 3, "cut"),
        (
            "another language",
            "Id,Message\n4756,\"Ein Mitglied wurde hinzugefügt.\n\nAntragsteller:\n\tSicherheits-ID: x\"\n".to_owned(),
            2,
            "not in English",
        ),
        (
            "no group",
            "Id,TimeCreated,Message\n4756,2026-11-20T09:15:01Z,\"x\n\nSubject:\n\tAccount Name: a\"\n".to_owned(),
            2,
            "TargetSid",
        ),
        ("no time", format!("Id,Message\n4756,{}\n", quoted(MESSAGE)), 2, "without its time"),
        ("two readings", exported("05/06/2026 10:15:01"), 3, "day or with the month first"),
        ("a time that is none", exported("soon"), 3, "is no time"),
    ] {
        let error = read("dc.csv", &text).expect_err(what);
        assert!(error.message.contains(says), "{what}: {error}");
        let at = error.place.as_ref().unwrap().line.unwrap();
        assert!(at >= line, "{what}: {error}");
        assert!(!error.hints.is_empty(), "{what}");
    }
    let error = read("dc.csv", b"Id,Message\n4756,\"M\xfcller\"\n").unwrap_err();
    assert!(error.message.contains("UTF-8"), "{error}");
    assert_eq!(error.place.unwrap().line, Some(2));
}

#[test]
fn times() {
    use time::{Order, Time, order};
    let local = |text: &str| Some(Time::Local(NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").unwrap()));
    for (text, of_file, want) in [
        ("2026-11-20T10:15:01+01:00", None, Some(Time::Utc(utc("2026-11-20T09:15:01Z")))),
        ("2026-11-20 10:15:01", None, local("2026-11-20T10:15:01")),
        ("20.11.2026 10:15:01", None, local("2026-11-20T10:15:01")),
        ("11/20/2026 10:15:01 PM", None, local("2026-11-20T22:15:01")),
        ("20/11/2026 10:15:01", None, local("2026-11-20T10:15:01")),
        ("11/05/2026 10:15:01 PM", Some(Order::MonthFirst), local("2026-11-05T22:15:01")),
        ("11/05/2026 10:15:01 PM", Some(Order::DayFirst), local("2026-05-11T22:15:01")),
        ("11/05/2026 10:15:01\u{202f}PM", None, local("2026-11-05T22:15:01")),
        ("11/05/2026 10:15:01 pm", None, None),
        ("11/05/2026 22:15:01", None, None),
        ("11/11/2026 22:15", None, local("2026-11-11T22:15:00")),
        ("soon", None, None),
        ("31/31/2026 10:15:01", None, None),
    ] {
        assert_eq!(Time::of_table(text, of_file), want, "{text}");
    }
    for (text, want) in [
        ("11/20/2026 1:00:00 AM", Some(Order::MonthFirst)),
        ("20/11/2026 01:00:00", Some(Order::DayFirst)),
        ("11/11/2026 01:00:00", None),
        ("20.11.2026 01:00:00", Some(Order::DayFirst)),
        ("32/33/2026 01:00:00", None),
        ("", None),
    ] {
        assert_eq!(order(text), want, "{text}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    /// What is written as XML and as a table comes back the same from both.
    #[test]
    fn both_forms_say_the_same(name in "[a-zA-Z0-9ü<&>\"',; ]{1,30}[a-z]", member in "CN=[a-zü\\\\,&<\" ]{1,40},DC=x", rid in 500u32..99999) {
        let (sid, dn) = (format!("S-1-5-21-7-8-9-{rid}"), member.trim().to_owned());
        let name = name.trim().to_owned();
        let xml = EVENT.replace("Sales", &escaped(&name)).replace("CN=Ruiz\\, Jo &amp; Co,OU=People,DC=contoso,DC=com", &escaped(&dn)).replace("S-1-5-21-1-2-3-1201", &sid);
        let table = exported("2026-11-20T09:15:01Z").replace("Sales", &name.replace('"', "\"\"")).replace("CN=Ruiz\\, Jo & Co,OU=People,DC=contoso,DC=com", &dn.replace('"', "\"\"")).replace("S-1-5-21-1-2-3-1201", &sid);
        let (of_xml, _) = read("a.xml", xml).unwrap();
        let (of_table, _) = read("a.csv", table).unwrap();
        prop_assert_eq!(of_xml[0].target_name.clone(), Some(name));
        prop_assert_eq!(of_xml, of_table);
    }
    #[test]
    fn spoilt_input_never_panics(at in 0usize..1400, byte in any::<u8>(), cut in 0usize..1400, xml in any::<bool>()) {
        let (name, text) = if xml { ("a.xml", EVENT.to_owned()) } else { ("a.csv", exported("11/20/2026 10:15:01 AM")) };
        let mut bytes = text.into_bytes();
        if let Some(b) = bytes.get_mut(at) { *b = byte; }
        let _ = read(name, &bytes);
        bytes.truncate(cut);
        let _ = read(name, &bytes);
    }
}
