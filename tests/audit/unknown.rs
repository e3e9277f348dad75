//! What the input does not tell is unknown, with what would settle it; never pass. And what does not apply says so.

use crate::made::*;
use crate::support::*;
use groupshift::directory::security::{Ace, rights};
use serde_json::json;

type Change = fn(&mut Clean);

/// What is left out, how, and what becomes of the checks; those that are not named stay as they are in the clean world.
const LEFT_OUT: &[(&str, Change, &[(&str, &str)])] = &[
    ("no baseline", |c| c.former = None, &[("A02", "unknown"), ("A23", "unknown"), ("A21", "unknown")]),
    (
        "no AD",
        |c| {
            c.world.ad = None;
            c.metadata = None;
        },
        &[
            ("A01", "unknown"),
            ("A02", "unknown"),
            ("A03", "unknown"),
            ("A04", "unknown"),
            ("A05", "unknown"),
            ("A06", "unknown"),
            ("A07", "unknown"),
            ("A08", "unknown"),
            ("A10", "unknown"),
            ("A11", "unknown"),
            ("A21", "unknown"),
            ("A23", "unknown"),
            ("A09", "unknown"),
            ("A24", "unknown"),
            ("A26", "unknown"),
        ],
    ),
    (
        "no access lists",
        |c| c.world.ad.as_mut().unwrap().iter_mut().for_each(|e| drop(e.unset("nTSecurityDescriptor"))),
        &[("A08", "unknown")],
    ),
    (
        "one group without its access list",
        |c| drop(c.ad("Extra 2").unset("nTSecurityDescriptor")),
        &[("A08", "unknown")],
    ),
    (
        "no stamp exported",
        |c| c.world.ad.as_mut().unwrap().iter_mut().for_each(|e| drop(e.unset("msDS-ExternalDirectoryObjectId"))),
        &[("A01", "unknown"), ("A05", "unknown")],
    ),
    (
        "no member lists of Entra",
        |c| {
            c.world.groups.as_mut().unwrap().iter_mut().for_each(|g| drop(g.as_object_mut().unwrap().remove("members")))
        },
        &[("A06", "unknown"), ("A22", "unknown"), ("A28", "unknown")],
    ),
    (
        "nothing but the container",
        |c| c.world.ad.as_mut().unwrap().retain(|e| e.dn.ends_with(OU)),
        &[
            ("A01", "unknown"),
            ("A06", "unknown"),
            ("A08", "unknown"),
            ("A10", "unknown"),
            ("A11", "unknown"),
            ("A09", "unknown"),
            ("A24", "not-applicable"),
        ],
    ),
    (
        "no policy object searched",
        |c| {
            c.world.drop_entry("Cloud");
        },
        &[("A10", "unknown"), ("A11", "unknown")],
    ),
    (
        "no policy",
        |c| {
            c.world.drop_entry("Cloud");
            c.world.add_entry(Entry::new(format!("CN=System,{DOMAIN}"), &["top", "container"]));
        },
        &[("A10", "not-applicable"), ("A11", "not-applicable"), ("A12", "not-applicable")],
    ),
    (
        "neither events nor metadata",
        |c| {
            c.events = None;
            c.metadata = None;
        },
        &[("A09", "unknown")],
    ),
    (
        "no log: who changed what is open",
        |c| {
            c.events = None;
            c.world.files.remove("cloudsync/provisioningLogs.json");
        },
        &[("A09", "unknown"), ("A18", "unknown")],
    ),
    (
        "events of one of two controllers only",
        |c| {
            c.metadata = None;
            let mut dc = Entry::new(format!("CN=DC2,OU=Domain Controllers,{DOMAIN}"), &["top", "computer"]);
            dc.set("userAccountControl", "532480")
                .set("dNSHostName", "dc2.contoso.com")
                .set("operatingSystem", "Windows Server 2025");
            c.world.add_entry(dc);
        },
        &[("A09", "unknown")],
    ),
    (
        "no Connect server",
        |c| c.world.files.retain(|name, _| !name.starts_with("connect/")),
        &[("A14", "unknown"), ("A15", "unknown")],
    ),
    (
        "rules of the standby not given",
        |c| c.edit("connect/sync02/connect-state.json", |s| s["rules"] = json!(null)),
        &[("A14", "unknown")],
    ),
    (
        "pending exports of the standby not given",
        |c| drop(c.world.files.remove("connect/sync02/csexport.xml")),
        &[("A15", "unknown")],
    ),
    (
        "an export that does not say what it does",
        |c| drop(c.world.text("connect/sync01/csexport.xml", &pending(&group_dn("Sales"), "obliterate"))),
        &[("A15", "unknown")],
    ),
    (
        "nobody says whether V2 is on",
        |c| {
            c.edit("entra/onPremisesSynchronization.json", |v| {
                drop(v["features"].as_object_mut().unwrap().remove("groupWriteBackEnabled"))
            });
            for name in ["sync01", "sync02"] {
                c.edit(&format!("connect/{name}/connect-state.json"), |s| {
                    drop(s["companyFeatures"].as_object_mut().unwrap().remove("GroupWritebackV2"))
                });
            }
        },
        &[("A13", "unknown")],
    ),
    (
        "no jobs",
        |c| {
            c.world.files.retain(|name, _| !name.starts_with("cloudsync/jobs") && !name.starts_with("cloudsync/schema"))
        },
        &[("A17", "unknown"), ("A19", "unknown"), ("A20", "unknown"), ("A27", "unknown"), ("A28", "unknown")],
    ),
    ("no notification settings", |c| drop(c.world.files.remove("cloudsync/secrets.json")), &[("A17", "unknown")]),
    (
        "no assignments",
        |c| drop(c.world.files.remove("cloudsync/appRoleAssignedTo.json")),
        &[("A19", "unknown"), ("A20", "unknown"), ("A28", "unknown")],
    ),
    (
        "no provisioning log",
        |c| drop(c.world.files.remove("cloudsync/provisioningLogs.json")),
        &[("A09", "unknown"), ("A18", "unknown")],
    ),
    (
        "a log of other groups",
        |c| {
            c.world
                .json(
                    "cloudsync/provisioningLogs.json",
                    json!({ "value": [log(&group_id(70), "2026-11-01T00:00:00Z", "update", "success", None)] }),
                )
                .settings
                .limits
                .max_groups_selected = 10
        },
        &[("A09", "fail"), ("A18", "unknown")],
    ),
    (
        "versions of agents not told",
        |c| {
            c.edit("cloudsync/agents.json", |v| {
                v["value"]
                    .as_array_mut()
                    .unwrap()
                    .iter_mut()
                    .for_each(|a| drop(a.as_object_mut().unwrap().remove("version")))
            })
        },
        &[("A25", "unknown")],
    ),
    ("no licences", |c| drop(c.world.files.remove("entra/subscribedSkus.json")), &[("A27", "unknown")]),
    (
        "no access packages",
        |c| drop(c.world.files.remove("entra/accessPackages.json")),
        &[("A22", "unknown"), ("A24", "unknown")],
    ),
    (
        "no assignments of packages",
        |c| drop(c.world.files.remove("entra/accessPackageAssignments.json")),
        &[("A22", "unknown")],
    ),
    (
        "packages of other groups",
        |c| {
            c.edit("entra/accessPackages.json", |v| {
                v["value"][0]["resourceRoleScopes"][0]["scope"]["originId"] = json!(group_id(70))
            })
        },
        &[("A22", "not-applicable"), ("A24", "not-applicable")],
    ),
    (
        "an assignment under way",
        |c| c.edit("entra/accessPackageAssignments.json", |v| v["value"][0]["state"] = json!("delivering")),
        &[],
    ),
    (
        "no writebackConfiguration",
        |c| {
            c.world
                .groups
                .as_mut()
                .unwrap()
                .iter_mut()
                .for_each(|g| drop(g.as_object_mut().unwrap().remove("writebackConfiguration")))
        },
        &[("A20", "unknown")],
    ),
];

#[test]
fn what_is_left_out_is_unknown_with_what_settles_it() {
    let clean = Clean::new().audit();
    let mut wrong = Vec::new();
    for (what, change, want) in LEFT_OUT {
        let mut c = Clean::new();
        change(&mut c);
        let audit = c.audit();
        for (check, before) in audit.checks.iter().zip(&clean.checks) {
            let found = check.head.status.as_str();
            let wanted =
                want.iter().find(|(id, _)| *id == check.head.id).map_or(before.head.status.as_str(), |(_, s)| *s);
            if found != wanted {
                wrong.push(format!(
                    "{what}: {} is {found}, wanted {wanted}: {} {:?}",
                    check.head.id,
                    check.head.message,
                    check.failures.first()
                ));
            }
            if found == "unknown" && check.head.remediation.is_empty() {
                wrong.push(format!("{what}: {} does not say what settles it", check.head.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An empty input: nothing passes.
#[test]
fn nothing_passes_for_nothing() {
    let mut c = Clean::new();
    c.world = World::default();
    c.world.groups = Some(Vec::new());
    (c.former, c.events, c.metadata) = (None, None, None);
    let audit = c.audit();
    assert_eq!(with(&audit, "fail"), [""; 0]);
    let passing = with(&audit, "pass");
    assert_eq!(passing, [""; 0], "{passing:?}");
}

/// Connect's account holds its rights for V1: fine, bad, or open by whether V1 is in use.
#[test]
fn the_account_of_connect() {
    for (v1, want) in [(Some(true), "pass"), (Some(false), "fail"), (None, "unknown")] {
        let mut c = Clean::new();
        let mut aces = usual_aces();
        aces.push(Ace::allow(sid_of(MSOL), rights::ALL));
        c.ad("Extra 2").set("nTSecurityDescriptor", descriptor(sid_of(512), aces));
        c.edit("entra/onPremisesSynchronization.json", |v| match v1 {
            Some(on) => v["features"]["unifiedGroupWritebackEnabled"] = json!(on),
            None => drop(v["features"].as_object_mut().unwrap().remove("unifiedGroupWritebackEnabled")),
        });
        for name in ["sync01", "sync02"] {
            c.edit(&format!("connect/{name}/connect-state.json"), |s| match v1 {
                Some(on) => s["companyFeatures"]["UnifiedGroupWriteback"] = json!(on),
                None => drop(s["companyFeatures"].as_object_mut().unwrap().remove("UnifiedGroupWriteback")),
            });
        }
        assert_eq!(status(&c.audit(), "A08"), want, "{v1:?}");
    }
}

/// Who is approved: by SID, by name, as an administrator, by the members of a group.
#[test]
fn approved_writers() {
    let cases: &[(&str, u32, &[&str], &str)] = &[
        ("nobody approved", HELPDESK, &[], "fail"),
        ("by SID", HELPDESK, &["S-1-5-21-1111-2222-3333-1502"], "pass"),
        ("by name", HELPDESK, &["CONTOSO\\helpdesk"], "pass"),
        ("its only member is approved", HELPDESK, &["ops"], "pass"),
        ("another is approved", HELPDESK, &["S-1-5-21-1111-2222-3333-1"], "fail"),
    ];
    for (what, rid, approved, want) in cases {
        let mut c = Clean::new();
        let mut aces = usual_aces();
        aces.push(Ace::allow(sid_of(*rid), rights::ALL));
        c.ad("Extra 2").set("nTSecurityDescriptor", descriptor(sid_of(512), aces));
        c.approved = approved.iter().map(|s| (*s).to_owned()).collect();
        assert_eq!(status(&c.audit(), "A08"), *want, "{what}");
    }
    // Administrators of another forest are none here; those of the forest's root, which is not in the input, may be.
    for (text, want) in [("S-1-5-21-9-9-9-512", "fail"), ("S-1-5-21-9-9-9-519", "unknown"), ("S-1-5-32-544", "pass")] {
        let mut c = Clean::new();
        let mut aces = usual_aces();
        aces.push(Ace::allow(well_known(text), rights::ALL));
        c.ad("Extra 2").set("nTSecurityDescriptor", descriptor(sid_of(512), aces));
        assert_eq!(status(&c.audit(), "A08"), want, "{text}");
    }
    // Account Operators may write every group that AD makes: fine while nobody is in it.
    for (member, want) in [(false, "pass"), (true, "fail")] {
        let mut c = Clean::new();
        let mut operators = Entry::new(format!("CN=Account Operators,CN=Builtin,{DOMAIN}"), &["top", "group"]);
        operators
            .set("objectSid", sid_bytes("S-1-5-32-548"))
            .set("sAMAccountName", "Account Operators")
            .set("groupType", "-2147483643");
        if member {
            operators.add("member", format!("CN=ops,OU=Admins,{DOMAIN}"));
        }
        c.world.add_entry(operators);
        assert_eq!(status(&c.audit(), "A08"), want, "{member}");
    }
    // Without the agent's account in the input, an account that cannot be named may be it.
    let mut c = Clean::new();
    c.world.drop_entry("provAgentgMSA$");
    assert_eq!(status(&c.audit(), "A08"), "unknown");
}
