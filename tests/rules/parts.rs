//! Any subset of the input: what is missing is unknown, never pass, and never a crash.

use crate::support::{G, World};
use crate::table::{Found, Open, Silent, subject, told, world};

#[test]
fn ad_only() {
    let outcome = world(|w| {
        w.groups = None;
        w.users = None;
        w.deleted = None;
        w.files.clear();
    });
    let group = subject(&outcome).unwrap();
    assert_eq!(
        (group["objectId"].as_str(), group["verdict"].as_str(), group["members"].as_u64()),
        (Some(G), Some("review"), Some(2))
    );
    for rule in
        ["C01", "C05", "C06", "C11", "C34", "C20", "C21", "C22", "C23", "C24", "C25", "C26", "C27", "C29", "C30", "C35"]
    {
        assert_eq!(told(&outcome, rule), Open, "{rule}");
    }
    // What AD alone tells is told.
    for rule in ["C08", "C10", "C15", "C16", "C17", "C38", "C39"] {
        assert_eq!(told(&outcome, rule), Silent, "{rule}");
    }
    assert_eq!(told(&outcome, "C14"), Found);
    for gate in outcome.json["gates"].as_array().unwrap() {
        assert_ne!(gate["status"], "pass", "{gate:#}");
    }
}

#[test]
fn entra_only() {
    let outcome = world(|w| {
        w.ad = None;
        w.files.clear();
    });
    let group = subject(&outcome).unwrap();
    assert!(group["dn"].is_null());
    assert_eq!((group["verdict"].as_str(), told(&outcome, "C41")), (Some("review"), Open));
    for gate in ["E1", "E3", "E4", "E6", "E9", "E13", "C37"] {
        assert_eq!(outcome.status(gate), "unknown", "{gate}");
    }
}

#[test]
fn users_only_and_deleted_only() {
    let outcome = world(|w| {
        w.groups = None;
        w.deleted = None;
    });
    assert_eq!(told(&outcome, "C11"), Open, "users do not say that a group is gone");
    let outcome = world(|w| w.groups = None);
    assert_eq!(told(&outcome, "C11"), Open, "a list of deleted groups does not say that a group is gone");
}

#[test]
fn connect_only() {
    let mut world = World::default();
    world.server("sync01", |_| {});
    let outcome = world.run();
    assert_eq!((outcome.groups().len(), outcome.status("E9"), outcome.status("C19")), (0, "pass", "unknown"));
    assert_eq!(outcome.json["bundle"]["writebackContainer"], crate::support::OU);
}

#[test]
fn nothing() {
    let error = World::default().assess().err().unwrap();
    assert!(error.to_string().contains("nothing to read"), "{error}");
}

/// An empty list of groups is a list: the anchors lead nowhere.
#[test]
fn an_empty_list_is_no_missing_list() {
    let outcome = world(|w| w.groups = Some(Vec::new()));
    assert_eq!(told(&outcome, "C11"), Found);
}
