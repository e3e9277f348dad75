//! C19: the totals against the limits of both modes, with limits set small.

use crate::support::{World, group_id};
use crate::{table, world};
use groupshift::assess::ScopeMode;
use serde_json::json;

fn limits(w: &mut World, groups: u64, links: u64) {
    w.settings.limits.max_groups_selected = groups;
    w.settings.limits.max_links_selected = links;
}

/// The attribute mode, with limits of its own and of the tenant.
fn filtered(w: &mut World, groups: u64, links: u64, tenant: u64) {
    w.settings.scope = ScopeMode::Attribute;
    let l = &mut w.settings.limits;
    (l.max_groups_filtered, l.max_links_filtered) = (groups, links);
    (l.max_tenant_users, l.max_tenant_groups, l.max_tenant_memberships) = (tenant, tenant, tenant);
}

#[test]
fn c19() {
    table(
        "C19",
        &[
            ("as documented", |_| {}, "pass"),
            ("one group, two links: just enough", |w| limits(w, 1, 2), "pass"),
            ("too many links", |w| limits(w, 1, 1), "fail"),
            (
                "too many groups",
                |w| {
                    w.add_pair(1);
                    limits(w, 1, 9);
                },
                "fail",
            ),
            (
                "what does not move does not count",
                |w| {
                    w.add_pair(1);
                    w.entra(&group_id(1))["mailEnabled"] = json!(true);
                    limits(w, 1, 9);
                },
                "pass",
            ),
            (
                "what moves after a fix does count",
                |w| {
                    w.add_pair(1);
                    w.entry("Extra 1").set("groupType", "-2147483646");
                    limits(w, 1, 9);
                },
                "fail",
            ),
            ("links not known", |w| drop(w.eunset("members")), "unknown"),
            (
                "links not known, groups too many already",
                |w| {
                    w.eunset("members").add_pair(1);
                    limits(w, 1, 9);
                },
                "fail",
            ),
            ("Entra not collected", |w| w.groups = None, "unknown"),
            ("attribute mode, small tenant", |w| filtered(w, 1, 2, 9), "pass"),
            ("attribute mode, too many links", |w| filtered(w, 1, 1, 9), "fail"),
            ("attribute mode, tenant at the limit", |w| filtered(w, 9, 9, 2), "fail"),
            (
                "attribute mode, users not collected",
                |w| {
                    w.users = None;
                    filtered(w, 9, 9, 9);
                },
                "unknown",
            ),
        ],
    );
}

#[test]
fn evidence_has_totals_and_the_limit_per_mode() {
    let outcome = world(|w| limits(w, 10_000, 1));
    let gate = outcome.gate("C19");
    let e = &gate["evidence"];
    assert_eq!((e["groups"].as_u64(), e["links"].as_u64(), e["mode"].as_str()), (Some(1), Some(2), Some("selected")));
    assert_eq!((&e["selected"]["links"], &e["attribute"]["links"]), (&json!(1), &json!(500_000)));
    assert!(gate["message"].as_str().unwrap().contains("attribute filter"), "the mode that fits is named: {gate:#}");
}
