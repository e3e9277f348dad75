//! The PowerShell of the steps: Windows PowerShell can parse it, and it keeps to what it is for.

use crate::example::example_plan;
use crate::support::World;
use crate::support::connect::{AD_CONNECTOR, rule};
use crate::{With, made};
use groupshift::plan::{self, Order, Script};
use serde_json::json;
use std::collections::BTreeSet;
use tree_sitter::{Node, Parser};

/// Every command that a script may use, and which of them change anything.
const CHANGES: [&str; 10] = [
    "Add-ADSyncAttributeFlowMapping",
    "Add-ADSyncRule",
    "Add-ADSyncScopeConditionGroup",
    "New-ADSyncRule",
    "Remove-ADSyncRule",
    "Remove-Item",
    "Set-ADSyncAADCompanyFeature",
    "Set-ADSyncScheduler",
    "Start-ADSyncSyncCycle",
    "Set-StrictMode",
];

fn walk<'t>(node: Node<'t>, visit: &mut impl FnMut(Node<'t>)) {
    visit(node);
    let mut cursor = node.walk();
    for child in node.children(&mut cursor) {
        walk(child, visit);
    }
}

fn commands(script: &Script) -> BTreeSet<String> {
    let text = script.text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    assert!(!text.contains("{{"), "{}", script.path);
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).unwrap();
    let tree = parser.parse(&text, None).unwrap();
    let mut out = BTreeSet::new();
    walk(tree.root_node(), &mut |node| {
        let piece = &text[node.byte_range()];
        let place = || format!("{}, line {}: {piece}", script.path, node.start_position().row + 1);
        assert!(!node.is_error() && !node.is_missing(), "{}", place());
        if node.kind() == "command_name" {
            out.insert(piece.to_owned());
        }
    });
    out
}

#[test]
fn every_script_parses_and_keeps_to_its_purpose() {
    for order in [Order::Documented, Order::CanaryFirst] {
        let plan = example_plan(order);
        let scripts = plan::scripts(&plan).unwrap();
        assert!(scripts.len() > 10);
        let paths: BTreeSet<&str> = scripts.iter().map(|s| s.path.as_str()).collect();
        assert_eq!(paths.len(), scripts.len());
        let wanted: BTreeSet<&str> =
            plan.steps.iter().flat_map(|s| s.script.iter().chain(&s.undo.script)).map(String::as_str).collect();
        assert_eq!(paths, wanted);
        for script in &scripts {
            let used = commands(script);
            let changing: BTreeSet<&str> = used.iter().map(String::as_str).filter(|c| CHANGES.contains(c)).collect();
            let kind = script.path.rsplit('/').next().unwrap();
            let only = |allowed: &[&str]| {
                let rest: Vec<_> =
                    changing.iter().filter(|c| **c != "Set-StrictMode" && !allowed.contains(c)).collect();
                assert!(rest.is_empty(), "{}: {rest:?}", script.path);
            };
            match kind.split_once('-').unwrap().1 {
                "staging-on.ps1" | "staging-off.ps1" => only(&[]),
                "scheduler-on.ps1" | "scheduler-off.ps1" => only(&["Set-ADSyncScheduler"]),
                "full-sync.ps1" | "delta-sync.ps1" => only(&["Start-ADSyncSyncCycle"]),
                "pending-exports.ps1" => only(&["Remove-Item"]),
                "disable-v2.ps1" => only(&["Set-ADSyncAADCompanyFeature"]),
                "coexistence-rules.ps1" => only(&[
                    "Add-ADSyncAttributeFlowMapping",
                    "Add-ADSyncRule",
                    "Add-ADSyncScopeConditionGroup",
                    "New-ADSyncRule",
                ]),
                "undo.ps1" => only(&["Remove-ADSyncRule", "Set-ADSyncScheduler"]),
                other => panic!("{other}"),
            }
            assert!(used.contains("ConvertTo-Json"), "{}", script.path);
            for part in
                ["SupportsShouldProcess", "-Depth 12", "[Environment]::MachineName", "GROUPSHIFT-NONCE", &plan.sha256]
            {
                assert!(script.text.contains(part), "{}: {part}", script.path);
            }
        }
        let off: Vec<&Script> = scripts
            .iter()
            .filter(|s| s.text.contains("Set-ADSyncAADCompanyFeature -GroupWritebackV2 $false"))
            .collect();
        assert_eq!(off.len(), 1, "V2 is turned off in one script, once");
        assert!(scripts.iter().all(|s| !s.text.contains("GroupWritebackV2 $true")));
    }
}

/// Gate E10 names the precedences that the plan will use, and a rule has the same one on every server.
#[test]
fn precedences_are_those_of_the_gate() {
    let mut world = World::base();
    world.server("sync01", |_| {});
    world.server("sync02", |state| {
        state["scheduler"]["stagingModeEnabled"] = json!(true);
        let taken = rule(7, "In from AD - own", 88, "", AD_CONNECTOR, json!([]));
        state["rules"].as_array_mut().unwrap().push(taken);
    });
    let assessed = world.run();
    assert_eq!(assessed.gate("E10")["evidence"]["chosen"], json!([89, 90]));
    let plan = made(&world, With::default());
    for server in &plan.connect {
        let outbound: Vec<_> = server.outbound.iter().map(|r| r.precedence).collect();
        assert_eq!((server.inbound.precedence, outbound), (Some(89), vec![Some(90)]), "{}", server.name);
    }
}

/// Anything that changes the server stands behind ShouldProcess, so that -WhatIf holds.
#[test]
fn what_if_holds() {
    let plan = example_plan(Order::Documented);
    for script in plan::scripts(&plan).unwrap() {
        let text = script.text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).unwrap();
        let tree = parser.parse(&text, None).unwrap();
        walk(tree.root_node(), &mut |node| {
            let name = &text[node.byte_range()];
            if node.kind() != "command_name" || !CHANGES.contains(&name) || name == "Set-StrictMode" {
                return;
            }
            // In a function that only such a place calls, or below an if that asks.
            let mut above = node.parent();
            let guarded = std::iter::from_fn(|| {
                let here = above?;
                above = here.parent();
                Some(here)
            })
            .any(|n| {
                n.kind() == "function_statement" && text[n.byte_range()].starts_with("function New-GroupRule")
                    || matches!(n.kind(), "if_statement" | "elseif_clause")
                        && text[n.byte_range()].contains("ShouldProcess(")
            });
            assert!(guarded, "{}: {name} is not guarded", script.path);
        });
    }
}
