//! What the group is, on both sides: C01–C09, C34, C35.

use crate::support::{G, World, entra_group, member};
use crate::table::{Found, Open, Silent, finding, subject, table, told, world};
use serde_json::json;

fn unified(w: &mut World) {
    w.eset("groupTypes", json!(["Unified"])).eset("mailEnabled", json!(true));
}

#[test]
fn c01() {
    table(
        "C01",
        &[
            ("clean", |_| {}, Found, "migrate"),
            ("unsigned group type", |w| drop(w.g().set("groupType", "2147483656")), Found, "migrate"),
            ("assigned, not dynamic", |w| drop(w.eset("groupTypes", json!([]))), Found, "migrate"),
            ("dynamic", |w| drop(w.eset("groupTypes", json!(["DynamicMembership"]))), Found, "migrate"),
            ("global", |w| drop(w.g().set("groupType", "-2147483646")), Silent, "fix"),
            ("no group type", |w| drop(w.g().unset("groupType")), Open, "review"),
            ("mail in AD", |w| drop(w.g().set("mail", "sales@contoso.com")), Silent, "review"),
            (
                "upper-case anchor",
                |w| drop(w.g().set("adminDescription", format!("Group_{}", G.to_uppercase()))),
                Found,
                "migrate",
            ),
            ("upper-case id in Entra", |w| drop(w.eset("id", json!(G.to_uppercase()))), Found, "migrate"),
            (
                "anchor without adminDescription",
                |w| {
                    w.g().unset("adminDescription").set("msDS-ExternalDirectoryObjectId", format!("Group_{G}"));
                },
                Silent,
                "review",
            ),
            ("not security-enabled", |w| drop(w.eset("securityEnabled", json!(false))), Open, "review"),
            ("securityEnabled absent", |w| drop(w.eunset("securityEnabled")), Open, "review"),
            ("mailEnabled absent", |w| drop(w.eunset("mailEnabled")), Open, "review"),
            ("groupTypes absent", |w| drop(w.eunset("groupTypes")), Open, "review"),
            ("groupTypes null", |w| drop(w.eset("groupTypes", json!(null))), Found, "migrate"),
            ("onPremisesSyncEnabled absent", |w| drop(w.eunset("onPremisesSyncEnabled")), Open, "review"),
            ("onPremisesSyncEnabled false", |w| drop(w.eset("onPremisesSyncEnabled", json!(false))), Open, "review"),
            ("onPremisesSyncEnabled true", |w| drop(w.eset("onPremisesSyncEnabled", json!(true))), Silent, "exclude"),
            ("Entra not collected", |w| w.groups = None, Open, "review"),
            (
                "described twice, differently, in Entra",
                |w| {
                    let mut other = entra_group("Sold", G);
                    other["mailEnabled"] = json!(true);
                    w.json("entra/groups_2.json", json!([other]));
                },
                Open,
                "review",
            ),
            (
                "described twice, alike, in Entra",
                |w| {
                    let same = w.eg().clone();
                    w.json("entra/groups_2.json", json!([same]));
                },
                Found,
                "migrate",
            ),
            (
                "described twice, differently, in AD",
                |w| {
                    let mut other = w.g().clone();
                    other.set("groupType", "8");
                    w.text("ad/more.ldf", &other.text());
                },
                Open,
                "review",
            ),
            (
                "described twice, alike, in AD",
                |w| {
                    let other = w.g().clone();
                    w.text("ad/more.ldf", &other.text());
                },
                Found,
                "migrate",
            ),
        ],
    );
}

#[test]
fn beta_and_v1_are_one_group() {
    let outcome = world(|w| {
        w.eunset("writebackConfiguration").eunset("onPremisesSyncBehavior");
        w.json(
            "entra/groups-beta.json",
            json!({ "value": [{ "id": G, "writebackConfiguration": { "isEnabled": false }, "onPremisesSyncBehavior": { "isCloudManaged": false } }] }),
        );
    });
    assert_eq!((told(&outcome, "C01"), told(&outcome, "C13"), told(&outcome, "C35")), (Found, Found, Silent));
}

#[test]
fn c02_and_c03() {
    let cases: &[(&str, fn(&mut World), _, _, &str)] = &[
        ("clean", |_| {}, Silent, Silent, "migrate"),
        ("universal distribution", |w| drop(w.g().set("groupType", "8")), Found, Silent, "exclude"),
        ("global distribution", |w| drop(w.g().set("groupType", "2")), Found, Silent, "exclude"),
        ("universal security", |_| {}, Silent, Found, "exclude"),
        ("mail-enabled universal security", |w| drop(w.g().set("mail", "x@contoso.com")), Silent, Found, "exclude"),
        ("no group type", |w| drop(w.g().unset("groupType")), Open, Open, "review"),
    ];
    for (i, (what, alter, c02, c03, verdict)) in cases.iter().enumerate() {
        let outcome = world(|w| {
            if i > 0 {
                unified(w);
            }
            alter(w);
        });
        assert_eq!((told(&outcome, "C02"), told(&outcome, "C03")), (*c02, *c03), "{what}");
        assert_eq!(subject(&outcome).unwrap()["verdict"], *verdict, "{what}");
    }
    let outcome = world(|w| {
        unified(w);
        w.eset(
            "writebackConfiguration",
            json!({ "isEnabled": true, "onPremisesGroupType": "universalMailEnabledSecurityGroup" }),
        );
    });
    assert_eq!(
        finding(&outcome, "C03").unwrap()["evidence"]["onPremisesGroupType"],
        "universalMailEnabledSecurityGroup"
    );
    table(
        "C02",
        &[
            (
                "groupTypes absent",
                |w| {
                    w.eunset("groupTypes").eset("mailEnabled", json!(true));
                    w.g().set("groupType", "8");
                },
                Open,
                "review",
            ),
            (
                "case of the type does not count",
                |w| {
                    unified(w);
                    w.eset("groupTypes", json!(["unified"]));
                    w.g().set("groupType", "8");
                },
                Found,
                "exclude",
            ),
            (
                "on for writeback, not in AD",
                |w| {
                    unified(w);
                    w.drop_entry("Group_3a5c3221");
                },
                Open,
                "review",
            ),
            (
                "on for writeback, AD not collected",
                |w| {
                    unified(w);
                    w.ad = None;
                },
                Open,
                "review",
            ),
        ],
    );
}

/// What a finding says must be true: AD that was not collected does not lack an object.
#[test]
fn c02_says_what_is_missing() {
    let outcome = world(|w| {
        unified(w);
        w.ad = None;
    });
    let message = finding(&outcome, "C02").unwrap()["message"].as_str().unwrap().to_owned();
    assert!(!message.contains("AD has no such object"), "{message}");
}

#[test]
fn c04() {
    let not_in_ad = |w: &mut World, enabled: serde_json::Value| {
        unified(w);
        w.eset("writebackConfiguration", enabled).drop_entry("Group_3a5c3221");
    };
    let listed = |alter: &dyn Fn(&mut World)| {
        let outcome = world(|w| alter(w));
        subject(&outcome).map(|g| (told(&outcome, "C04"), g["verdict"].as_str().unwrap().to_owned(), g["dn"].is_null()))
    };
    let found = Some((Found, "exclude".to_owned(), true));
    assert_eq!(listed(&|w| not_in_ad(w, json!({ "isEnabled": false }))), found);
    // Only false counts; null is "never set", absent is unknown.
    assert_eq!(listed(&|w| not_in_ad(w, json!({ "isEnabled": null }))), None);
    assert_eq!(
        listed(&|w| {
            not_in_ad(w, json!(null));
            w.eunset("writebackConfiguration");
        }),
        None
    );
    // A soft-deleted one is not about to be written.
    assert_eq!(
        listed(&|w| {
            not_in_ad(w, json!({ "isEnabled": false }));
            w.eset("deletedDateTime", json!("2026-11-01T00:00:00Z"));
        }),
        None
    );
    // With an object in AD it is C02 or C03.
    let outcome = world(|w| {
        unified(w);
        w.eset("writebackConfiguration", json!({ "isEnabled": false }));
    });
    assert_eq!((told(&outcome, "C04"), told(&outcome, "C03")), (Silent, Found));
}

#[test]
fn c05_and_c06() {
    table(
        "C05",
        &[
            ("clean", |_| {}, Silent, "migrate"),
            ("mail-enabled security", |w| drop(w.eset("mailEnabled", json!(true))), Found, "exclude"),
            (
                "distribution list",
                |w| drop(w.eset("mailEnabled", json!(true)).eset("securityEnabled", json!(false))),
                Silent,
                "exclude",
            ),
            ("Microsoft 365", unified, Silent, "exclude"),
            ("groupTypes absent", |w| drop(w.eset("mailEnabled", json!(true)).eunset("groupTypes")), Open, "review"),
            ("mailEnabled absent", |w| drop(w.eunset("mailEnabled")), Open, "review"),
            (
                "on, but not in AD",
                |w| {
                    w.eset("mailEnabled", json!(true)).drop_entry("Group_3a5c3221");
                },
                Found,
                "exclude",
            ),
            ("Entra not collected", |w| w.groups = None, Open, "review"),
            ("no such group in Entra", |w| drop(w.drop_entra(G)), Silent, "review"),
        ],
    );
    table(
        "C06",
        &[
            ("clean", |_| {}, Silent, "migrate"),
            (
                "distribution list",
                |w| drop(w.eset("mailEnabled", json!(true)).eset("securityEnabled", json!(false))),
                Found,
                "exclude",
            ),
            ("mail-enabled security", |w| drop(w.eset("mailEnabled", json!(true))), Silent, "exclude"),
            (
                "securityEnabled absent",
                |w| drop(w.eset("mailEnabled", json!(true)).eunset("securityEnabled")),
                Open,
                "review",
            ),
            ("neither mail nor security", |w| drop(w.eset("securityEnabled", json!(false))), Silent, "review"),
        ],
    );
}

#[test]
fn c07() {
    table(
        "C07",
        &[
            ("clean", |_| {}, Silent, "migrate"),
            ("mail", |w| drop(w.g().set("mail", "x@contoso.com")), Found, "review"),
            ("proxyAddresses alone", |w| drop(w.g().set("proxyAddresses", "SMTP:x@contoso.com")), Found, "review"),
            (
                "mail-enabled in Entra too",
                |w| {
                    w.g().set("mail", "x@contoso.com");
                    w.eset("mailEnabled", json!(true));
                },
                Silent,
                "exclude",
            ),
            (
                "mailEnabled absent",
                |w| {
                    w.g().set("mail", "x@contoso.com");
                    w.eunset("mailEnabled");
                },
                Open,
                "review",
            ),
            (
                "no such group in Entra",
                |w| {
                    w.g().set("mail", "x@contoso.com");
                    w.drop_entra(G);
                },
                Silent,
                "review",
            ),
        ],
    );
}

#[test]
fn c08() {
    table(
        "C08",
        &[
            ("universal security", |_| {}, Silent, "migrate"),
            ("universal security, unsigned", |w| drop(w.g().set("groupType", "2147483656")), Silent, "migrate"),
            ("global security", |w| drop(w.g().set("groupType", "-2147483646")), Found, "fix"),
            ("domain local security", |w| drop(w.g().set("groupType", "-2147483644")), Found, "fix"),
            ("no scope at all", |w| drop(w.g().set("groupType", "-2147483648")), Found, "fix"),
            ("universal distribution", |w| drop(w.g().set("groupType", "8")), Silent, "fix"),
            ("global distribution", |w| drop(w.g().set("groupType", "2")), Found, "fix"),
            ("unknown", |w| drop(w.g().unset("groupType")), Open, "review"),
            ("without an AD object", |w| drop(w.drop_entry("Group_3a5c3221")), Silent, "review"),
        ],
    );
}

#[test]
fn c09() {
    table(
        "C09",
        &[
            ("security on both sides", |_| {}, Silent, "migrate"),
            ("distribution in AD", |w| drop(w.g().set("groupType", "8")), Found, "fix"),
            (
                "Microsoft 365",
                |w| {
                    unified(w);
                    w.g().set("groupType", "8");
                },
                Silent,
                "exclude",
            ),
            ("groupType absent", |w| drop(w.g().unset("groupType")), Open, "review"),
            (
                "securityEnabled absent",
                |w| {
                    w.g().set("groupType", "8");
                    w.eunset("securityEnabled");
                },
                Open,
                "review",
            ),
            ("not in AD", |w| drop(w.drop_entry("Group_3a5c3221")), Silent, "review"),
        ],
    );
}

#[test]
fn c34() {
    table(
        "C34",
        &[
            ("null", |_| {}, Silent, "migrate"),
            ("true", |w| drop(w.eset("onPremisesSyncEnabled", json!(true))), Found, "exclude"),
            ("false", |w| drop(w.eset("onPremisesSyncEnabled", json!(false))), Silent, "review"),
            ("absent", |w| drop(w.eunset("onPremisesSyncEnabled")), Open, "review"),
            ("Entra not collected", |w| w.groups = None, Open, "review"),
            ("no such group", |w| drop(w.drop_entra(G)), Silent, "review"),
            (
                "not in AD",
                |w| {
                    w.eset("onPremisesSyncEnabled", json!(true)).drop_entry("Group_3a5c3221");
                },
                Found,
                "exclude",
            ),
        ],
    );
}

#[test]
fn c35() {
    table(
        "C35",
        &[
            ("false", |_| {}, Silent, "migrate"),
            ("true", |w| drop(w.eset("onPremisesSyncBehavior", json!({ "isCloudManaged": true }))), Found, "exclude"),
            ("absent", |w| drop(w.eunset("onPremisesSyncBehavior")), Open, "migrate"),
            ("null", |w| drop(w.eset("onPremisesSyncBehavior", json!(null))), Open, "migrate"),
            ("Entra not collected", |w| w.groups = None, Open, "review"),
            (
                "absent, with a security identifier",
                |w| {
                    w.eunset("onPremisesSyncBehavior").eset("onPremisesSecurityIdentifier", json!("S-1-5-21-1-2-3-4"));
                },
                Open,
                "review",
            ),
            (
                "absent, with an account name",
                |w| {
                    w.eunset("onPremisesSyncBehavior").eset("onPremisesSamAccountName", json!("sales"));
                },
                Open,
                "review",
            ),
            (
                "absent, with an empty account name",
                |w| {
                    w.eunset("onPremisesSyncBehavior").eset("onPremisesSamAccountName", json!(""));
                },
                Open,
                "migrate",
            ),
            (
                "false, with a security identifier",
                |w| {
                    w.eset("onPremisesSecurityIdentifier", json!("S-1-5-21-1-2-3-4"));
                },
                Silent,
                "migrate",
            ),
        ],
    );
}

/// A Microsoft 365 group as a member is no reason to take the outer group for one.
#[test]
fn the_kind_of_a_member_is_not_the_kind_of_the_group() {
    let outcome = world(|w| {
        let mut other = entra_group("Team", &crate::support::group_id(1));
        other["groupTypes"] = json!(["Unified"]);
        w.add_entra(other);
        w.eg()["members"].as_array_mut().unwrap().push(member("group", &crate::support::group_id(1)));
    });
    assert_eq!((told(&outcome, "C01"), told(&outcome, "C26"), told(&outcome, "C03")), (Found, Found, Silent));
}
