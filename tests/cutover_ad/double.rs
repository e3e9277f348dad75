//! Against the double: lists that Active Directory cuts, servers that are busy, answers that get lost or make no sense.

use crate::support::{add, config, delete, refused};
use crate::wire::message::message;
use crate::wire::{Act, Directory as Objects, Op, PASSWORD, USER, Wire, ber};
use groupshift::cutover::live::ad::LiveDirectory;
use groupshift::cutover::port::{Change, Directory, Refusal, STAMP};
use groupshift::directory::ObjectGuid;
use groupshift::ldap::Timeouts;
use std::time::Duration;

async fn connected(wire: &Wire) -> LiveDirectory {
    let ad = format!(
        "[ad]\nurl = \"{}\"\nuser = \"{USER}\"\nca_file = '{}'\n",
        wire.url("ldaps"),
        wire.tls.ca_file.display()
    );
    let config = config(wire.folder(), &ad, PASSWORD);
    let ad = &config.settings.ad;
    let mut connector = groupshift::ldap::Connector::new(ad, || Ok(PASSWORD.into())).unwrap();
    connector.timeouts = Timeouts { connect: Duration::from_secs(10), answer: Duration::from_millis(700) };
    LiveDirectory::over(&config, connector).await.unwrap()
}

fn guid(n: usize) -> ObjectGuid {
    ObjectGuid::from_ad_bytes(&crate::wire::directory::guid(n)).unwrap()
}

#[tokio::test]
async fn a_list_that_the_controller_cuts_is_read_to_its_end() {
    let wire = Wire::start(Objects::groups(3, 4_000));
    let directory = connected(&wire).await;
    let dn = |n: usize| format!("CN=g{n},OU=GroupWriteback,DC=contoso,DC=test");
    for state in directory.read(&[guid(0), guid(2)]).await.unwrap() {
        let state = state.unwrap();
        assert_eq!(state.values("member").len(), 4_000, "{}", state.dn);
        assert!(state.attributes.keys().all(|name| !name.contains(';')), "{:?}", state.attributes.keys());
    }
    assert_eq!(directory.find(&dn(1)).await.unwrap().unwrap().values("member").len(), 4_000);
    // The group changes while its ranges are read: what comes out is what it is in the end.
    let mut asked = 0;
    wire.on(move |request, objects| {
        if let Op::Search { attributes, .. } = &request.op
            && attributes.iter().any(|a| a.starts_with("member;range="))
        {
            asked += 1;
            if asked == 2 {
                let group = objects.find_mut(&dn(0)).unwrap();
                group.values_mut("member").remove(5);
                *group.values_mut("uSNChanged") = vec![b"9999".to_vec()];
            }
        }
        Act::Answer
    });
    let state = directory.read(&[guid(0)]).await.unwrap().remove(0).unwrap();
    assert_eq!((state.values("member").len(), state.text("uSNChanged")), (3_999, Some("9999")));
}

/// Each answer that says nothing leaves the write in doubt, and it is sent once.
#[tokio::test]
async fn what_was_sent_and_not_answered_is_not_sent_again() {
    for act in 0..4 {
        let wire = Wire::start(Objects::groups(1, 1));
        let directory = connected(&wire).await;
        wire.on(move |request, _| match (&request.op, act) {
            (Op::Modify { .. }, 0) => Act::Cut(3),
            (Op::Modify { .. }, 1) => Act::Silence,
            (Op::Modify { .. }, 2) => Act::Bytes(message(request.id, ber::element(0x67, b""), &[])),
            (Op::Modify { .. }, _) => Act::Hang,
            _ => Act::Answer,
        });
        assert_eq!(refused(directory.modify(guid(0), &[add(STAMP, "Group_1")]).await), Refusal::Doubt, "{act}");
        assert_eq!(wire.counts().writes, 1, "{act}");
        // And the port serves on.
        assert!(directory.read(&[guid(0)]).await.unwrap()[0].is_some(), "{act}");
    }
}

#[tokio::test]
async fn a_busy_controller_is_waited_for_and_then_said_to_be_busy() {
    let wire = Wire::start(Objects::groups(1, 1));
    let directory = connected(&wire).await;
    let mut left = 2;
    wire.on(move |request, _| match &request.op {
        Op::Modify { .. } if left > 0 => {
            left -= 1;
            Act::Result(51, "0000208E: SvcErr: DSID-02080495, problem 5001 (BUSY), data 0")
        }
        _ => Act::Answer,
    });
    directory.modify(guid(0), &[add(STAMP, "Group_1")]).await.unwrap();
    assert_eq!(wire.counts().writes, 3);
    wire.on(|request, _| if matches!(request.op, Op::Modify { .. }) { Act::Result(51, "busy") } else { Act::Answer });
    assert_eq!(refused(directory.modify(guid(0), &[delete(STAMP, "Group_1")]).await), Refusal::Busy);
    // Reading is waited for too.
    let mut left = 3;
    wire.on(move |request, _| match request.is_search() && left > 0 {
        true => {
            left -= 1;
            Act::Result(52, "")
        }
        false => Act::Answer,
    });
    assert_eq!(directory.read(&[guid(0)]).await.unwrap()[0].as_ref().unwrap().stamp(), Some("Group_1"));
}

/// Codes that stand for several reasons are told apart by looking at the object.
#[tokio::test]
async fn each_refusal_is_told_for_what_it_is() {
    let (there, member) = ("Group_1", "CN=u0,OU=Users,DC=contoso,DC=test");
    let stamp = |value: &str| vec![add(STAMP, value)];
    let cases: Vec<(i64, &'static str, Vec<Change>, Refusal)> = vec![
        (20, "00002083: AtrErr", stamp("Group_2"), Refusal::Guard),
        (19, "00002081: AtrErr", stamp("Group_2"), Refusal::Guard),
        (19, "", stamp("Group_2"), Refusal::Guard),
        (19, "00002082: a range", vec![add("info", "x")], Refusal::Other),
        (16, "", vec![delete(STAMP, "Group_9")], Refusal::Guard),
        // The schema has no such attribute.
        (16, "", vec![add("info", "x")], Refusal::Other),
        (53, "", vec![delete("member", "CN=u9,OU=Users,DC=contoso,DC=test")], Refusal::Guard),
        (53, "00000561: SvcErr", vec![delete("member", "CN=u9,OU=Users,DC=contoso,DC=test")], Refusal::Guard),
        (53, "", vec![delete("member", member)], Refusal::Other),
        (53, "00002145: SvcErr", vec![add("member", "CN=x,DC=contoso,DC=test")], Refusal::Other),
        (68, "00000562: UpdErr", vec![add("member", member)], Refusal::Guard),
        (50, "00002098: SecErr", stamp("Group_2"), Refusal::Right),
        (32, "0000208D: NameErr", vec![add("member", "CN=x,DC=contoso,DC=test")], Refusal::Other),
        (10, "0000202B: RefErr", stamp("Group_2"), Refusal::Other),
        (12, "", stamp("Group_2"), Refusal::Other),
        (80, "", stamp("Group_2"), Refusal::Other),
    ];
    let wire = Wire::start(Objects::groups(1, 1));
    let directory = connected(&wire).await;
    directory.modify(guid(0), &stamp(there)).await.unwrap();
    for (code, said, changes, expected) in cases {
        wire.on(move |request, _| match &request.op {
            Op::Modify { .. } => Act::Result(code, said),
            _ => Act::Answer,
        });
        let before = wire.counts().writes;
        let fault = directory.modify(guid(0), &changes).await.unwrap_err();
        assert_eq!(fault.refusal, expected, "{code} {said}: {}", fault.error);
        assert!(fault.error.to_string().contains(&format!("LDAP result {code}")), "{}", fault.error);
        assert_eq!(wire.counts().writes, before + 1, "{code} {said}");
    }
    wire.on(|_, _| Act::Answer);
    assert_eq!(refused(directory.modify(guid(8), &stamp("Group_2")).await), Refusal::Missing);
}

/// A controller with a read-only copy is no one to write to.
#[tokio::test]
async fn a_read_only_controller_is_refused_before_anything() {
    let mut objects = Objects::groups(1, 1);
    objects.root = objects.root.with("supportedCapabilities", ["1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1920"]);
    let wire = Wire::start(objects);
    let ad = format!(
        "[ad]\nurl = \"{}\"\nuser = \"{USER}\"\nca_file = '{}'\n",
        wire.url("ldaps"),
        wire.tls.ca_file.display()
    );
    let config = config(wire.folder(), &ad, PASSWORD);
    let error = LiveDirectory::connect(&config, None).await.err().unwrap();
    assert!(error.to_string().contains("read-only") && !error.hints.is_empty(), "{error}");
}
