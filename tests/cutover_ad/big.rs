//! A group of thousands of members, whole.

use crate::directory::{ADMIN, ROOT, Template, start};
use crate::support::*;
use groupshift::cutover::port::{Change, Directory};
use std::collections::BTreeSet;
use std::fmt::Write;

const MEMBERS: usize = 4_000;

#[tokio::test]
async fn four_thousand_members_are_read_and_changed() {
    let Some(mut controller) = start(Template::Empty) else { return };
    let ou = format!("OU=Big,{ROOT}");
    let mut ldif = format!("dn: {ou}\nobjectClass: organizationalUnit\n\n");
    let member = |n: usize| format!("CN=Contact {n:04},{ou}");
    for n in 0..MEMBERS {
        write!(ldif, "dn: {}\nobjectClass: contact\n\n", member(n)).unwrap();
    }
    write!(ldif, "dn: CN=Everybody,{ou}\nobjectClass: group\nsAMAccountName: everybody\n").unwrap();
    for n in 0..MEMBERS {
        writeln!(ldif, "member: {}", member(n)).unwrap();
    }
    load(&mut controller, &ldif, false);
    let directory = signed_in(&controller, ADMIN).await;
    let state = at(&directory, &format!("CN=Everybody,{ou}")).await;
    let expected: BTreeSet<String> = (0..MEMBERS).map(member).collect();
    assert_eq!(state.texts("member").map(str::to_owned).collect::<BTreeSet<_>>(), expected);
    let values: Vec<Vec<u8>> = (0..200).map(|n| member(n).into_bytes()).collect();
    let change = |add: bool| match add {
        true => Change::Add { attribute: "member".to_owned(), values: values.clone() },
        false => Change::Delete { attribute: "member".to_owned(), values: values.clone() },
    };
    directory.modify(state.guid, &[change(false)]).await.unwrap();
    let fewer = directory.read(&[state.guid]).await.unwrap().remove(0).unwrap();
    assert_eq!(fewer.values("member").len(), MEMBERS - 200);
    directory.modify(state.guid, &[change(true)]).await.unwrap();
    let again = directory.read(&[state.guid]).await.unwrap().remove(0).unwrap();
    assert_eq!(again.texts("member").map(str::to_owned).collect::<BTreeSet<_>>(), expected);
}
