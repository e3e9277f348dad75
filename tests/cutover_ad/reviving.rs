//! A group that was deleted comes back as itself.

use crate::directory::{ADMIN, Controller, ROOT, Template, start};
use crate::support::*;
use crate::world::{OU, READER, World};
use groupshift::cutover::port::{Directory, Refusal};
use groupshift::directory::{ObjectGuid, same_dn};

fn delete_group(controller: &Controller, dn: &str) {
    use base64::Engine;
    let dn = base64::engine::general_purpose::STANDARD.encode(dn);
    controller.modify(&format!("dn:: {dn}\nchangetype: delete\n\n"));
}

#[tokio::test]
async fn a_deleted_group_comes_back_with_its_sid_and_guid() {
    let Some(controller) = start(Template::World) else { return };
    let directory = signed_in(&controller, ADMIN).await;
    let world = World::v2();
    for name in ["Sales", "Größe, \"Ürün\" + <Werk> ; #1 = \\x", "Two lines"] {
        let guid = guid_of(&controller, name);
        let before = directory.read(&[guid]).await.unwrap().remove(0).unwrap();
        assert_eq!(directory.deleted(guid).await.unwrap(), None, "{name} is alive");
        assert_eq!(refused(directory.reanimate(guid, &before.dn).await), Refusal::Missing);
        delete_group(&controller, &before.dn);
        assert_eq!(directory.read(&[guid]).await.unwrap(), [None]);
        assert!(directory.find(&before.dn).await.unwrap().is_none());
        let tombstone = directory.deleted(guid).await.unwrap().unwrap();
        assert_eq!((tombstone.guid, tombstone.sid()), (guid, before.sid()));
        assert_eq!(tombstone.text("isDeleted"), Some("TRUE"));
        assert!(tombstone.values("member").is_empty(), "a tombstone has no links");

        let taken = world.group("Finance").dn();
        assert_eq!(refused(directory.reanimate(guid, &taken).await), Refusal::Other, "the name is another's");
        let nowhere = format!("CN=Sales,OU=Nowhere,{ROOT}");
        assert_eq!(refused(directory.reanimate(guid, &nowhere).await), Refusal::Other);
        directory.reanimate(guid, &before.dn).await.unwrap();
        let after = directory.read(&[guid]).await.unwrap().remove(0).unwrap();
        assert_eq!((after.guid, after.sid(), after.text("cn")), (guid, before.sid(), before.text("cn")), "{name}");
        assert!(same_dn(&after.dn, &before.dn) && after.values("isDeleted").is_empty());
        assert_eq!(after.text("sAMAccountName"), before.text("sAMAccountName"));
        assert_eq!(directory.deleted(guid).await.unwrap(), None);
        // Members and the other attributes are the engine's to restore.
        if let Some(member) = before.texts("member").next() {
            directory.modify(guid, &[add("member", member)]).await.unwrap();
        }
    }
    assert_eq!(directory.deleted(ObjectGuid::from_u128(5)).await.unwrap(), None);
}

/// To whom deleted objects are hidden, a deleted group looks like one that never was: that is not "gone for good".
#[tokio::test]
async fn an_account_that_may_not_see_deleted_objects_is_told_so() {
    let Some(controller) = start(Template::World) else { return };
    let reader = signed_in(&controller, READER).await;
    let guid = guid_of(&controller, "Sales");
    delete_group(&controller, &World::v2().group("Sales").dn());
    match reader.deleted(guid).await {
        Err(error) => {
            assert!(error.to_string().contains("is shown to the account") && !error.hints.is_empty(), "{error}");
            assert_eq!(refused(reader.reanimate(guid, &format!("CN=Sales,{OU}")).await), Refusal::Busy);
        }
        // Where the lab's controller shows them to everybody, it cannot be brought back without the right all the same.
        Ok(shown) => {
            assert_eq!(shown.unwrap().guid, guid);
            assert_eq!(refused(reader.reanimate(guid, &format!("CN=Sales,{OU}")).await), Refusal::Right);
        }
    }
}
