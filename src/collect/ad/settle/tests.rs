use super::*;
use crate::collect::ldif::Entry;

/// An entry as a server gives it: its GUID from a number, and the rest.
fn entry(dn: &str, guid: u8, values: &[(&str, &str)]) -> Prepared {
    let mut entry = Entry::named(dn);
    entry.push("objectGUID", &[guid; 16]);
    for (name, value) in values {
        entry.push(name, value.as_bytes());
    }
    let mut prepared = Prepared { entry, ..Prepared::default() };
    prepared.make_ready(KEYS.with(|k| *k));
    prepared
}

thread_local! {
    static KEYS: crate::collect::ad::NameKeys = crate::collect::ad::NameKeys::default();
}

fn guid(n: u8) -> ObjectGuid {
    ObjectGuid::from_ad_bytes(&[n; 16]).unwrap()
}

struct World(AdBuilder, Inventory);

impl World {
    fn new() -> Self {
        World(
            AdBuilder { numbers: crate::collect::ad::names::Numbers::of(KEYS.with(|k| *k)), ..AdBuilder::default() },
            Inventory::default(),
        )
    }
    fn add(&mut self, entry: Prepared) -> &mut Self {
        self.0.add(&mut self.1, &entry, Path::new("x")).unwrap();
        self
    }
    fn refresh(&mut self, n: u8, entry: Prepared) -> &mut Self {
        self.0.refresh(&mut self.1, &entry, guid(n), Path::new("x")).unwrap();
        self
    }
    /// Every group with its members, by name.
    fn seen(mut self) -> Vec<(String, Vec<String>)> {
        self.0.settle(&mut self.1);
        self.0.finish(&mut self.1);
        let i = &self.1;
        assert!(i.ad.objects.iter().all(|o| o.group == NONE || i.ad.groups[o.group as usize].object != NONE));
        let name = |id: &u32| i.dn(*id).to_owned();
        let groups = i.ad.groups.iter().enumerate();
        groups.map(|(row, g)| (name(&g.object), i.ad.members.row(row).iter().map(name).collect())).collect()
    }
}

fn group(dn: &str, n: u8, members: &[&str]) -> Prepared {
    let mut values = vec![("objectClass", "group")];
    values.extend(members.iter().map(|m| ("member", *m)));
    entry(dn, n, &values)
}

fn user(dn: &str, n: u8) -> Prepared {
    entry(dn, n, &[("objectClass", "user")])
}

fn want(groups: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    groups.iter().map(|(g, m)| (g.to_string(), m.iter().map(|m| m.to_string()).collect())).collect()
}

#[test]
fn the_order_is_that_of_the_names() {
    let forwards = {
        let mut w = World::new();
        w.add(group("CN=b,DC=x", 1, &["CN=u,DC=x", "CN=a,DC=x"]))
            .add(group("CN=a,DC=x", 2, &[]))
            .add(user("CN=u,DC=x", 3));
        w.seen()
    };
    let backwards = {
        let mut w = World::new();
        w.add(user("CN=u,DC=x", 3)).add(group("CN=a,DC=x", 2, &[])).add(group(
            "CN=b,DC=x",
            1,
            &["CN=a,DC=x", "CN=u,DC=x"],
        ));
        w.seen()
    };
    assert_eq!(forwards, want(&[("CN=a,DC=x", &[]), ("CN=b,DC=x", &["CN=a,DC=x", "CN=u,DC=x"])]));
    assert_eq!(forwards, backwards);
}

#[test]
fn a_newer_description_replaces_the_older() {
    let mut w = World::new();
    w.add(group("CN=g,DC=x", 1, &["CN=u,DC=x"])).add(user("CN=u,DC=x", 2)).add(user("CN=v,DC=x", 3));
    w.refresh(1, group("CN=g,DC=x", 1, &["CN=v,DC=x"]));
    assert_eq!(w.1.problems.len(), 0);
    assert_eq!(w.seen(), want(&[("CN=g,DC=x", &["CN=v,DC=x"])]));
}

#[test]
fn a_renamed_member_stays_the_same_member() {
    let mut w = World::new();
    w.add(group("CN=g,DC=x", 1, &["CN=u,DC=x"])).add(user("CN=u,DC=x", 2));
    // Another group was read after the member had got its new name.
    w.add(group("CN=h,DC=x", 3, &["CN=new,DC=x"])).refresh(2, user("CN=new,DC=x", 2));
    assert_eq!(w.seen(), want(&[("CN=g,DC=x", &["CN=new,DC=x"]), ("CN=h,DC=x", &["CN=new,DC=x"])]));
}

#[test]
fn a_renamed_group_keeps_its_row() {
    let mut w = World::new();
    w.add(group("CN=g,DC=x", 1, &["CN=u,DC=x"])).add(user("CN=u,DC=x", 2)).add(group("CN=p,DC=x", 3, &["CN=g,DC=x"]));
    w.refresh(1, group("CN=a,DC=x", 1, &[]));
    assert_eq!(w.seen(), want(&[("CN=a,DC=x", &[]), ("CN=p,DC=x", &["CN=a,DC=x"])]));
}

#[test]
fn what_is_deleted_takes_its_links_along() {
    let mut w = World::new();
    w.add(group("CN=g,DC=x", 1, &["CN=u,DC=x", "CN=h,DC=x"])).add(user("CN=u,DC=x", 2)).add(group("CN=h,DC=x", 3, &[]));
    w.0.gone(&w.1, guid(2));
    w.0.gone(&w.1, guid(3));
    assert_eq!(w.seen(), want(&[("CN=g,DC=x", &[])]));
}

#[test]
fn a_name_that_went_over_makes_its_groups_doubtful() {
    let mut w = World::new();
    w.add(group("CN=g,DC=x", 1, &["CN=u,DC=x"])).add(user("CN=u,DC=x", 2)).add(group("CN=other,DC=x", 4, &[]));
    // u was deleted, and another user made under its name.
    w.refresh(9, user("CN=u,DC=x", 9));
    w.0.gone(&w.1, guid(2));
    assert_eq!(w.0.doubtful_groups(&w.1), [guid(1)]);
    w.refresh(1, group("CN=g,DC=x", 1, &["CN=u,DC=x"]));
    assert!(w.0.doubtful_groups(&w.1).is_empty());
    let seen = w.seen();
    assert_eq!(seen, want(&[("CN=g,DC=x", &["CN=u,DC=x"]), ("CN=other,DC=x", &[])]));
}

#[test]
fn two_objects_that_swap_their_names() {
    let mut w = World::new();
    w.add(group("CN=g,DC=x", 1, &["CN=a,DC=x"])).add(user("CN=a,DC=x", 2)).add(user("CN=b,DC=x", 3));
    w.refresh(2, user("CN=b,DC=x", 2)).refresh(3, user("CN=a,DC=x", 3));
    assert_eq!(w.0.doubtful_groups(&w.1), [guid(1)]);
    w.refresh(1, group("CN=g,DC=x", 1, &["CN=b,DC=x"]));
    w.0.settle(&mut w.1);
    let member = w.1.ad.members.row(0)[0];
    assert_eq!((w.1.dn(member), w.1.ad.objects[member as usize].guid), ("CN=b,DC=x", guid(2)));
    assert_eq!(w.1.ad.objects.len(), 3);
}

#[test]
fn names_without_an_entry_are_listed() {
    let mut w = World::new();
    w.add(group("CN=g,DC=x", 1, &["CN=u,DC=x", "CN=v,DC=x"])).add(user("CN=u,DC=x", 2));
    let missing = w.0.undescribed(&w.1);
    assert_eq!(missing.iter().map(|id| w.1.dn(*id)).collect::<Vec<_>>(), ["CN=v,DC=x"]);
    assert_eq!(w.0.groups_naming(&w.1, |id| id == missing[0]), [guid(1)]);
    w.refresh(1, group("CN=g,DC=x", 1, &["CN=u,DC=x"]));
    assert!(w.0.undescribed(&w.1).is_empty());
    w.0.settle(&mut w.1);
    assert_eq!(w.1.ad.objects.len(), 2, "a name that nothing mentions any more is no object");
}

#[test]
fn members_can_be_adopted() {
    let mut w = World::new();
    w.add(group("CN=g,DC=x", 1, &[])).add(user("CN=u,DC=x", 2));
    let (g, u) = (w.0.known(&w.1, guid(1)).unwrap(), w.0.known(&w.1, guid(2)).unwrap());
    let row = w.1.ad.objects[g as usize].group;
    w.0.adopt_members(row, vec![u]);
    assert_eq!(w.seen(), want(&[("CN=g,DC=x", &["CN=u,DC=x"])]));
}
