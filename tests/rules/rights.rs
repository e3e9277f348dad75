//! Rights of the provisioning agent: C36 and C37, and C37 as a gate, on descriptors of our own.

use crate::support::{DOMAIN_SID, Entry, OU, PEOPLE, World, sid_bytes};
use crate::table::{Found, Silent, finding, table, world};
use groupshift::directory::Sid;
use groupshift::directory::security::{
    Ace, Dacl, Entry as AclEntry, SecurityDescriptor, control, inheritance, rights, schema,
};

fn agent() -> Sid {
    Sid::parse(&format!("{DOMAIN_SID}-1500")).unwrap()
}

fn descriptor(protected: bool, aces: Vec<Ace>) -> Vec<u8> {
    let flags = control::SELF_RELATIVE | if protected { control::DACL_PROTECTED } else { 0 };
    let dacl = Dacl::List(aces.into_iter().map(AclEntry::Ace).collect());
    SecurityDescriptor { control: flags, owner: Sid::parse("S-1-5-32-544"), group: None, dacl }.to_bytes().unwrap()
}

fn inherited_write() -> Ace {
    Ace::allow(agent(), rights::WRITE_PROPERTY).flags(inheritance::INHERITED)
}

/// The agent's account under its documented name.
fn with_agent(w: &mut World) {
    let mut entry =
        Entry::new(format!("CN=provAgentgMSA,{PEOPLE}"), &["top", "computer", "msDS-GroupManagedServiceAccount"]);
    entry.set("objectSid", agent().to_bytes()).set("sAMAccountName", "provAgentgMSA$");
    w.add_entry(entry);
}

fn with(w: &mut World, admin_count: bool, protected: bool, aces: Vec<Ace>) {
    with_agent(w);
    if admin_count {
        w.g().set("adminCount", "1");
    }
    w.g().set("nTSecurityDescriptor", descriptor(protected, aces));
}

#[test]
fn c36() {
    table(
        "C36",
        &[
            ("neither", |_| {}, Silent, "migrate"),
            ("adminCount 0", |w| drop(w.g().set("adminCount", "0")), Silent, "migrate"),
            ("adminCount 1", |w| drop(w.g().set("adminCount", "1")), Found, "fix"),
            ("protected", |w| drop(w.g().set("nTSecurityDescriptor", descriptor(true, vec![]))), Found, "fix"),
            ("inherits", |w| drop(w.g().set("nTSecurityDescriptor", descriptor(false, vec![]))), Silent, "migrate"),
            (
                "protected, the agent holds the right explicitly",
                |w| with(w, false, true, vec![Ace::allow(agent(), rights::WRITE_PROPERTY)]),
                Silent,
                "migrate",
            ),
            (
                "protected, the agent may write some",
                |w| with(w, false, true, vec![Ace::allow(agent(), rights::WRITE_PROPERTY).on(schema::member())]),
                Found,
                "fix",
            ),
            (
                "protected, everybody else may write",
                |w| {
                    with(
                        w,
                        false,
                        true,
                        vec![Ace::allow(Sid::parse(&format!("{DOMAIN_SID}-900")).unwrap(), rights::ALL)],
                    )
                },
                Found,
                "fix",
            ),
            (
                "adminCount 1, the agent holds the right by inheritance",
                |w| with(w, true, false, vec![inherited_write()]),
                Found,
                "fix",
            ),
            (
                "adminCount 1, the right inherited, an explicit entry that only reads",
                |w| {
                    with(w, true, false, vec![Ace::allow(agent(), rights::READ), inherited_write()]);
                },
                Found,
                "fix",
            ),
            (
                "adminCount 1, the agent holds the right explicitly",
                |w| with(w, true, false, vec![Ace::allow(agent(), rights::WRITE_PROPERTY)]),
                Silent,
                "migrate",
            ),
        ],
    );
}

#[test]
fn c37() {
    table(
        "C37",
        &[
            ("no descriptor", |_| {}, Silent, "migrate"),
            (
                "descriptor, no agent",
                |w| drop(w.g().set("nTSecurityDescriptor", descriptor(false, vec![]))),
                Silent,
                "migrate",
            ),
            ("granted", |w| with(w, false, false, vec![inherited_write()]), Silent, "migrate"),
            (
                "granted property by property",
                |w| {
                    with(
                        w,
                        false,
                        false,
                        vec![
                            Ace::allow(agent(), rights::WRITE_PROPERTY).on(schema::membership()),
                            Ace::allow(agent(), rights::WRITE_PROPERTY).on(schema::edoi()),
                        ],
                    )
                },
                Silent,
                "migrate",
            ),
            (
                "member only",
                |w| with(w, false, false, vec![Ace::allow(agent(), rights::WRITE_PROPERTY).on(schema::member())]),
                Found,
                "fix",
            ),
            ("nothing", |w| with(w, false, false, vec![]), Found, "fix"),
            (
                "denied first",
                |w| with(w, false, false, vec![Ace::deny(agent(), rights::WRITE_PROPERTY), inherited_write()]),
                Found,
                "fix",
            ),
            (
                "for children only",
                |w| with(w, false, false, vec![inherited_write().flags(inheritance::INHERITED | inheritance::ONLY)]),
                Found,
                "fix",
            ),
            (
                "through a group",
                |w| {
                    with(
                        w,
                        false,
                        false,
                        vec![Ace::allow(Sid::parse(&format!("{DOMAIN_SID}-1600")).unwrap(), rights::ALL)],
                    );
                    let mut group = Entry::new(format!("CN=Writers,{PEOPLE}"), &["top", "group"]);
                    group.set("objectSid", sid_bytes(&format!("{DOMAIN_SID}-1600"))).set("groupType", "-2147483646");
                    group.add("member", format!("CN=provAgentgMSA,{PEOPLE}"));
                    w.add_entry(group);
                },
                Silent,
                "migrate",
            ),
            (
                "the account named in the configuration",
                |w| {
                    with(w, false, false, vec![]);
                    w.entry("provAgentgMSA").set("sAMAccountName", "gmsa2$");
                    w.settings.agent_account = Some("CONTOSO\\gmsa2$".to_owned());
                },
                Found,
                "fix",
            ),
            (
                "by its SID in the configuration, not exported",
                |w| {
                    w.g().set("nTSecurityDescriptor", descriptor(false, vec![]));
                    w.settings.agent_account = Some(agent().to_string());
                },
                Found,
                "fix",
            ),
        ],
    );
    let outcome =
        world(|w| with(w, false, false, vec![Ace::allow(agent(), rights::WRITE_PROPERTY).on(schema::member())]));
    let denied = &finding(&outcome, "C37").unwrap()["evidence"]["denied"];
    assert_eq!(denied, &serde_json::json!(["write msDS-ExternalDirectoryObjectId"]));
}

#[test]
fn the_gate() {
    let container = |w: &mut World, aces: Vec<Ace>| {
        let ou = w.ad.as_mut().unwrap().iter_mut().find(|e| e.dn == OU).unwrap();
        ou.set("nTSecurityDescriptor", descriptor(false, aces));
    };
    let create = || Ace::allow(agent(), rights::CREATE_CHILD).on(schema::class_group());
    let cases: [(&str, &dyn Fn(&mut World), &str); 7] = [
        ("nothing known", &|_| {}, "unknown"),
        ("the account is known, no descriptor", &|w| with_agent(w), "unknown"),
        ("groups granted, container not exported", &|w| with(w, false, false, vec![inherited_write()]), "unknown"),
        (
            "all granted",
            &|w| {
                with(w, false, false, vec![inherited_write()]);
                container(w, vec![create()]);
            },
            "pass",
        ),
        (
            "no right to create",
            &|w| {
                with(w, false, false, vec![inherited_write()]);
                container(w, vec![]);
            },
            "fail",
        ),
        (
            "one group refuses",
            &|w| {
                with(w, false, false, vec![]);
                container(w, vec![create()]);
            },
            "fail",
        ),
        (
            "one group without descriptor",
            &|w| {
                with(w, false, false, vec![inherited_write()]);
                container(w, vec![create()]);
                w.add_pair(1);
            },
            "unknown",
        ),
    ];
    for (what, alter, want) in cases {
        let outcome = world(|w| alter(w));
        assert_eq!(outcome.status("C37"), want, "{what}: {:#}", outcome.gate("C37"));
    }
}

/// A descriptor that is none tells nothing, and nothing is concluded from it.
#[test]
fn a_broken_descriptor_is_no_answer() {
    for bytes in [vec![], vec![1, 2, 3], vec![0xff; 64]] {
        let outcome = world(|w| {
            with_agent(w);
            w.g().set("nTSecurityDescriptor", &bytes);
        });
        assert!(finding(&outcome, "C37").is_none());
        assert_eq!(outcome.status("C37"), "unknown");
    }
}
