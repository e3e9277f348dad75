//! The collector script: Windows PowerShell can parse it, and nothing in it writes but the one file.

use groupshift::collect::connect_script::render;
use std::collections::BTreeSet;
use tree_sitter::{Node, Parser};

/// Commands that change nothing, or only what is on the screen. `Set-StrictMode` concerns the script itself.
const READ_ONLY: [&str; 17] = [
    "ConvertTo-Json",
    "Get-ADSyncAADCompanyFeature",
    "Get-ADSyncConnector",
    "Get-ADSyncGlobalSettings",
    "Get-ADSyncRule",
    "Get-ADSyncScheduler",
    "Get-ADSyncSchema",
    "Get-Item",
    "Get-ItemProperty",
    "Import-Module",
    "New-Object",
    "Select-Object",
    "Set-StrictMode",
    "Sort-Object",
    "Test-Path",
    "Write-Host",
    "Write-Warning",
];

/// Methods that change nothing outside the script, and the one that writes the file.
const METHODS: [&str; 7] = [
    "Add",
    "GetUnresolvedProviderPathFromPSPath",
    "ToArray",
    "ToBoolean",
    "ToString",
    "ToUniversalTime",
    "WriteAllText",
];

fn walk<'t>(node: Node<'t>, visit: &mut impl FnMut(Node<'t>)) {
    visit(node);
    let mut cursor = node.walk();
    for child in node.children(&mut cursor) {
        walk(child, visit);
    }
}

#[test]
fn it_parses_and_only_reads() {
    for nonce in [None, Some("3f0c9e2a")] {
        let script = render(nonce).unwrap();
        assert!(script.is_ascii(), "Windows PowerShell reads a script without a mark in the code page of the system");
        assert!(!script.contains("{{"));
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).unwrap();
        let tree = parser.parse(&script, None).unwrap();
        let (mut commands, mut functions, mut methods) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        walk(tree.root_node(), &mut |node| {
            let text = &script[node.byte_range()];
            let place = || format!("line {}: {text}", node.start_position().row + 1);
            assert!(!node.is_error() && !node.is_missing(), "{}", place());
            match node.kind() {
                "command_name" => drop(commands.insert(text.to_owned())),
                "function_name" => drop(functions.insert(text.to_owned())),
                "command_invokation_operator" => panic!("a computed command, {}", place()),
                "redirection" | "file_redirection_operator" => panic!("a redirection, {}", place()),
                "invokation_expression" => {
                    let mut cursor = node.walk();
                    let name = node.children(&mut cursor).find(|c| c.kind() == "member_name").unwrap();
                    methods.push(script[name.byte_range()].to_owned());
                }
                _ => {}
            }
        });
        assert_eq!(functions.len(), 7, "{functions:?}");
        // Not one more and not one less: a command that is gone must leave the list as well.
        let foreign: BTreeSet<_> = commands.difference(&functions).map(String::as_str).collect();
        assert_eq!(foreign, BTreeSet::from(READ_ONLY));
        let used: BTreeSet<_> = methods.iter().map(String::as_str).collect();
        assert_eq!(used, BTreeSet::from(METHODS));
        assert_eq!(methods.iter().filter(|m| *m == "WriteAllText").count(), 1);
    }
}

#[test]
fn it_is_windows_powershell() {
    let script = render(None).unwrap();
    for modern in ["??", "?.", "&&", "||", "-AsHashtable", "-Parallel", "::new("] {
        assert!(!script.contains(modern), "{modern} is not in 5.1");
    }
    assert!(script.contains("[CmdletBinding()]") && script.contains("Set-StrictMode -Version 2"));
    assert!(script.contains("ConvertTo-Json -Depth 12"));
}

#[test]
fn it_names_every_part_of_the_published_state() {
    let script = render(None).unwrap();
    let schema = serde_json::to_value(schemars::schema_for!(groupshift::collect::connect::ConnectState)).unwrap();
    let mut names: BTreeSet<&String> = schema["properties"].as_object().unwrap().keys().collect();
    for definition in schema["$defs"].as_object().unwrap().values() {
        names.extend(definition["properties"].as_object().unwrap().keys());
    }
    assert!(names.len() > 50, "{names:?}");
    for name in names {
        let written = [format!(" {name} "), format!("$State.{name} ")].iter().any(|form| script.contains(form));
        assert!(written, "the script never writes {name}");
    }
}
