//! Beyond the pinned controller: every controller and catalog, what each of them has, second carriers of an anchor.

use crate::directory::{ADMIN, HOST, ROOT, Template, start};
use crate::support::*;
use crate::world::{READER, World};
use groupshift::cutover::port::{Controller, Directory, STAMP};
use groupshift::directory::same_dn;

#[tokio::test]
async fn every_controller_and_catalog_is_asked_itself() {
    let Some(controller) = start(Template::World) else { return };
    let directory = signed_in(&controller, READER).await;
    let own = |catalog| Controller { host: HOST.to_owned(), catalog };
    assert_eq!(directory.controllers().await.unwrap(), [own(false), own(true)]);
    let (sales, stamped) = (guid_of(&controller, "Sales"), guid_of(&controller, "Stamped"));
    let nobody = groupshift::directory::ObjectGuid::from_u128(3);
    let anchor = World::v2().group("Stamped").anchor();
    for catalog in [false, true] {
        let stamps = directory.stamps_on(&own(catalog), &[sales, stamped, nobody, stamped]).await.unwrap();
        assert_eq!(stamps, [None, Some(anchor.clone()), None, Some(anchor.clone())], "catalog: {catalog}");
    }
    // More than one search asks for.
    let many: Vec<_> = std::iter::repeat_n([sales, stamped], 150).flatten().collect();
    let stamps = directory.stamps_on(&own(false), &many).await.unwrap();
    assert_eq!(stamps.iter().flatten().count(), 150);
    // A name that leads to another controller than it names.
    let error = directory.stamps_on(&Controller { host: "localhost".to_owned(), catalog: false }, &[sales]).await;
    let text = error.unwrap_err().to_string();
    assert!(text.contains("localhost") || text.contains("dc1.contoso.test answered in place of"), "{text}");
}

/// A controller that the forest knows and that does not answer is in the list, and asking it is an error.
#[tokio::test]
async fn a_controller_that_cannot_be_asked_shows() {
    let Some(mut controller) = start(Template::World) else { return };
    let sites = format!("CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,{ROOT}");
    let schema = format!("CN=Schema,CN=Configuration,{ROOT}");
    let mut ldif = String::new();
    for (name, dns, class, options) in [
        ("DC8", Some("dc8.contoso.test"), "nTDSDSA", 1),
        ("DC9", None, "nTDSDSA", 0),
        ("RODC", Some("rodc.contoso.test"), "nTDSDSARO", 1),
    ] {
        ldif += &format!("dn: CN={name},{sites}\nobjectClass: server\n");
        ldif += &dns.map(|dns| format!("dNSHostName: {dns}\n")).unwrap_or_default();
        ldif += &format!("\ndn: CN=NTDS Settings,CN={name},{sites}\nobjectClass: {class}\noptions: {options}\n");
        ldif += &format!("msDS-hasMasterNCs: {ROOT}\nhasMasterNCs: {ROOT}\ndMDLocation: {schema}\n\n");
    }
    load(&mut controller, &ldif, true);
    let directory = signed_in(&controller, ADMIN).await;
    let listed = directory.controllers().await.unwrap();
    let names: Vec<(&str, bool)> = listed.iter().map(|c| (c.host.as_str(), c.catalog)).collect();
    let dc8 = "dc8.contoso.test";
    // By host, letter case left aside; the one without a DNS name by its own, the read-only one not at all.
    assert_eq!(names, [(HOST, false), (HOST, true), (dc8, false), (dc8, true), ("DC9", false)]);
    let sales = guid_of(&controller, "Sales");
    let error = directory.stamps_on(&listed[listed.len() - 1], &[sales]).await.unwrap_err();
    assert!(!error.hints.is_empty(), "{error}");
}

#[tokio::test]
async fn second_carriers_of_an_anchor_are_found() {
    let Some(controller) = start(Template::World) else { return };
    let directory = signed_in(&controller, READER).await;
    let world = World::v2();
    let stamped = world.group("Stamped").anchor();
    // In another letter case it is the same anchor.
    let asked = [stamped.to_uppercase().replacen("GROUP_", "Group_", 1)];
    let found = directory.carriers(&asked).await.unwrap();
    let mut shown: Vec<(&str, &str, bool)> = found
        .iter()
        .map(|(a, c)| (a.as_str(), c.attribute.as_str(), same_dn(&c.dn, &world.group("Stamped").dn())))
        .collect();
    shown.sort_unstable();
    let anchor = asked[0].as_str();
    assert_eq!(
        shown,
        [(anchor, "adminDescription", false), (anchor, "adminDescription", true), (anchor, STAMP, true)],
        "the copy in another unit carries it too"
    );
    assert!(found.iter().all(|(_, c)| !c.guid.is_nil()));
    // Two groups with one stamp that belongs to neither; and so many anchors that they are read and not asked for.
    let other = "Group_00000000-0000-4000-8000-000000000099".to_owned();
    let many: Vec<String> =
        (0..60).map(|n| format!("Group_00000000-0000-4000-9000-{n:012}")).chain([other.clone()]).collect();
    for asked in [vec![other.clone()], many] {
        let found = directory.carriers(&asked).await.unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|(a, c)| *a == other && c.attribute == STAMP));
    }
    assert!(directory.carriers(&[]).await.unwrap().is_empty());
    // Without a configured catalog the forest's own is found and asked.
    let mut config = config_of(&controller, READER);
    config.settings.ad.global_catalog_url = None;
    let directory = groupshift::cutover::live::ad::LiveDirectory::connect(&config, None).await.unwrap();
    assert_eq!(directory.carriers(&[other]).await.unwrap().len(), 2);
}
