//! The generator against the program's own collector: what is written is what is read, and both sides agree.

use super::plan::{Fault, Member, UserKind};
use super::{Form, Plan, Size, Summary, generate};
use groupshift::collect::offline::{Collected, Wishes, collect};
use groupshift::directory::inventory::{AdClass, EntraKind, Tri};
use groupshift::directory::{Anchor, ObjectGuid};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use tempfile::TempDir;

const SIZE: Size = Size { groups: 3000, memberships: 60_000, users: 5000, seed: 7 };

fn made(size: Size, form: Form) -> (TempDir, Plan, Summary) {
    let dir = TempDir::new().unwrap();
    let plan = Plan::new(size).unwrap();
    let summary = generate(&plan, &dir.path().join("export"), form).unwrap();
    (dir, plan, summary)
}

fn read(dir: &Path) -> Collected {
    collect(&dir.join("export"), &Wishes { domain: Some("contoso.com".into()), ..Wishes::default() }, &mut |_, _| {})
        .unwrap()
}

#[test]
fn the_collector_reads_what_was_written() {
    for form in [Form::default(), Form { json_lines: true, no_cloud_sync: true }] {
        let (dir, plan, summary) = made(SIZE, form);
        let Collected { inventory, certificate, .. } = read(dir.path());
        assert!(certificate.complete, "{:?}", certificate.parts);
        assert!(inventory.problems.is_empty(), "{:?}", inventory.problems);
        assert_eq!(inventory.ad.groups.len() as u64, summary.ad.groups);
        assert_eq!(inventory.ad.members.total() as u64, summary.ad.memberships);
        assert_eq!(inventory.entra.groups.len() as u64, summary.entra.groups);
        assert_eq!(inventory.entra.members.total() as u64, summary.entra.memberships);
        assert_eq!(inventory.entra.users.len() as u64, SIZE.users);
        let missing = inventory.ad.objects.iter().filter(|o| o.class == AdClass::Missing).count();
        assert_eq!(missing, 0, "members that no entry describes");
        assert_eq!(inventory.ad.environment.recycle_bin, Some(true));
        assert_eq!(inventory.entra.tenant.group_writeback, Some(true));
        let orphaned: u64 = plan.groups().filter(|g| g.fault == Some(Fault::Orphan)).map(|g| g.members).sum();
        assert_eq!(summary.entra.memberships + orphaned, SIZE.memberships);
        assert_eq!(inventory.cloud_sync.jobs.is_none(), form.no_cloud_sync);
        if let Some(assignments) = &inventory.cloud_sync.assignments {
            assert_eq!(assignments.len() as u64, SIZE.groups - summary.faulty);
        }
    }
}

/// Members of an AD group and of its Entra group, in terms of the Entra side, must be equal but for drift.
#[test]
fn both_sides_agree_but_where_they_are_to_differ() {
    let (dir, plan, _) = made(SIZE, Form::default());
    let Collected { inventory, .. } = read(dir.path());
    let by_guid: HashMap<ObjectGuid, u32> =
        inventory.ad.objects.iter().enumerate().map(|(i, o)| (o.guid, i as u32)).collect();
    let row_of: HashMap<ObjectGuid, usize> =
        inventory.entra.groups.iter().enumerate().map(|(row, g)| (inventory.entra_object(g).id, row)).collect();
    let mut seen: BTreeMap<Option<Fault>, u64> = BTreeMap::new();
    for group in plan.groups() {
        *seen.entry(group.fault).or_default() += 1;
        let entra = row_of.get(&ObjectGuid::from_u128(group.id));
        let ad =
            by_guid.get(&ObjectGuid::from_u128(group.guid)).map(|i| inventory.ad.objects[*i as usize].group as usize);
        assert_eq!(entra.is_none(), group.fault == Some(Fault::Orphan));
        assert_eq!(ad.is_none(), group.fault == Some(Fault::NoAdObject));
        let (Some(&entra), Some(ad)) = (entra, ad) else { continue };
        let text = |t| inventory.text.get(t).unwrap_or("").to_owned();
        let ad_group = inventory.ad.groups[ad];
        let anchor = Anchor(ObjectGuid::from_u128(group.id)).to_string();
        assert_eq!(
            text(ad_group.admin_description) == anchor,
            !matches!(group.fault, Some(Fault::NoAnchor | Fault::MalformedAnchor))
        );
        let edoi = text(ad_group.edoi);
        match group.fault {
            Some(Fault::OtherEdoi | Fault::DuplicateEdoi | Fault::UserEdoi) => {
                assert!(!edoi.is_empty() && edoi != anchor);
            }
            Some(Fault::NoAnchor) => assert_eq!(edoi, ""),
            _ => assert_eq!(edoi, if group.stamped { anchor } else { String::new() }),
        }
        assert_eq!(inventory.entra.groups[entra].deleted, group.fault == Some(Fault::SoftDeleted));
        assert_eq!(inventory.entra.groups[entra].synced.is_true(), group.fault == Some(Fault::Synced));
        assert_eq!(
            inventory.entra.groups[entra].unified.is_true(),
            matches!(group.fault, Some(Fault::Unified | Fault::UnifiedSecurity))
        );
        assert_eq!(
            inventory.entra.groups[entra].writeback.is_enabled == Tri::False,
            group.fault == Some(Fault::Disabled)
        );
        let expected: BTreeSet<u32> = plan
            .members(&group)
            .filter_map(|member| match member {
                Member::User(u) if plan.user(u).kind == UserKind::CloudOnly => None,
                Member::User(u) => Some(plan.user(u).guid),
                Member::Group(g) => Some(plan.group(g, 0).guid),
                Member::SyncedGroup(s) => Some(plan.synced_group(s).1),
                Member::Device(_) => None,
            })
            .map(|guid| by_guid[&ObjectGuid::from_u128(guid)])
            .collect();
        let actual: BTreeSet<u32> = inventory.ad.members.row(ad).iter().copied().collect();
        let (missing, extra) = (expected.difference(&actual).count(), actual.difference(&expected).count());
        match group.fault {
            Some(Fault::DriftMissing) => assert!(missing == usize::from(!expected.is_empty()) && extra == 0),
            Some(Fault::DriftExtra) => assert_eq!((missing, extra), (0, 1)),
            _ => assert_eq!((missing, extra), (0, 0), "{group:?}"),
        }
        let members = inventory.entra.members.row(entra);
        assert_eq!(members.len() as u64, group.members, "{group:?}: members are all different");
        let devices =
            members.iter().filter(|m| inventory.entra.objects[**m as usize].kind == EntraKind::Device).count();
        assert_eq!(devices, usize::from(group.fault == Some(Fault::DeviceMember) && group.members > 0));
    }
    let faulty: u64 = seen.iter().filter(|(fault, _)| fault.is_some()).map(|(_, count)| count).sum();
    assert!((100..200).contains(&faulty), "about 5 % of {}: {faulty}", SIZE.groups);
    assert_eq!(seen.len(), Fault::ALL.len() + 1, "every fault occurs: {seen:?}");
}

#[test]
fn sizes_have_a_heavy_tail_and_add_up() {
    for size in [
        SIZE,
        Size { groups: 20_000, memberships: 1_000_000, users: 100_000, seed: 1 },
        Size { groups: 1, memberships: 5, users: 16, seed: 3 },
        Size { groups: 50, memberships: 0, users: 16, seed: 3 },
    ] {
        let plan = Plan::new(size).unwrap();
        let mut sizes: Vec<u64> = plan.groups().map(|g| g.members).collect();
        let total: u64 = sizes.iter().sum();
        assert!(total.abs_diff(size.memberships) <= 1, "{total} of {}", size.memberships);
        sizes.sort_unstable();
        if size.groups > 1000 {
            let (median, largest) = (sizes[sizes.len() / 2], sizes[sizes.len() - 1]);
            let mean = total / size.groups;
            assert!(median < mean && largest > 20 * mean, "median {median}, mean {mean}, largest {largest}");
        }
    }
    for impossible in [
        Size { groups: 0, ..SIZE },
        Size { users: 3, ..SIZE },
        Size { groups: 10, memberships: 1_000_000, users: 100, seed: 1 },
    ] {
        assert!(Plan::new(impossible).is_err(), "{impossible:?}");
    }
}

#[test]
fn one_seed_one_tenant() {
    let files = |seed| {
        let (dir, ..) = made(Size { groups: 200, memberships: 2000, users: 300, seed }, Form::default());
        let mut out = BTreeMap::new();
        for part in ["ad", "entra", "cloudsync"] {
            for entry in std::fs::read_dir(dir.path().join("export").join(part)).unwrap() {
                let path = entry.unwrap().path();
                out.insert(path.file_name().unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
        out
    };
    let one = files(1);
    assert_eq!(one.len(), 13);
    assert!(one == files(1) && one != files(2));
}

#[test]
fn lines_are_folded_as_ldapsearch_folds_them() {
    let (dir, ..) = made(Size { groups: 200, memberships: 2000, users: 300, seed: 1 }, Form::default());
    let groups = std::fs::read_to_string(dir.path().join("export/ad/groups.ldf")).unwrap();
    assert!(groups.lines().all(|line| line.len() <= 76 && line.is_ascii()));
    assert!(groups.contains("\n ") && groups.contains("member:: ") && groups.contains("\\, "));
}

#[test]
fn what_is_there_is_not_written_over() {
    let (dir, plan, _) = made(Size { groups: 2, memberships: 10, users: 300, seed: 1 }, Form::default());
    assert!(generate(&plan, &dir.path().join("export"), Form::default()).is_err());
}
