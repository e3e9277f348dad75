//! Guarded writes: they succeed only on what they expect to find, and say so when they do not.

use crate::support::session;
use crate::wire::{Act, Directory, Wire, ber, message};
use groupshift::ldap::{Change, FaultKind};

const EDOI: &str = "msDS-ExternalDirectoryObjectId";
const DN: &str = "CN=g0,OU=GroupWriteback,DC=contoso,DC=test";

fn add(value: &str) -> Change {
    Change::Add { attribute: EDOI.to_owned(), values: vec![value.as_bytes().to_vec()] }
}
fn delete(value: &str) -> Change {
    Change::Delete { attribute: EDOI.to_owned(), values: vec![value.as_bytes().to_vec()] }
}

#[tokio::test]
async fn a_write_finds_what_it_expects_or_does_nothing() {
    let wire = Wire::start(Directory::groups(1, 1));
    let session = session(&wire).await;
    let held = async || session.read(DN, &[EDOI], vec![]).await.unwrap().unwrap().text(EDOI).map(str::to_owned);
    session.modify(DN, &[add("Group_1")], &[]).await.unwrap();
    let taken = session.modify(DN, &[add("Group_2")], &[]).await.unwrap_err();
    assert_eq!((taken.kind, taken.code), (FaultKind::Guard, Some(20)));
    assert_eq!(taken.object.as_deref(), Some(DN));
    let gone = session.modify(DN, &[delete("Group_9"), add("Group_2")], &[]).await.unwrap_err();
    assert_eq!((gone.kind, gone.code), (FaultKind::Guard, Some(16)));
    assert_eq!(held().await.as_deref(), Some("Group_1"));
    session.modify(DN, &[delete("Group_1"), add("Group_2")], &[]).await.unwrap();
    assert_eq!(held().await.as_deref(), Some("Group_2"));
    let missing = session.modify("CN=gone,DC=contoso,DC=test", &[add("x")], &[]).await.unwrap_err();
    assert!(missing.is_missing());
}

#[tokio::test]
async fn a_rename_and_a_new_object_are_seen() {
    let wire = Wire::start(Directory::groups(2, 1));
    let session = session(&wire).await;
    session.rename(DN, "CN=renamed", None).await.unwrap();
    let renamed = "CN=renamed,OU=GroupWriteback,DC=contoso,DC=test";
    assert!(session.read(renamed, &["cn"], vec![]).await.unwrap().is_some());
    session.rename(renamed, "CN=renamed", Some("DC=contoso,DC=test")).await.unwrap();
    assert!(session.read("CN=renamed,DC=contoso,DC=test", &[], vec![]).await.unwrap().is_some());
    let attributes = [("objectClass".to_owned(), vec![b"group".to_vec()])];
    session.add("CN=new,DC=contoso,DC=test", &attributes).await.unwrap();
    let again = session.add("CN=new,DC=contoso,DC=test", &attributes).await.unwrap_err();
    assert_eq!(again.code, Some(68));
}

/// The answer to a write that got lost leaves its outcome open, and the fault does not say otherwise.
#[tokio::test]
async fn a_write_whose_answer_is_lost_is_no_success() {
    for (act, kind) in
        [(0, FaultKind::ConnectionLost), (1, FaultKind::Timeout), (2, FaultKind::Protocol), (3, FaultKind::Busy)]
    {
        let wire = Wire::start(Directory::groups(1, 1));
        wire.on(move |request, _| match (&request.op, act) {
            (message::Op::Modify { .. }, 0) => Act::Cut(3),
            (message::Op::Modify { .. }, 1) => Act::Silence,
            (message::Op::Modify { .. }, 2) => Act::Bytes(message::message(request.id, ber::element(0x67, b""), &[])),
            (message::Op::Modify { .. }, _) => Act::Result(51, "busy"),
            _ => Act::Answer,
        });
        let fault = session(&wire).await.modify(DN, &[add("Group_1")], &[]).await.unwrap_err();
        assert_eq!(fault.kind, kind, "{fault}");
        assert_eq!(fault.object.as_deref(), Some(DN));
    }
}
