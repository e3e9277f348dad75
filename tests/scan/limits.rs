//! What a controller does not give at once: long lists, large pages, hidden things.

use crate::support::*;
use crate::wire::{Act, Op, Wire};
use groupshift::collect::live::Wishes;
use groupshift::directory::inventory::Completeness;

#[test]
fn a_domain_is_read_whole_and_the_certificate_says_so() {
    let wire = Wire::start(world(40, 30, 5));
    let half = scan(&wire).unwrap();
    assert!(is_whole(&half), "{:?}", half.parts);
    let ad = &half.inventory.ad;
    assert_eq!((ad.groups.len(), ad.members.total()), (30, 150));
    assert!(half.inventory.problems.is_empty(), "{:?}", half.inventory.problems);
    let part = |name: &str| half.parts.iter().find(|p| p.partition == name).unwrap();
    assert_eq!((part("groups").expected, part("groups").read), (Some(30), 30));
    assert_eq!((part("users and other members").expected, part("users and other members").read), (Some(40), 40));
    assert_eq!(part("access lists").read, 31, "the container's and each group's");
    assert!(ad.objects.iter().filter(|o| o.group != u32::MAX).all(|o| o.security != u32::MAX));
    let controller = ad.environment.controller.as_ref().unwrap();
    assert_eq!((controller.dns_name.as_str(), controller.highest_committed_usn), ("dc1.contoso.test", 100_000));
    assert!(!ad.environment.partial && !ad.environment.global_catalog_searched);
    assert!(half.not_looked_at.iter().any(|l| l.starts_with("Global Catalog")), "{:?}", half.not_looked_at);
}

#[test]
fn a_list_of_60000_members_comes_in_ranges_and_is_whole() {
    let mut directory = world(20, 3, 4);
    // Members of another domain, which nobody looks up here.
    let many = (0..60_000).map(|n| format!("CN=Someone with a name {n},OU=Elsewhere,DC=fabrikam,DC=test"));
    directory.objects.push(group(9, many));
    let wire = Wire::start(directory);
    let half = scan(&wire).unwrap();
    assert!(is_whole(&half), "{:?}", half.parts);
    let ad = &half.inventory.ad;
    assert_eq!(ad.members.total(), 60_000 + 12);
    assert!(ad.groups.iter().all(|g| g.members == Completeness::Complete));
    let lists = half.parts.iter().find(|p| p.partition == "member lists").unwrap();
    assert_eq!((lists.read, lists.values_by_range), (60_012, 60_000));
}

#[test]
fn ranges_end_right_at_every_length() {
    for length in [1_499, 1_500, 1_501, 2_999, 3_000, 3_001, 4_500] {
        let mut directory = world(1, 0, 0);
        directory.objects.push(group(0, (0..length).map(|n| format!("CN={n},DC=fabrikam,DC=test"))));
        let half = scan(&Wire::start(directory)).unwrap();
        assert_eq!(half.inventory.ad.members.row(0).len(), length, "{length}");
        assert!(is_whole(&half), "{length}");
    }
}

#[test]
fn a_list_that_changes_between_its_ranges_is_read_anew() {
    let mut directory = world(5, 1, 1);
    directory.max_values = Some(100);
    directory.objects.push(group(9, (0..450).map(|n| format!("CN=m{n},DC=fabrikam,DC=test"))));
    let wire = Wire::start(directory);
    let mut once = true;
    wire.on(move |request, directory| {
        let ranged = matches!(&request.op, Op::Search { attributes, .. } if attributes.iter().any(|a| a == "member;range=200-*"));
        if ranged && std::mem::take(&mut once) {
            // The first value goes: what stood at 200 stands at 199 now, and would be passed over.
            directory.remove_member(&group_dn(9), "CN=m0,DC=fabrikam,DC=test");
        }
        Act::Answer
    });
    let half = scan(&wire).unwrap();
    assert!(is_whole(&half));
    let fresh = scan(&wire).unwrap();
    assert_eq!(seen(&half.inventory), seen(&fresh.inventory));
    assert_eq!(half.inventory.ad.members.total(), 450);
}

#[test]
fn a_list_that_never_rests_is_an_error() {
    let mut directory = world(5, 1, 1);
    directory.max_values = Some(100);
    directory.objects.push(group(9, (0..450).map(|n| format!("CN=m{n},DC=fabrikam,DC=test"))));
    let wire = Wire::start(directory);
    wire.on(|request, directory| {
        if matches!(&request.op, Op::Search { attributes, .. } if attributes.iter().any(|a| a.starts_with("member;range="))) {
            directory.touch(&group_dn(9));
        }
        Act::Answer
    });
    let error = scan(&wire).err().unwrap();
    assert!(error.to_string().contains("CN=g9,") && error.to_string().contains("changed each time"), "{error}");
}

#[test]
fn small_pages_of_the_server_are_only_more_pages() {
    let mut directory = world(250, 120, 3);
    directory.max_page = 7;
    let wire = Wire::start(directory);
    let half = scan(&wire).unwrap();
    assert!(is_whole(&half));
    assert_eq!((half.inventory.ad.groups.len(), half.inventory.ad.members.total()), (120, 360));
    assert!(wire.counts().next_pages > 80, "{:?}", wire.counts());
}

#[test]
fn large_sorts_are_cut_into_partitions_that_add_up() {
    let wire = Wire::start(world(11_000, 10, 3));
    let half = scan(&wire).unwrap();
    let pieces: Vec<_> =
        half.parts.iter().filter(|p| p.partition.starts_with("users") && p.partition.contains("uSN")).collect();
    assert_eq!(pieces.len(), 2, "{:?}", half.parts);
    assert!(pieces.iter().all(|p| p.expected == Some(p.read) && p.read > 5_000));
    assert_eq!(pieces.iter().map(|p| p.read).sum::<u64>(), 11_000);
    assert!(is_whole(&half));
}

#[test]
fn members_that_the_account_may_not_see_are_said() {
    let mut directory = world(5, 1, 2);
    directory.add_member(&group_dn(0), "CN=Hidden,OU=Secret,DC=contoso,DC=test");
    let half = scan(&Wire::start(directory)).unwrap();
    let lists = half.parts.iter().find(|p| p.partition == "member lists").unwrap();
    assert_eq!(lists.hidden, ["members of groups: 1 (CN=Hidden,OU=Secret,DC=contoso,DC=test)"]);
    assert_eq!(half.inventory.ad.members.row(0).len(), 3, "and they stay members");
}

#[test]
fn access_lists_that_are_hidden_are_said() {
    let mut directory = world(5, 3, 2);
    directory.find_mut(&group_dn(1)).unwrap().attributes.retain(|(name, _)| name != "nTSecurityDescriptor");
    let half = scan(&Wire::start(directory)).unwrap();
    let lists = half.parts.iter().find(|p| p.partition == "access lists").unwrap();
    assert_eq!(lists.hidden, [format!("the access lists of groups: 1 ({})", group_dn(1))]);
    assert!(is_whole(&half), "what is hidden is said, and is no shortfall");
}

#[test]
fn names_with_every_special_character_stay_apart() {
    let names = [
        "Smith\\, John",
        "a\\+b",
        "q\\\"q",
        "back\\\\slash",
        "\\<angle\\>",
        "semi\\;colon",
        "equal\\=s",
        "\\#hash",
        "\\ lead",
        "trail\\ ",
        "Zoë (Köln)*",
        "line\\0Aend",
    ];
    let mut directory = world(1, 0, 0);
    for (n, name) in names.iter().enumerate() {
        directory.objects.push(user_called(&format!("CN={name},{PEOPLE}"), 100 + n));
    }
    directory.objects.push(group(0, names.iter().map(|n| format!("CN={n},{PEOPLE}"))));
    let half = scan(&Wire::start(directory)).unwrap();
    assert_eq!(half.inventory.ad.members.row(0).len(), names.len());
    assert!(half.inventory.problems.is_empty(), "{:?}", half.inventory.problems);
}

#[test]
fn binary_garbage_in_a_text_attribute_names_the_object() {
    let mut directory = world(5, 3, 2);
    *directory.find_mut(&group_dn(1)).unwrap().values_mut("adminDescription") = vec![vec![0xff, 0xfe, 0x00]];
    let error = scan(&Wire::start(directory)).err().unwrap();
    let text = error.to_string();
    assert!(text.contains(&group_dn(1)) && text.contains("binary") && !text.contains(":0:"), "{text}");
}

#[test]
fn a_container_that_is_not_there_is_said_at_once() {
    let wire = Wire::start(world(5, 3, 2));
    let error =
        scan_with(&wire, "writeback_ou = \"OU=Nope,DC=contoso,DC=test\"", None, &Wishes::default()).err().unwrap();
    assert!(error.to_string().contains("OU=Nope"), "{error}");
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn another_domain_than_the_configured_one_is_refused() {
    let wire = Wire::start(world(5, 3, 2));
    let error = scan_with(&wire, "[cloud_sync]\ndomain = \"fabrikam.test\"", None, &Wishes::default()).err().unwrap();
    assert!(error.to_string().contains("contoso.test") && error.to_string().contains("fabrikam.test"), "{error}");
}

#[test]
fn replication_metadata_is_kept_raw_and_only_for_audits() {
    let mut directory = world(5, 3, 2);
    directory.max_values = Some(3);
    let group = directory.find_mut(&group_dn(1)).unwrap();
    *group.values_mut("msDS-ReplAttributeMetaData") = vec![b"<DS_REPL_ATTR_META_DATA/>\0".to_vec()];
    *group.values_mut("msDS-ReplValueMetaData") = (0..8).map(|n| format!("<V n=\"{n}\"/>").into_bytes()).collect();
    let wire = Wire::start(directory);
    assert!(scan(&wire).unwrap().raw.is_empty());
    let half = scan_with(&wire, "", None, &Wishes { audit: true, ..Wishes::default() }).unwrap();
    let part = half.parts.iter().find(|p| p.partition == "replication metadata").unwrap();
    assert_eq!((part.expected, part.read), (Some(3), 1));
    assert_eq!(part.hidden.len(), 1, "{:?}", part.hidden);
    let dir = tempfile::tempdir().unwrap();
    let base = save(half, &dir.path().join("b"));
    let mut records = Vec::new();
    let file = base.dir.join(groupshift::bundle::files::AD_METADATA);
    groupshift::bundle::read::blocks(&file, |block| {
        records.extend(block);
        true
    })
    .unwrap();
    let metadata: groupshift::collect::live::ad::Metadata = serde_json::from_slice(&records).unwrap();
    assert_eq!((metadata.dn, metadata.attributes.len(), metadata.values.len()), (group_dn(1), 1, 8));
    assert_eq!(metadata.attributes, ["<DS_REPL_ATTR_META_DATA/>"]);
}
