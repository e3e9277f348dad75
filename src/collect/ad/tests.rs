use super::*;
use crate::collect::ldif::Reader;

fn load(text: &str) -> Result<(Inventory, AdFinished)> {
    let mut reader = Reader::new(std::io::Cursor::new(text.as_bytes().to_vec()), Path::new("x.ldf"));
    let (mut prepared, mut builder, mut inventory) = (Prepared::default(), AdBuilder::default(), Inventory::default());
    while reader.next(&mut prepared.entry)? {
        prepared.make_ready(builder.keys());
        builder.add(&mut inventory, &prepared, Path::new("x.ldf"))?;
    }
    let finished = builder.finish(&mut inventory);
    Ok((inventory, finished))
}

#[test]
fn ranges_join_across_entries() {
    for (ranges, complete) in [
        (&["0-1", "2-*"][..], true),
        (&["2-*", "0-1"], true),
        (&["0-1"], false),
        (&["0-1", "3-*"], false),
        (&["0-*"], true),
    ] {
        let mut text = String::new();
        for (i, r) in ranges.iter().enumerate() {
            text.push_str(&format!("dn: CN=g,DC=x\nobjectClass: group\nmember;range={r}: CN=u{i},DC=x\n\n"));
        }
        let (inventory, finished) = load(&text).unwrap();
        assert_eq!(inventory.ad.groups[0].members == Completeness::Complete, complete, "{ranges:?}");
        assert_eq!(inventory.ad.members.row(0).len(), ranges.len());
        assert_eq!(finished.partial.is_empty(), complete);
        assert_eq!(finished.values_by_range, ranges.len() as u64);
    }
}

#[test]
fn names_are_one_object_however_spelt() {
    let (inventory, _) = load(
        "dn: CN=g,DC=x\nobjectClass: group\nmember: cn=Smith\\2C John,dc=X\nmember: CN=gone,DC=x\n\ndn: CN=Smith\\, John,DC=x\nobjectClass: user\nobjectGUID:: AAECAwQFBgcICQoLDA0ODw==\n\n",
    )
    .unwrap();
    assert_eq!(inventory.ad.objects.len(), 3);
    let member = inventory.ad.members.row(0)[0];
    assert_eq!(inventory.dn(member), "CN=Smith\\, John,DC=x");
    assert_eq!(inventory.ad.objects[member as usize].class, AdClass::User);
    assert_eq!(inventory.problems.len(), 1);
    assert_eq!(inventory.problems[0].object, "CN=gone,DC=x");
}

#[test]
fn an_empty_value_names_nobody_and_shifts_no_name() {
    let (inventory, _) = load(
        "dn: CN=g,DC=x\nobjectClass: group\nmember:\nmemberOf:\nmember: CN=a,DC=x\nmemberOf: CN=p,DC=x\nmember: CN=b,DC=x\n\n\
         dn: CN=h,DC=x\nobjectClass: group\nmember: CN=b,DC=x\n\n",
    )
    .unwrap();
    let named = |ids: &[u32]| ids.iter().map(|id| inventory.dn(*id).to_owned()).collect::<Vec<_>>();
    let ad = &inventory.ad;
    assert_eq!(named(ad.members.row(0)), ["CN=a,DC=x", "CN=b,DC=x"]);
    assert_eq!(named(ad.member_of.row(0)), ["CN=p,DC=x"]);
    assert_eq!(named(ad.members.row(1)), ["CN=b,DC=x"]);
}

#[test]
fn the_recycle_bin_is_known_by_the_partitions_that_name_it() {
    for (feature, known) in [("CN=Recycle Bin Feature,CN=Optional Features", Some(true)), ("CN=Other,CN=y", None)] {
        let (inventory, _) = load(&format!("dn: CN=Partitions,DC=x\nmsDS-EnabledFeature: {feature}\n\n")).unwrap();
        assert_eq!(inventory.ad.environment.recycle_bin, known, "{feature}");
    }
}

#[test]
fn contradictions_are_reported_with_the_object() {
    let (inventory, _) = load(
        "dn: CN=g,DC=x\nobjectClass: group\ngroupType: 8\nobjectGUID:: AAECAwQFBgcICQoLDA0ODw==\n\ndn: cn=G,dc=x\nobjectClass: group\ngroupType: 2\n\ndn: CN=h,DC=x\nobjectClass: group\nobjectGUID:: AAECAwQFBgcICQoLDA0ODw==\n\ndn: CN=h,DC=x\nobjectClass: group\n\n",
    )
    .unwrap();
    let kinds: Vec<_> =
        inventory.problems.iter().map(|p| (p.kind.as_str(), p.detail.contains("differently"))).collect();
    assert_eq!(kinds, [("duplicate-dn", true), ("duplicate-dn", false), ("duplicate-guid", false)]);
    assert!(inventory.ad.groups[0].conflict && inventory.ad.groups[1].conflict);
    assert_eq!(inventory.ad.groups[0].group_type, Some(GroupType(8)));
}

#[test]
fn refused_values_name_line_and_dn() {
    for (attribute, what) in [
        ("objectGUID:: AAEC", "16 bytes"),
        ("objectSid: S-2-1", "security identifier"),
        ("groupType: eight", "32-bit"),
        ("member: nobody", "distinguished name"),
        ("adminDescription:: /////w==", "binary"),
    ] {
        let error = load(&format!("dn: CN=g,DC=x\nobjectClass: group\n{attribute}\n\n")).err().unwrap();
        assert!(error.message.contains(what), "{error}");
        assert_eq!(error.to_string().split(": ").take(2).collect::<Vec<_>>(), ["x.ldf:3", "CN=g,DC=x"]);
    }
}

#[test]
fn the_domain_is_read_too() {
    let (inventory, finished) = load(
        "dn: CN=Schema,CN=Configuration,DC=contoso,DC=com\nobjectClass: dMD\nobjectVersion: 88\n\ndn: CN=Recycle Bin Feature,CN=Optional Features,CN=x,DC=contoso,DC=com\nobjectClass: msDS-OptionalFeature\nmsDS-OptionalFeatureGUID:: AAEC\n\ndn: CN=DC1,OU=Domain Controllers,DC=contoso,DC=com\nobjectClass: computer\nuserAccountControl: 532480\noperatingSystem: Windows Server 2022 Standard\ndNSHostName: dc1.contoso.com\n\n",
    )
    .unwrap();
    let environment = &inventory.ad.environment;
    assert_eq!((environment.schema_version, environment.recycle_bin), (Some(88), Some(false)));
    assert_eq!(environment.domain_controllers[0].name, "dc1.contoso.com");
    assert_eq!(finished.domains.keys().collect::<Vec<_>>(), ["contoso.com"]);
}
