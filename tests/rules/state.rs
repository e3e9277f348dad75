//! The group's state and surroundings: C32, C33, C38–C41.

use crate::support::{DOMAIN, DOMAIN_SID, Entry, G, World, ad_group, sid_bytes};
use crate::table::{Found, Open, Silent, finding, subject, table, told, world};
use serde_json::json;

#[test]
fn c32() {
    table(
        "C32",
        &[
            ("assigned", |_| {}, Silent, "migrate"),
            (
                "dynamic and on",
                |w| {
                    drop(
                        w.eset("groupTypes", json!(["DynamicMembership"]))
                            .eset("membershipRuleProcessingState", json!("On")),
                    )
                },
                Silent,
                "migrate",
            ),
            (
                "dynamic and paused",
                |w| {
                    drop(
                        w.eset("groupTypes", json!(["DynamicMembership"]))
                            .eset("membershipRuleProcessingState", json!("Paused")),
                    )
                },
                Found,
                "migrate",
            ),
            (
                "assigned and paused",
                |w| drop(w.eset("membershipRuleProcessingState", json!("Paused"))),
                Silent,
                "migrate",
            ),
            (
                "dynamic, state absent",
                |w| drop(w.eset("groupTypes", json!(["DynamicMembership"])).eunset("membershipRuleProcessingState")),
                Open,
                "migrate",
            ),
            (
                "paused, types absent",
                |w| drop(w.eset("membershipRuleProcessingState", json!("Paused")).eunset("groupTypes")),
                Open,
                "review",
            ),
        ],
    );
}

#[test]
fn c33() {
    table(
        "C33",
        &[
            ("neither", |_| {}, Silent, "migrate"),
            (
                "both false",
                |w| drop(w.eset("isAssignableToRole", json!(false)).eset("isManagementRestricted", json!(false))),
                Silent,
                "migrate",
            ),
            ("role-assignable", |w| drop(w.eset("isAssignableToRole", json!(true))), Found, "review"),
            ("restricted", |w| drop(w.eset("isManagementRestricted", json!(true))), Found, "review"),
            (
                "role-assignable, the other absent",
                |w| drop(w.eset("isAssignableToRole", json!(true)).eunset("isManagementRestricted")),
                Found,
                "review",
            ),
            ("one absent", |w| drop(w.eunset("isManagementRestricted")), Open, "migrate"),
            ("Entra not collected", |w| w.groups = None, Open, "review"),
            ("no such group", |w| drop(w.drop_entra(G)), Silent, "review"),
        ],
    );
}

const OUTER: &str = "CN=Outer,OU=Groups,DC=contoso,DC=com";

fn outer(w: &mut World) {
    let mut entry = ad_group("Outer", "x", 4100);
    entry.dn = OUTER.to_owned();
    entry.unset("adminDescription").add("member", crate::support::group_dn("Group_3a5c3221"));
    w.add_entry(entry);
}

#[test]
fn c38() {
    table(
        "C38",
        &[
            ("not nested", |_| {}, Silent, "migrate"),
            ("by the outer group's members", outer, Found, "migrate"),
            ("by memberOf", |w| drop(w.g().set("memberOf", OUTER)), Found, "migrate"),
        ],
    );
    let outcome = world(|w| {
        outer(w);
        w.g().set("memberOf", OUTER.to_lowercase());
    });
    let f = finding(&outcome, "C38").unwrap();
    assert_eq!((&f["evidence"]["count"], &f["evidence"]["groups"]), (&json!(1), &json!([OUTER])), "named once");
}

#[test]
fn c39() {
    let cases: [(&str, String, _); 10] = [
        ("an ordinary group", format!("{DOMAIN_SID}-2001"), Silent),
        ("the first ordinary one", format!("{DOMAIN_SID}-1000"), Silent),
        ("Domain Admins", format!("{DOMAIN_SID}-512"), Found),
        ("Domain Users", format!("{DOMAIN_SID}-513"), Found),
        ("Domain Guests", format!("{DOMAIN_SID}-514"), Found),
        ("Schema Admins", format!("{DOMAIN_SID}-518"), Found),
        ("Protected Users", format!("{DOMAIN_SID}-525"), Found),
        ("Enterprise Key Admins", format!("{DOMAIN_SID}-527"), Found),
        ("built-in Administrators", "S-1-5-32-544".to_owned(), Found),
        ("no rid of a domain", "S-1-12-1-512".to_owned(), Silent),
    ];
    for (what, sid, want) in cases {
        let outcome = world(|w| drop(w.g().set("objectSid", sid_bytes(&sid))));
        assert_eq!(told(&outcome, "C39"), want, "{what}");
        if want == Found {
            let group = subject(&outcome).unwrap();
            assert_eq!(
                (group["verdict"].as_str(), group["sid"].as_str()),
                (Some("exclude"), Some(sid.as_str())),
                "{what}"
            );
        }
    }
    // Never by name.
    let outcome = world(|w| {
        w.g().set("sAMAccountName", "Domain Admins").set("displayName", "Domain Admins");
        w.eset("displayName", json!("Domain Admins"));
    });
    assert_eq!(told(&outcome, "C39"), Silent);
    // Without a SID nothing says that it is one.
    let outcome = world(|w| drop(w.g().unset("objectSid")));
    assert_eq!(told(&outcome, "C39"), Silent);
}

fn policy(w: &mut World, settings: &[&str]) {
    w.g().set("msDS-ObjectSoa", "Cloud");
    w.add_entry(Entry::new(format!("CN=SOA-Policies,CN=System,{DOMAIN}"), &["top", "container"]));
    let mut entry =
        Entry::new(format!("CN=Cloud,CN=SOA-Policies,CN=System,{DOMAIN}"), &["top", "msDS-App-Configuration"]);
    for value in settings {
        entry.add("msDS-Settings", value);
    }
    w.add_entry(entry);
}

#[test]
fn c40() {
    table(
        "C40",
        &[
            ("not marked", |_| {}, Silent, "migrate"),
            ("enforced", |w| policy(w, &["Enforced", "S-1-5-21-1111-2222-3333-900"]), Found, "review"),
            ("enforced, in other letters", |w| policy(w, &["ENFORCED"]), Found, "review"),
            ("audit", |w| policy(w, &["Audit", "S-1-5-21-1111-2222-3333-900"]), Silent, "migrate"),
            ("no settings", |w| policy(w, &[]), Silent, "migrate"),
            (
                "searched, no policy",
                |w| {
                    w.g().set("msDS-ObjectSoa", "Cloud");
                    w.add_entry(Entry::new(format!("CN=SOA-Policies,CN=System,{DOMAIN}"), &["top", "container"]));
                },
                Silent,
                "migrate",
            ),
            ("policy not exported", |w| drop(w.g().set("msDS-ObjectSoa", "Cloud")), Open, "migrate"),
            (
                "enforced, but the group is not marked",
                |w| {
                    policy(w, &["Enforced"]);
                    w.g().unset("msDS-ObjectSoa");
                },
                Silent,
                "migrate",
            ),
            (
                "enforced, the group marked otherwise",
                |w| {
                    policy(w, &["Enforced"]);
                    w.g().set("msDS-ObjectSoa", "OnPrem");
                },
                Silent,
                "migrate",
            ),
        ],
    );
}

#[test]
fn c41() {
    fn lost(w: &mut World) {
        w.drop_entry("Group_3a5c3221");
    }
    table(
        "C41",
        &[
            ("in AD", |_| {}, Silent, "migrate"),
            ("not in AD", lost, Found, "review"),
            (
                "not in AD, mail-enabled",
                |w| {
                    lost(w);
                    w.eset("mailEnabled", json!(true));
                },
                Silent,
                "exclude",
            ),
            (
                "not in AD, Microsoft 365",
                |w| {
                    lost(w);
                    w.eset("groupTypes", json!(["Unified"]));
                },
                Silent,
                "review",
            ),
            (
                "not in AD, synchronised",
                |w| {
                    lost(w);
                    w.eset("onPremisesSyncEnabled", json!(true));
                },
                Found,
                "exclude",
            ),
            (
                "not in AD, groupTypes absent",
                |w| {
                    lost(w);
                    w.eunset("groupTypes");
                },
                Open,
                "review",
            ),
            ("AD not collected", |w| w.ad = None, Open, "review"),
            (
                "its object stands in another OU",
                |w| w.g().dn = "CN=Group_3a5c3221,OU=Moved,DC=contoso,DC=com".into(),
                Silent,
                "migrate",
            ),
        ],
    );
    // Off or never set: nobody expects it in AD, so it is not listed.
    for value in [json!({ "isEnabled": false }), json!({ "isEnabled": null }), json!(null)] {
        let outcome = world(|w| {
            lost(w);
            w.eset("writebackConfiguration", value.clone());
        });
        assert!(subject(&outcome).is_none(), "{value}");
    }
    let outcome = world(lost);
    let group = subject(&outcome).unwrap();
    assert!(group["dn"].is_null() && group["objectGuid"].is_null() && group["sid"].is_null());
    assert_eq!((group["displayName"].as_str(), group["members"].as_u64()), (Some("Sales"), Some(0)));
}
