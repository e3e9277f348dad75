//! E3 and E6–E10, server by server.

use crate::support::connect::{AD_CONNECTOR, ENTRA_CONNECTOR, flow, rule};
use crate::support::{OU, World};
use crate::{table, world};
use serde_json::{Value, json};

fn sync01(w: &mut World, change: impl FnOnce(&mut Value)) {
    w.server("sync01", change);
}

fn add_rule(s: &mut Value, rule: Value) {
    s["rules"].as_array_mut().unwrap().push(rule);
}

/// A second server, in staging.
fn standby(w: &mut World, change: impl FnOnce(&mut Value)) {
    w.server("sync02", |s| {
        s["scheduler"]["stagingModeEnabled"] = json!(true);
        change(s);
    });
}

#[test]
fn e3() {
    table(
        "E3",
        &[
            ("no server", |_| {}, "unknown"),
            ("new enough", |w| sync01(w, |_| {}), "pass"),
            ("the lowest", |w| sync01(w, |s| s["connectVersion"] = json!("2.2.8.0")), "pass"),
            ("older", |w| sync01(w, |s| s["connectVersion"] = json!("2.2.1.0")), "fail"),
            ("compared as numbers", |w| sync01(w, |s| s["connectVersion"] = json!("2.10.0.0")), "pass"),
            ("not told", |w| sync01(w, |s| s["connectVersion"] = json!(null)), "unknown"),
            (
                "one of two is older",
                |w| {
                    sync01(w, |_| {});
                    standby(w, |s| s["connectVersion"] = json!("1.6.4.0"));
                },
                "fail",
            ),
            (
                "one of two is not told",
                |w| {
                    sync01(w, |_| {});
                    standby(w, |s| s["connectVersion"] = json!(null));
                },
                "unknown",
            ),
            (
                "by Entra alone",
                |w| {
                    w.json(
                        "entra/onPremisesSynchronization.json",
                        json!({ "configuration": { "synchronizationClientVersion": "2.5.79.0" } }),
                    );
                },
                "pass",
            ),
        ],
    );
}

fn deleting(n: u32, disabled: bool) -> Value {
    let text = "IIF((IsPresent([reasonFiltered]) = True) && (InStr([reasonFiltered], \"SoftDelete\") > 0), \"DeleteThisGroupInAD\", [reasonFiltered])";
    let mut rule = rule(
        n,
        "Out of scope",
        50,
        "",
        ENTRA_CONNECTOR,
        json!([
        { "destination": "reasonFiltered", "flowType": "Expression", "source": ["reasonFiltered"], "expression": text, "mergeType": "Update", "executeOnce": false }]),
    );
    rule["disabled"] = json!(disabled);
    rule
}

#[test]
fn e6() {
    table(
        "E6",
        &[
            ("no server", |_| {}, "unknown"),
            ("no such rule", |w| sync01(w, |_| {}), "pass"),
            ("the rule, under any name", |w| sync01(w, |s| add_rule(s, deleting(9, false))), "fail"),
            ("the rule, disabled", |w| sync01(w, |s| add_rule(s, deleting(9, true))), "pass"),
            (
                "the rule on the standby",
                |w| {
                    sync01(w, |_| {});
                    standby(w, |s| add_rule(s, deleting(9, false)));
                },
                "fail",
            ),
            (
                "only the published identifier",
                |w| {
                    sync01(w, |s| {
                        let mut rule = rule(9, "X", 50, "", ENTRA_CONNECTOR, json!([flow("description")]));
                        rule["id"] = json!("cb871f2d-0f01-4c32-a333-ff809145b947");
                        add_rule(s, rule);
                    })
                },
                "unknown",
            ),
            ("rules not in the input", |w| sync01(w, |s| s["rules"] = json!(null)), "unknown"),
            (
                "rules of the standby not in the input",
                |w| {
                    sync01(w, |_| {});
                    standby(w, |s| s["rules"] = json!(null));
                },
                "unknown",
            ),
            (
                "found on one, not known of the other",
                |w| {
                    sync01(w, |s| add_rule(s, deleting(9, false)));
                    standby(w, |s| s["rules"] = json!(null));
                },
                "fail",
            ),
        ],
    );
}

#[test]
fn e7() {
    table(
        "E7",
        &[
            ("no server", |_| {}, "unknown"),
            ("the product's own", |w| sync01(w, |_| {}), "pass"),
            ("disabled", |w| sync01(w, |s| s["rules"][0]["disabled"] = json!(true)), "fail"),
            (
                "cloned",
                |w| {
                    sync01(w, |s| {
                        s["rules"][0]["disabled"] = json!(true);
                        add_rule(
                            s,
                            rule(
                                9,
                                "In from AAD - Group SOAInAAD - Cloned",
                                60,
                                "",
                                ENTRA_CONNECTOR,
                                json!([flow("displayName"), flow("description"), flow("member")]),
                            ),
                        );
                    })
                },
                "fail",
            ),
            (
                "cloned under another name",
                |w| {
                    sync01(w, |s| {
                        add_rule(
                            s,
                            rule(
                                9,
                                "Ours",
                                60,
                                "",
                                ENTRA_CONNECTOR,
                                json!([flow("displayName"), flow("description"), flow("member")]),
                            ),
                        );
                    })
                },
                "fail",
            ),
            (
                "another custom rule",
                |w| sync01(w, |s| add_rule(s, rule(9, "Ours", 60, "", ENTRA_CONNECTOR, json!([flow("info")])))),
                "pass",
            ),
            ("no such rule at all", |w| sync01(w, |s| s["rules"] = json!([])), "unknown"),
            ("rules not in the input", |w| sync01(w, |s| s["rules"] = json!(null)), "unknown"),
            (
                "cloned on the standby",
                |w| {
                    sync01(w, |_| {});
                    standby(w, |s| s["rules"][0]["disabled"] = json!(true));
                },
                "fail",
            ),
        ],
    );
}

#[test]
fn e8() {
    fn inclusions(s: &mut Value, list: Value) {
        s["connectors"][0]["partitions"][0]["inclusions"] = list;
    }
    table(
        "E8",
        &[
            ("no server", |_| {}, "unknown"),
            ("included", |w| sync01(w, |_| {}), "pass"),
            ("its parent included", |w| sync01(w, |s| inclusions(s, json!(["DC=contoso,DC=com"]))), "unknown"), // and excluded: contradiction
            ("not included", |w| sync01(w, |s| inclusions(s, json!(["OU=Corp,DC=contoso,DC=com"]))), "fail"),
            (
                "partition not selected",
                |w| sync01(w, |s| s["connectors"][0]["partitions"][0]["selected"] = json!(false)),
                "fail",
            ),
            ("connectors not in the input", |w| sync01(w, |s| s["connectors"] = json!(null)), "unknown"),
            (
                "not included on the standby",
                |w| {
                    sync01(w, |_| {});
                    standby(w, |s| inclusions(s, json!(["OU=Corp,DC=contoso,DC=com"])));
                },
                "fail",
            ),
            (
                "no container known",
                |w| {
                    w.ad = None;
                    w.settings.writeback_ou = None;
                    sync01(w, |s| {
                        s["globalSettings"] = json!({});
                        s["connectors"][0]["writebackContainer"] = json!(null);
                    });
                },
                "unknown",
            ),
        ],
    );
    let outcome = world(|w| sync01(w, |_| {}));
    assert_eq!(outcome.gate("E8")["evidence"]["container"], OU);
}

#[test]
fn e9() {
    fn scheduler(s: &mut Value, name: &str, value: Value) {
        s["scheduler"][name] = value;
    }
    table(
        "E9",
        &[
            ("no server", |_| {}, "unknown"),
            ("one active", |w| sync01(w, |_| {}), "pass"),
            (
                "one active, one in staging",
                |w| {
                    sync01(w, |_| {});
                    standby(w, |_| {});
                },
                "pass",
            ),
            (
                "two active",
                |w| {
                    sync01(w, |_| {});
                    w.server("sync02", |_| {});
                },
                "fail",
            ),
            (
                "one active, one stopped: it can export",
                |w| {
                    sync01(w, |_| {});
                    w.server("sync02", |s| scheduler(s, "syncCycleEnabled", json!(false)));
                },
                "fail",
            ),
            ("only staging", |w| standby(w, |_| {}), "fail"),
            ("one, stopped", |w| sync01(w, |s| scheduler(s, "syncCycleEnabled", json!(false))), "fail"),
            ("one, suspended", |w| sync01(w, |s| scheduler(s, "schedulerSuspended", json!(true))), "fail"),
            ("staging not told", |w| sync01(w, |s| scheduler(s, "stagingModeEnabled", json!(null))), "unknown"),
            ("no scheduler at all", |w| sync01(w, |s| s["scheduler"] = json!(null)), "unknown"),
            (
                "one active, one not told",
                |w| {
                    sync01(w, |_| {});
                    w.server("sync02", |s| scheduler(s, "stagingModeEnabled", json!(null)));
                },
                "unknown",
            ),
            (
                "two active and one not told is bad enough",
                |w| {
                    sync01(w, |_| {});
                    w.server("sync02", |_| {});
                    w.server("sync03", |s| s["scheduler"] = json!(null));
                },
                "fail",
            ),
        ],
    );
}

#[test]
fn e10() {
    fn take(s: &mut Value, from: i64, to: i64) {
        for p in from..to {
            add_rule(s, rule(100 + p as u32, &format!("R{p}"), p, "", AD_CONNECTOR, json!([])));
        }
    }
    table(
        "E10",
        &[
            ("no server", |_| {}, "unknown"),
            ("all free", |w| sync01(w, |_| {}), "pass"),
            ("88 and 89 taken", |w| sync01(w, |s| take(s, 88, 90)), "pass"),
            ("two left", |w| sync01(w, |s| take(s, 2, 100)), "pass"),
            ("one left", |w| sync01(w, |s| take(s, 1, 100)), "fail"),
            ("none left", |w| sync01(w, |s| take(s, 0, 100)), "fail"),
            (
                "free on each, but not on both",
                |w| {
                    sync01(w, |s| take(s, 0, 50));
                    standby(w, |s| take(s, 50, 100));
                },
                "fail",
            ),
            (
                "none left on one, the other's rules not in the input",
                |w| {
                    sync01(w, |s| take(s, 0, 100));
                    standby(w, |s| s["rules"] = json!(null));
                },
                "fail",
            ),
            (
                "free on one, the other's rules not in the input",
                |w| {
                    sync01(w, |_| {});
                    standby(w, |s| s["rules"] = json!(null));
                },
                "unknown",
            ),
            ("rules not in the input", |w| sync01(w, |s| s["rules"] = json!(null)), "unknown"),
            ("a precedence not told", |w| sync01(w, |s| s["rules"][0]["precedence"] = json!(null)), "unknown"),
        ],
    );
    for (from, to, chosen) in [(0, 0, [88, 89]), (88, 89, [89, 90]), (88, 100, [87, 86])] {
        let outcome = world(|w| sync01(w, |s| take(s, from, to)));
        assert_eq!(outcome.gate("E10")["evidence"]["chosen"], json!(chosen), "{from} {to}");
    }
}
