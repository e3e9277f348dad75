//! Connections side by side: never more than are allowed, the same bundle whichever is faster, and whole answers where the
//! server limits none.

use crate::support::*;
use crate::wire::directory::Filter;
use crate::wire::{Act, Directory, Op, Request, Wire};
use groupshift::collect::live::{Half, Wishes};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PAGED: &str = "1.2.840.113556.1.4.319";

/// With users in several partitions.
fn large() -> Directory {
    world(10_500, 60, 5)
}

fn with_connections(wire: &Wire, connections: u64) -> Half {
    let more = format!("connections = {connections}\nwriteback_ou = \"{OU}\"");
    scan_with(wire, &more, None, &Wishes::default()).unwrap()
}

#[test]
fn never_more_connections_than_allowed_and_always_the_same_bundle() {
    let mut bundles = Vec::new();
    for connections in [1, 2, 4] {
        let wire = Wire::start(large());
        let half = with_connections(&wire, connections);
        assert!(is_whole(&half), "{:?}", half.parts);
        let most = wire.counts().most_open;
        assert!(most <= connections && most >= connections.min(2), "{connections}: {:?}", wire.counts());
        bundles.push(digests(half));
    }
    assert!(bundles.windows(2).all(|pair| pair[0] == pair[1]));
}

/// One that broke is replaced by one, not by a second beside it.
#[test]
fn replaced_connections_count_too() {
    let wire = Wire::start(world(60, 30, 5));
    let mut asked = 0;
    wire.on(move |request, _| {
        asked += u64::from(request.is_search());
        if request.is_search() && [7, 11, 19, 30].contains(&asked) { Act::Hang } else { Act::Answer }
    });
    let half = with_connections(&wire, 3);
    assert!(is_whole(&half));
    let counts = wire.counts();
    assert!(counts.connections > 3 && counts.most_open <= 3, "{counts:?}");
}

fn asks_for(request: &Request, attribute: &str) -> bool {
    matches!(&request.op, Op::Search { attributes, .. } if attributes.iter().any(|a| a == attribute))
}

/// A part of the work that takes longer than all others.
type Slow = (&'static str, fn(&Request) -> bool);

const SLOW: &[Slow] = &[
    ("nothing", |_| false),
    ("members", |r| asks_for(r, "member")),
    ("listings", |r| asks_for(r, "uSNCreated")),
    ("surroundings", |r| asks_for(r, "lDAPDisplayName") || asks_for(r, "systemFlags")),
    ("the first connection", |r| r.connection == 1),
    ("the second connection", |r| r.connection == 2),
];

#[test]
fn the_bundle_is_the_same_whichever_connection_is_faster() {
    for directory in [world(40, 30, 5), at_once(40, 30, 5)] {
        let wire = Wire::start(directory);
        let mut bundles = Vec::new();
        for (name, slow) in SLOW {
            wire.on(|request, _| if slow(request) { Act::Delay(Duration::from_millis(60)) } else { Act::Answer });
            bundles.push((name, digests(with_connections(&wire, 3))));
        }
        for (name, bundle) in &bundles[1..] {
            assert_eq!(bundle, &bundles[0].1, "{name}");
        }
    }
}

/// Whether each search below the domain asked for pages, in the order of requests.
fn watched(wire: &Wire) -> Arc<Mutex<Vec<bool>>> {
    let paged = Arc::new(Mutex::new(Vec::new()));
    let noted = paged.clone();
    wire.on(move |request, _| {
        let read = asks_for(request, "uSNCreated") || asks_for(request, "objectSid");
        // The accounts of controllers are looked for apart.
        let of_a_sort = |filter: &Filter| !format!("{filter:?}").contains("primaryGroupID");
        if read && matches!(&request.op, Op::Search { base, filter, .. } if base == DOMAIN && of_a_sort(filter)) {
            noted.lock().unwrap().push(request.control(PAGED).is_some());
        }
        Act::Answer
    });
    paged
}

#[test]
fn a_server_without_limits_is_asked_for_whole_answers() {
    // More than a page would hold.
    let (users, groups) = (1_300, 700);
    let wire = Wire::start(at_once(users, groups, 3));
    let paged = watched(&wire);
    let half = scan(&wire).unwrap();
    assert!(is_whole(&half), "{:?}", half.parts);
    assert_eq!(*paged.lock().unwrap(), [false; 4], "two listings, groups, users");
    let by_pages = Wire::start({
        let mut directory = at_once(users, groups, 3);
        directory.root = directory.root.with("supportedLDAPPolicies", ["MaxPageSize"]);
        directory
    });
    let paged = watched(&by_pages);
    let the_other = scan(&by_pages).unwrap();
    assert!(paged.lock().unwrap().iter().all(|paged| *paged), "{paged:?}");
    assert_eq!(half.inventory.ad.groups.len(), groups);
    assert_eq!(digests(half), digests(the_other));
}

/// What was read before the server said that it is too much does not come twice.
#[test]
fn a_server_that_limits_without_saying_so_is_read_in_pages() {
    let wire = Wire::start(Directory { max_page: 7, ..at_once(130, 70, 3) });
    let whole = Wire::start(at_once(130, 70, 3));
    assert_eq!(digests(scan(&wire).unwrap()), digests(scan(&whole).unwrap()));
    // Once is enough to know.
    let paged = watched(&wire);
    scan(&wire).unwrap();
    let paged = paged.lock().unwrap();
    assert!(paged.iter().filter(|paged| !**paged).count() <= 4 && paged.iter().any(|paged| *paged), "{paged:?}");
}

/// A large domain is counted in pages, and what is then known to be small is asked for at once.
#[test]
fn partitions_of_a_large_domain_come_at_once_where_the_server_limits_none() {
    let mut directory = world(1_300, 700, 3).without_limits();
    *directory.root.values_mut("highestCommittedUSN") = vec![b"1000000".to_vec()];
    let wire = Wire::start(directory);
    let paged = watched(&wire);
    let half = scan(&wire).unwrap();
    assert!(is_whole(&half));
    let paged = paged.lock().unwrap();
    assert_eq!(paged.iter().filter(|paged| !**paged).count(), 2, "groups and users: {paged:?}");
    assert_eq!(paged.iter().filter(|paged| **paged).count(), 3, "two pages of users and one of groups are listed");
}

/// Every request in turn is answered by a part of its answer and the end of the connection.
#[test]
fn a_whole_answer_cut_anywhere_is_asked_for_again() {
    let wire = Wire::start(at_once(60, 30, 5));
    let whole = digests(scan(&wire).unwrap());
    let mut cuts = 0;
    for after in [0, 1, 300, 2_000, 5_000] {
        for nth in 3.. {
            let (count, cut) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
            let (counting, cutting) = (count.clone(), cut.clone());
            wire.on(move |request, _| {
                let due = counting.fetch_add(u64::from(request.is_search()), Ordering::SeqCst) + 1 == nth;
                if !due || !request.is_search() {
                    return Act::Answer;
                }
                cutting.store(1, Ordering::SeqCst);
                Act::Cut(after)
            });
            let half = scan(&wire).unwrap_or_else(|e| panic!("search {nth}, after {after} bytes: {e}"));
            assert!(is_whole(&half), "search {nth}, after {after} bytes");
            assert_eq!(digests(half), whole, "search {nth}, after {after} bytes");
            cuts += cut.load(Ordering::SeqCst);
            if count.load(Ordering::SeqCst) < nth {
                break;
            }
        }
    }
    assert!(cuts > 40, "only {cuts} cuts");
}

/// One of two parts that are read at the same time breaks each time: an error, whatever the other brings.
#[test]
fn a_part_that_never_comes_is_an_error_though_the_others_came() {
    for (name, broken) in &SLOW[1..3] {
        for directory in [world(40, 30, 5), at_once(40, 30, 5)] {
            let wire = Wire::start(directory);
            wire.on(|request, _| if broken(request) { Act::Cut(100) } else { Act::Answer });
            let error = scan(&wire).err().unwrap_or_else(|| panic!("whole without its {name}"));
            assert!(error.to_string().contains("ldaps://127.0.0.1") && !error.hints.is_empty(), "{name}: {error}");
        }
    }
}
