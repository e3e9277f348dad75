//! Objects whole, and the look at both sides.

use crate::directory::{ADMIN, HOST, ROOT, Template, start};
use crate::support::*;
use crate::world::{OU, READER, World};
use groupshift::collect::live::{Note, ad};
use groupshift::cutover::live::ad::LiveObserver;
use groupshift::cutover::port::{Directory, Observer};
use groupshift::directory::{ObjectGuid, same_dn};
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn an_object_is_read_as_ldapsearch_shows_it() {
    let Some(controller) = start(Template::World) else { return };
    let directory = signed_in(&controller, ADMIN).await;
    let there = told(&controller, ROOT, "(objectClass=group)");
    let mut guids: Vec<ObjectGuid> =
        there.values().map(|a| ObjectGuid::from_ad_bytes(&a["objectGUID"][0]).unwrap()).collect();
    let nobody = ObjectGuid::from_u128(7);
    guids.insert(1, nobody);
    let read = directory.read(&guids).await.unwrap();
    assert_eq!(read.len(), guids.len());
    assert!(read[1].is_none(), "there is no such object");
    let mut seen = 0;
    for (guid, state) in guids.iter().zip(&read).filter(|(g, _)| **g != nobody) {
        let state = state.as_ref().unwrap();
        assert_eq!(state.guid, *guid);
        let shown = &there[&state.dn];
        let names: Vec<&String> = shown.keys().collect();
        assert_eq!(state.attributes.keys().collect::<Vec<_>>(), names, "{}", state.dn);
        for (name, values) in shown {
            assert_eq!(&state.attributes[name], values, "{}: {name}", state.dn);
        }
        assert!(state.values("nTSecurityDescriptor").len() == 1 && state.sid().is_some());
        seen += 1;
    }
    assert_eq!(seen, there.len());
    // By their names too, whatever characters they hold.
    let world = World::v2();
    for group in world.groups.iter().filter(|g| g.in_ad) {
        let found = at(&directory, &group.dn()).await;
        assert!(same_dn(&found.dn, &group.dn()));
        assert_eq!(Some(&found), read.iter().flatten().find(|s| s.guid == found.guid), "{}", group.dn());
    }
    assert!(directory.find(&format!("CN=nobody,{OU}")).await.unwrap().is_none());
    assert!(directory.find("no name").await.unwrap().is_none());
}

#[tokio::test]
async fn the_pin_names_controller_database_and_domain() {
    let Some(controller) = start(Template::World) else { return };
    let directory = signed_in(&controller, READER).await;
    let pin = directory.pin().await.unwrap();
    assert_eq!(
        (pin.controller.as_str(), pin.domain.as_str(), pin.naming_context.as_str()),
        (HOST, "contoso.test", ROOT)
    );
    assert!(!pin.invocation_id.is_nil());
    let sales = World::v2().group("Sales").dn();
    controller.modify(&format!("dn: {sales}\nchangetype: modify\nreplace: info\ninfo: x\n-\n\n"));
    let later = directory.pin().await.unwrap();
    assert!(later.highest_committed_usn > pin.highest_committed_usn, "the present number is told");
    assert_eq!(later.invocation_id, pin.invocation_id);
    // A domain other than the configured one is not touched.
    let mut config = config_of(&controller, READER);
    config.settings.cloud_sync.domain = Some("fabrikam.test".to_owned());
    let error = groupshift::cutover::live::ad::LiveDirectory::connect(&config, None).await.err().unwrap();
    assert!(error.to_string().contains("serves contoso.test"), "{error}");
}

#[test]
fn a_look_is_what_a_collection_reads() {
    let Some(controller) = start(Template::World) else { return };
    let config = config_of(&controller, READER);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let said = Arc::new(Mutex::new(Vec::new()));
    let listening = said.clone();
    let tell = Box::new(move |note: Note<'_>| {
        if let Note::Doing { what, .. } = note {
            listening.lock().unwrap().push(what.to_owned());
        }
    });
    let (looked, collected) = runtime.block_on(async {
        let directory = groupshift::cutover::live::ad::LiveDirectory::connect(&config, None).await.unwrap();
        let observer = LiveObserver::new(&config, &directory, None, tell);
        let looked = observer.look().await.unwrap();
        // A second look goes by the same sign-in.
        assert_eq!(observer.look().await.unwrap().ad.groups.len(), looked.ad.groups.len());
        let (_, nothing) = tokio::sync::watch::channel(None);
        let reader = ad::Reader::new(&config).unwrap();
        let wishes = groupshift::collect::live::Wishes::default();
        (looked, reader.collect(&wishes, None, nothing, &|_| {}).await.unwrap().inventory)
    });
    assert!(looked.ad.is_whole());
    let groups = |i: &groupshift::directory::Inventory| {
        let of = |(row, g): (usize, &groupshift::directory::inventory::AdGroup)| {
            let members: Vec<String> = i.ad.members.row(row).iter().map(|m| i.dn(*m).to_owned()).collect();
            (i.dn(g.object).to_owned(), members)
        };
        let mut out: Vec<_> = i.ad.groups.iter().enumerate().map(of).collect();
        out.sort();
        out
    };
    assert_eq!(groups(&looked), groups(&collected));
    assert!(said.lock().unwrap().iter().any(|w| w == "reading objects"), "progress is told");
}
