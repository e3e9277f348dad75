//! An incremental scan gives what a full one gives, after each kind of change.

use crate::support::*;
use crate::wire::directory::guid;
use crate::wire::{Act, Directory, Op, Wire};
use groupshift::collect::live::Wishes;

type Change = (&'static str, fn(&mut Directory));

const CHANGES: &[Change] = &[
    ("nothing", |_| {}),
    ("a member joins", |d| d.add_member(&group_dn(3), &user_dn(1))),
    ("a member leaves", |d| d.remove_member(&group_dn(3), &user_dn(21))),
    ("a member is renamed", |d| d.rename(&user_dn(21), &format!("CN=Renamed,{PEOPLE}"))),
    ("a member is deleted", |d| d.delete(&user_dn(21))),
    ("a group is deleted", |d| d.delete(&group_dn(3))),
    ("a group is renamed", |d| d.rename(&group_dn(3), &format!("CN=Renamed,{OU}"))),
    ("a nested group is renamed", |d| d.rename(&group_dn(7), &format!("CN=Renamed,{OU}"))),
    ("a group is made", |d| d.create(group(50, [user_dn(2), group_dn(3)]))),
    ("the members' container is renamed", |d| d.rename_container(PEOPLE, "OU=Staff,DC=contoso,DC=test")),
    ("the groups' container is renamed", |d| d.rename_container(OU, "OU=Groups,DC=contoso,DC=test")),
    ("a user is made and joins", |d| {
        d.create(user(60));
        d.add_member(&group_dn(3), &user_dn(60));
    }),
    ("a member is deleted and made anew under its name", |d| {
        d.delete(&user_dn(21));
        d.create(user_called(&user_dn(21), 61));
    }),
    ("two members swap their names", |d| {
        d.rename(&user_dn(21), &format!("CN=between,{PEOPLE}"));
        d.rename(&user_dn(22), &user_dn(21));
        d.rename(&format!("CN=between,{PEOPLE}"), &user_dn(22));
    }),
    ("a deleted member comes back from the Recycle Bin", |d| {
        // Its links come back with it; the group's sequence number does not move.
        let mut back = user(39);
        *back.values_mut("memberOf") = vec![group_dn(2).into_bytes()];
        d.create(back);
        d.find_mut(&group_dn(2)).unwrap().values_mut("member").push(user_dn(39).into());
    }),
    ("an access list is inherited anew", |d| {
        d.tick();
        let list = d.find_mut(&group_dn(3)).unwrap().values_mut("nTSecurityDescriptor");
        list[0][2] = 0;
    }),
    ("an attribute changes", |d| {
        d.touch(&group_dn(3));
        *d.find_mut(&group_dn(3)).unwrap().values_mut("adminDescription") = vec![b"TakenOver_Group_x".to_vec()];
    }),
];

fn start() -> Directory {
    let mut directory = world(40, 8, 4);
    directory.objects.retain(|o| o.dn != user_dn(39));
    directory.objects.iter_mut().for_each(|o| o.values_mut("member").retain(|m| m != user_dn(39).as_bytes()));
    directory.objects.iter_mut().for_each(|o| o.attributes.retain(|(_, v)| !v.is_empty()));
    directory.find_mut(&group_dn(4)).unwrap().values_mut("member").push(group_dn(7).into());
    directory
}

fn files(base: &groupshift::collect::live::Base) -> Vec<(String, String)> {
    base.manifest.files.iter().map(|f| (f.name.clone(), f.sha256.clone())).collect()
}

#[test]
fn the_bundle_is_that_of_a_full_scan() {
    for (name, change) in CHANGES {
        let wire = Wire::start(start());
        let dir = tempfile::tempdir().unwrap();
        let base = save(scan(&wire).unwrap(), &dir.path().join("base"));
        wire.change(change);
        let full = save(scan(&wire).unwrap(), &dir.path().join("full"));
        let increment =
            save(scan_with(&wire, "", Some(&base), &Wishes::default()).unwrap(), &dir.path().join("increment"));
        assert_eq!(files(&increment), files(&full), "{name}");
        assert!(increment.manifest.certificate.complete);
    }
}

/// Member lists of groups that did not change are not asked for.
#[test]
fn only_what_changed_is_read() {
    let wire = Wire::start(start());
    let dir = tempfile::tempdir().unwrap();
    let base = save(scan(&wire).unwrap(), &dir.path().join("base"));
    wire.change(|d| d.add_member(&group_dn(3), &user_dn(1)));
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = asked.clone();
    wire.on(move |request, _| {
        if let Op::Search { filter, attributes, .. } = &request.op
            && attributes.iter().any(|a| a == "member")
        {
            noted.lock().unwrap().push(format!("{filter:?}"));
        }
        Act::Answer
    });
    scan_with(&wire, "", Some(&base), &Wishes::default()).unwrap();
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].contains("uSNChanged"), "{asked:?}");
}

#[test]
fn a_bundle_that_will_not_do_means_a_full_scan_with_the_reason() {
    let wire = Wire::start(start());
    let dir = tempfile::tempdir().unwrap();
    let base = save(scan(&wire).unwrap(), &dir.path().join("base"));
    let full = seen(&scan(&wire).unwrap().inventory);
    // Restored from a backup: its sequence numbers begin anew.
    wire.change(|d| {
        let settings = d.objects.iter_mut().find(|o| !o.values("invocationId").is_empty()).unwrap();
        *settings.values_mut("invocationId") = vec![guid(78).to_vec()];
        d.find_mut(&group_dn(3)).unwrap().values_mut("member").clear();
        d.find_mut(&group_dn(3)).unwrap().attributes.retain(|(_, v)| !v.is_empty());
    });
    let half = scan_with(&wire, "", Some(&base), &Wishes::default()).unwrap();
    assert_ne!(seen(&half.inventory), full, "what the former bundle says of a group's members is not used");
    assert_eq!(seen(&half.inventory), seen(&scan(&wire).unwrap().inventory));
}
