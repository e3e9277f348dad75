//! Searches that go well: pages, ranges, references, controls, filters over bytes.

use crate::support::{BASE, BOTH, connector, drain, groups};
use crate::wire::directory::guid;
use crate::wire::{Act, Directory, Object, Op, Wire};
use groupshift::directory::ObjectGuid;
use groupshift::ldap::{Control, Scope, SdParts, Search, escape, guid_filter};

#[tokio::test]
async fn pages_are_read_to_the_last() {
    for by in BOTH {
        for (count, pages) in [(0, 1), (1, 1), (10, 1), (11, 2), (35, 4)] {
            let wire = Wire::start(Directory::groups(count, 3));
            let (entries, end) = drain(by.to(&wire).await.search(groups())).await;
            let names: Vec<_> = entries.iter().map(|e| e.text("cn").unwrap().to_owned()).collect();
            assert_eq!(names, (0..count).map(|g| format!("g{g}")).collect::<Vec<_>>());
            let end = end.unwrap_or_else(|fault| panic!("{fault}"));
            let ending = end.ending().unwrap();
            assert_eq!((ending.entries, ending.pages), (count as u64, pages), "{count} groups");
            assert_eq!(wire.counts().next_pages, pages - 1);
        }
    }
}

#[tokio::test]
async fn values_are_bytes_in_the_order_sent() {
    for by in BOTH {
        let odd: [&[u8]; 6] = [b"\xff\xfe\x00", b"text", b"", "Gr\u{fc}n".as_bytes(), b"S-1-5-32-544", b"\x80"];
        let object = Object::new("CN=odd\\, \\\"x\\\" \\+ \\0A,DC=contoso,DC=test")
            .with("description", odd)
            .with("empty", [""; 0]);
        let wire = Wire::start(Directory::new(vec![Object::new(BASE), object.clone()]));
        let session = by.to(&wire).await;
        let found = session.all(Search::new(BASE, Scope::OneLevel, "(description=*)", &[])).await.unwrap().entries;
        assert_eq!(found[0].dn, object.dn);
        assert_eq!(found[0].values("DESCRIPTION"), odd.map(<[u8]>::to_vec));
        assert!(found[0].values("empty").is_empty() && found[0].attributes.len() == 2);
        // The same object by its name alone, and one that is not there.
        assert!(session.read(&object.dn, &["description"], vec![]).await.unwrap().is_some());
        assert!(session.read("CN=gone,DC=contoso,DC=test", &[], vec![]).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn long_lists_come_by_range() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(1, 3200));
        let session = by.to(&wire).await;
        let dn = "CN=g0,OU=GroupWriteback,DC=contoso,DC=test";
        let first = session.read(dn, &["member"], vec![]).await.unwrap().unwrap();
        assert!(first.values("member").is_empty());
        assert_eq!(first.values("member;range=0-1499").len(), 1500);
        let next = session.read(dn, &["member;range=1500-*"], vec![]).await.unwrap().unwrap();
        assert_eq!(next.values("member;range=1500-2999").len(), 1500);
        let last = session.read(dn, &["member;range=3000-*"], vec![]).await.unwrap().unwrap();
        assert_eq!(last.values("member;range=3000-*").len(), 200);
        // The other form: the whole list at once.
        wire.change(|d| d.max_values = None);
        assert_eq!(session.read(dn, &["member"], vec![]).await.unwrap().unwrap().values("member").len(), 3200);
    }
}

#[tokio::test]
async fn references_are_told_and_not_followed() {
    for by in BOTH {
        let url = "ldap://child.contoso.test/DC=child,DC=contoso,DC=test";
        let wire = Wire::start(Directory::groups(12, 1));
        wire.change(|d| d.references = vec![url.to_owned()]);
        let session = by.to(&wire).await;
        let (entries, end) = drain(session.search(groups())).await;
        assert_eq!(entries.len(), 12);
        assert_eq!(end.unwrap_or_else(|f| panic!("{f}")).ending().unwrap().referrals, [url]);
        let (_, end) = drain(session.search(groups().with(Control::DomainScope))).await;
        assert!(end.unwrap_or_else(|f| panic!("{f}")).ending().unwrap().referrals.is_empty());
        assert_eq!(wire.counts().connections, 1);
    }
}

#[tokio::test]
async fn every_control_goes_out_critical_and_an_unknown_one_is_an_error() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(1, 1));
        wire.on(|request, _| {
            assert!(request.controls.iter().all(|c| c.critical), "{request:?}");
            Act::Answer
        });
        let session = by.to(&wire).await;
        let all = [Control::SdFlags(SdParts::Dacl), Control::ShowDeleted, Control::ShowRecycled, Control::ExtendedDn];
        let search = all.into_iter().fold(groups(), Search::with);
        assert_eq!(session.all(search).await.unwrap().entries.len(), 1);
        wire.change(|d| d.controls.retain(|c| !c.ends_with(".801")));
        let fault = session.all(groups().with(Control::SdFlags(SdParts::Dacl))).await.unwrap_err();
        assert_eq!(fault.code, Some(12));
        assert!(fault.words.contains("does not support a control"), "{fault}");
    }
}

#[tokio::test]
async fn filters_find_bytes_and_escaped_text() {
    for by in BOTH {
        let name = "a*b(c)d\\e\u{fc}";
        let mut directory = Directory::groups(300, 0);
        directory.objects.push(Object::new("CN=odd,DC=contoso,DC=test").with("cn", [name]));
        let wire = Wire::start(directory);
        let session = by.to(&wire).await;
        for n in [0, 42, 255, 299] {
            let filter = guid_filter(ObjectGuid::from_ad_bytes(&guid(n)).unwrap());
            let found = session.all(Search::new(BASE, Scope::Subtree, &filter, &["cn"])).await.unwrap().entries;
            assert_eq!(found.iter().map(|e| e.text("cn").unwrap()).collect::<Vec<_>>(), [format!("g{n}")]);
        }
        for (filter, count) in [
            (format!("(cn={})", escape(name)), 1),
            ("(&(objectClass=group)(uSNChanged>=1200))".to_owned(), 100),
            ("(&(objectClass=group)(!(cn=g1*)))".to_owned(), 189),
            ("(|(cn=g1)(cn=G2)(cn=nobody))".to_owned(), 2),
            ("(cn=g*9)".to_owned(), 30),
        ] {
            let found = session.all(Search::new(BASE, Scope::Subtree, &filter, &["cn"])).await.unwrap();
            assert_eq!(found.entries.len(), count, "{filter}");
        }
    }
}

#[tokio::test]
async fn the_directory_may_change_between_two_pages() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(30, 1));
        wire.on(|request, directory| {
            if request.is_search() && request.page().is_some_and(|(_, cookie)| cookie == b"10") {
                directory.objects.retain(|o| !o.dn.starts_with("CN=g25,"));
            }
            Act::Answer
        });
        assert_eq!(by.to(&wire).await.all(groups()).await.unwrap().entries.len(), 29);
    }
}

#[tokio::test]
async fn the_root_and_the_account_are_told() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(1, 1));
        let session = by.to(&wire).await;
        let root = session.root_dse(&["defaultNamingContext"]).await.unwrap();
        assert_eq!(root.text("defaultNamingContext"), Some(BASE));
        assert_eq!(session.who_am_i().await.unwrap(), "u:CONTOSO\\svc@contoso.test");
        session.close().await;
    }
}

/// Whoever stops reading tells the server, and the connection serves the next search.
#[tokio::test]
async fn a_search_left_alone_is_abandoned() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(20_000, 2));
        wire.change(|d| d.max_page = 20_000);
        let mut connector = connector(&wire);
        connector.timeouts.answer = std::time::Duration::from_secs(20);
        let session = by.connect(&connector).await.unwrap();
        let mut pages = session.search(groups().page(20_000));
        assert!(pages.next().await.unwrap().is_some());
        drop(pages);
        let root = session.root_dse(&["dnsHostName"]).await.unwrap();
        assert_eq!(root.text("dnsHostName"), Some("dc1.contoso.test"));
        assert_eq!(wire.counts().abandoned, 1);
    }
}

#[tokio::test]
async fn searches_share_a_connection() {
    for by in BOTH {
        let wire = Wire::start(Directory::groups(95, 4));
        wire.on(|request, _| match &request.op {
            Op::Search { .. } if request.number % 3 == 0 => Act::Delay(std::time::Duration::from_millis(3)),
            _ => Act::Answer,
        });
        let session = by.to(&wire).await;
        let (a, b, c) =
            tokio::join!(session.all(groups()), session.all(groups().page(7)), session.all(groups().page(50)));
        for answer in [a, b, c] {
            assert_eq!(answer.unwrap().entries.len(), 95);
        }
        assert_eq!(wire.counts().connections, 1);
    }
}
