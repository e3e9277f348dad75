//! Guarded changes, renames, new groups; what an account with one right may do, and what each refusal means.

use crate::directory::{ADMIN, ROOT, Template, start};
use crate::support::*;
use crate::world::{OU, READER, VAULT, WRITER, World, person_dn};
use groupshift::cutover::port::{Directory, Refusal, Rights, STAMP};
use groupshift::directory::{ObjectGuid, Sid, same_dn};

/// Law 11: stamping, its verification and its rollback need the one right.
#[tokio::test]
async fn one_ace_is_enough_to_stamp_and_to_take_it_back() {
    let Some(controller) = start(Template::World) else { return };
    let directory = signed_in(&controller, WRITER).await;
    let (sales, vault) = (guid_of(&controller, "Sales"), guid_of(&controller, VAULT));
    let anchor = World::v2().group("Sales").anchor();
    let may = |stamp, member, rename| Rights { stamp: Some(stamp), member: Some(member), rename: Some(rename) };
    let nobody = ObjectGuid::from_u128(9);
    let rights = directory.rights(&[sales, vault, nobody, sales]).await.unwrap();
    let (own, none) = (may(true, false, false), may(false, false, false));
    assert_eq!(rights, [own, none, Rights::default(), own]);
    let reader = signed_in(&controller, READER).await;
    assert_eq!(reader.rights(&[sales, vault]).await.unwrap(), [none, none]);
    let all = may(true, true, true);
    assert_eq!(signed_in(&controller, ADMIN).await.rights(&[sales, vault]).await.unwrap(), [all, all]);

    directory.modify(sales, &[add(STAMP, &anchor)]).await.unwrap();
    assert_eq!(stamp_of(&directory, sales).await.as_deref(), Some(anchor.as_str()));
    // A value is there already; one that is not there cannot go.
    assert_eq!(refused(directory.modify(sales, &[add(STAMP, "Group_x")]).await), Refusal::Guard);
    assert_eq!(refused(directory.modify(sales, &[add(STAMP, &anchor)]).await), Refusal::Guard);
    let swap = [delete(STAMP, "Group_x"), add(STAMP, "Group_y")];
    assert_eq!(refused(directory.modify(sales, &swap).await), Refusal::Guard);
    assert_eq!(stamp_of(&directory, sales).await.as_deref(), Some(anchor.as_str()), "nothing was done");
    directory.modify(sales, &[delete(STAMP, &anchor), add(STAMP, "Group_y")]).await.unwrap();
    directory.modify(sales, &[delete(STAMP, "Group_y")]).await.unwrap();
    assert_eq!(stamp_of(&directory, sales).await, None);

    assert_eq!(refused(directory.modify(vault, &[add(STAMP, &anchor)]).await), Refusal::Right);
    assert_eq!(refused(directory.modify(sales, &[add("member", &person_dn(50))]).await), Refusal::Right);
    assert_eq!(refused(directory.rename(sales, "CN=Other", OU).await), Refusal::Right);
    assert_eq!(refused(directory.modify(nobody, &[add(STAMP, &anchor)]).await), Refusal::Missing);
    assert_eq!(refused(directory.rename(nobody, "CN=Other", OU).await), Refusal::Missing);
    let group = [("objectClass".to_owned(), vec![b"group".to_vec()])];
    assert_eq!(refused(directory.create(&format!("CN=New,{OU}"), &group).await), Refusal::Right);
}

/// A right that is missing in the middle, and granted then.
#[tokio::test]
async fn a_right_that_is_granted_serves_at_once() {
    let Some(controller) = start(Template::World) else { return };
    let reader = signed_in(&controller, READER).await;
    let finance = guid_of(&controller, "Finance");
    let world = World::v2();
    let (dn, anchor) = (world.group("Finance").dn(), world.group("Finance").anchor());
    assert_eq!(refused(reader.modify(finance, &[add(STAMP, &anchor)]).await), Refusal::Right);
    let account = told(&controller, ROOT, "(sAMAccountName=svc-groupshift)");
    let sid = Sid::from_bytes(&account.values().next().unwrap()["objectSid"][0]).unwrap();
    let ace = format!("--sddl=(OA;;WP;bd29bf90-66ad-40e1-887b-10df070419a6;;{sid})");
    samba_tool(&controller, &["dsacl", "set", &format!("--objectdn={dn}"), &ace]);
    assert_eq!(reader.rights(&[finance]).await.unwrap()[0].stamp, Some(true));
    reader.modify(finance, &[add(STAMP, &anchor)]).await.unwrap();
    assert_eq!(stamp_of(&reader, finance).await, Some(anchor));
}

#[tokio::test]
async fn names_places_and_members_change_or_say_why_not() {
    let Some(controller) = start(Template::World) else { return };
    let directory = signed_in(&controller, ADMIN).await;
    let sales = guid_of(&controller, "Sales");
    let before = directory.read(&[sales]).await.unwrap().remove(0).unwrap();

    let (there, absent) = (person_dn(1), person_dn(50));
    assert_eq!(refused(directory.modify(sales, &[add("member", &there)]).await), Refusal::Guard);
    assert_eq!(refused(directory.modify(sales, &[delete("member", &absent)]).await), Refusal::Guard);
    let nobody = format!("CN=Nobody,OU=People,{ROOT}");
    assert_eq!(refused(directory.modify(sales, &[add("member", &nobody)]).await), Refusal::Other);
    directory.modify(sales, &[delete("member", &there), add("member", &absent)]).await.unwrap();
    // The schema knows no such attribute; a value is longer than it may be.
    assert_eq!(refused(directory.modify(sales, &[add("noSuchAttribute", "x")]).await), Refusal::Other);
    assert_eq!(refused(directory.modify(sales, &[add(STAMP, &"x".repeat(300))]).await), Refusal::Other);

    let name = "Größe, \"Ürün\" + <Werk> ; = \\x #2";
    let rdn = format!("CN={}", groupshift::directory::escape_value(name));
    directory.rename(sales, &rdn, OU).await.unwrap();
    let renamed = directory.read(&[sales]).await.unwrap().remove(0).unwrap();
    assert_eq!((renamed.text("cn"), renamed.sid()), (Some(name), before.sid()));
    assert!(same_dn(&renamed.dn, &format!("{rdn},{OU}")));
    // Moved and renamed at once; then back, as a rollback does it.
    let retired = format!("OU=Retired,{ROOT}");
    directory.rename(sales, "CN=Sales moved", &retired).await.unwrap();
    assert_eq!(at(&directory, &format!("CN=Sales moved,{retired}")).await.guid, sales);
    let (own_rdn, parent) = before.dn.split_once(',').unwrap();
    directory.rename(sales, own_rdn, parent).await.unwrap();
    let back = directory.read(&[sales]).await.unwrap().remove(0).unwrap();
    assert_eq!((&back.dn, back.sid(), back.text("cn")), (&before.dn, before.sid(), before.text("cn")));

    let other = World::v2().group("Finance").dn();
    let (taken, _) = other.split_once(',').unwrap();
    let fault = directory.rename(sales, taken, OU).await.unwrap_err();
    assert_eq!(fault.refusal, Refusal::Other);
    assert!(fault.error.to_string().contains("exists already"), "{}", fault.error);
    assert_eq!(refused(directory.rename(sales, own_rdn, &format!("OU=Nowhere,{ROOT}")).await), Refusal::Other);
    assert_eq!(directory.read(&[sales]).await.unwrap().remove(0).unwrap().dn, before.dn);
}

#[tokio::test]
async fn a_group_is_made_once() {
    let Some(controller) = start(Template::World) else { return };
    let directory = signed_in(&controller, ADMIN).await;
    let dn = format!("CN=Throwaway\\, new,{OU}");
    let text = |t: &str| vec![t.as_bytes().to_vec()];
    let attributes = [
        ("objectClass".to_owned(), text("group")),
        ("groupType".to_owned(), text("-2147483640")),
        ("sAMAccountName".to_owned(), text("gs-throwaway")),
        ("adminDescription".to_owned(), text("Group_3f2504e0-4f89-11d3-9a0c-0305e82c3301")),
        (STAMP.to_owned(), text("Group_3f2504e0-4f89-11d3-9a0c-0305e82c3301")),
        ("member".to_owned(), text(&person_dn(3))),
    ];
    let made = directory.create(&dn, &attributes).await.unwrap();
    let state = at(&directory, &dn).await;
    assert_eq!((state.guid, state.text("sAMAccountName")), (made, Some("gs-throwaway")));
    assert_eq!(state.texts("member").collect::<Vec<_>>(), [person_dn(3)]);
    assert!(state.sid().is_some_and(|s| s.is_domain_account()));
    assert_eq!(refused(directory.create(&dn, &attributes).await), Refusal::Other);
    let nowhere = format!("CN=New,OU=Nowhere,{ROOT}");
    assert_eq!(refused(directory.create(&nowhere, &attributes).await), Refusal::Other);
}
