//! A domain that changes while it is read: the scan ends with what the domain is at its end.

use crate::support::*;
use crate::wire::{Act, Directory, Wire};
use groupshift::directory::inventory::AdClass;

type Change = (&'static str, fn(&mut Directory));

const CHANGES: &[Change] = &[
    ("a member leaves", |d| d.remove_member(&group_dn(3), &user_dn(21))),
    ("a member joins", |d| d.add_member(&group_dn(3), &user_dn(1))),
    ("a member is renamed", |d| d.rename(&user_dn(21), &format!("CN=Renamed,{PEOPLE}"))),
    ("a member is deleted", |d| d.delete(&user_dn(21))),
    ("a group is deleted", |d| d.delete(&group_dn(3))),
    ("a group is renamed", |d| d.rename(&group_dn(3), &format!("CN=Renamed,{OU}"))),
    ("a group is made", |d| d.create(group(50, [user_dn(2), user_dn(21)]))),
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
    ("an attribute changes", |d| {
        d.touch(&group_dn(3));
        *d.find_mut(&group_dn(3)).unwrap().values_mut("adminDescription") = vec![b"TakenOver_Group_x".to_vec()];
    }),
    ("a group moves into another", |d| d.add_member(&group_dn(2), &group_dn(3))),
];

/// Each change, at each point of the scan.
#[test]
fn the_result_is_the_domain_as_it_is_in_the_end() {
    each_at_each_point(|| {
        let mut directory = world(40, 8, 4);
        directory.max_page = 6;
        directory.max_values = Some(3);
        directory
    });
}

/// The same where everything comes in whole answers.
#[test]
fn the_same_without_pages() {
    each_at_each_point(|| at_once(40, 8, 4));
}

fn each_at_each_point(fresh: impl Fn() -> Directory) {
    for (name, change) in CHANGES {
        let mut nth = 2;
        loop {
            let wire = Wire::start(fresh());
            let mut count = 0;
            wire.on(move |request, directory| {
                count += u64::from(request.is_search());
                if count == nth && request.is_search() {
                    change(directory);
                }
                Act::Answer
            });
            let half = scan(&wire).unwrap_or_else(|e| panic!("{name}, at search {nth}: {e}"));
            let asked = wire.counts().searches;
            wire.on(|_, _| Act::Answer);
            let after = scan(&wire).unwrap();
            assert!(is_whole(&half), "{name}, at search {nth}: {:?}", half.parts);
            // What happens after the last look at the domain belongs to the next scan.
            if nth + 20 > asked {
                break;
            }
            let (ours, theirs) = (seen(&half.inventory), seen(&after.inventory));
            for (dn, now) in &theirs {
                assert_eq!(ours.get(dn), Some(now), "{name}, at search {nth}: {dn}");
            }
            assert_eq!(ours.len(), theirs.len(), "{name}, at search {nth}");
            assert!(half.inventory.ad.objects.iter().all(|o| o.class != AdClass::Missing), "{name}, at search {nth}");
            nth += 5;
        }
    }
}

/// A user signs in between any two requests: such a domain never rests, and is read all the same.
#[test]
fn a_busy_domain_is_read() {
    let wire = Wire::start(world(40, 8, 4));
    let mut next = 0;
    wire.on(move |_, directory| {
        next += 1;
        directory.touch(&user_dn(next % 40));
        Act::Answer
    });
    let half = scan(&wire).unwrap();
    assert!(is_whole(&half), "{:?}", half.parts);
    assert_eq!((half.inventory.ad.groups.len(), half.inventory.ad.members.total()), (8, 32));
}
