//! A copy of a bundle that is fit to share: names, distinguished names, SIDs and ids replaced, each the same way wherever
//! it stands, so that structure and verdicts are those of the original.
//!
//! The pseudonyms hang on a key that is drawn for each run and kept nowhere. So nobody can hash a known name and search
//! for it, and two anonymised bundles of one tenant cannot be matched.
//!
//! What is replaced how:
//! - GUIDs by random-looking ones, the same on both sides (an anchor goes with its Entra id, the identifier of a user with
//!   the objectGUID, the end of a name with the id it comes from); nil stays nil.
//! - SIDs: the domain part and relative ids from 1000. Built-in SIDs and the system's relative ids stay.
//! - Names of groups, containers and domains word by word, letters for letters, digits for digits, case and marks kept;
//!   names of users, machines, contacts and of everything else as a whole.
//! - Descriptions, mail addresses, accounts of connectors as a whole.
//! - Expressions and filters: functions and known attributes stay, constants are replaced like the values that they meet.
//! - Security descriptors: accounts and an organisation's own rights; the rest of the entries stays, conditions are cut off.
//! - Graph bodies: only properties with a known meaning are taken over at all.
//! - Files that only an audit or the next collection reads (provisioning logs, access packages and assignments, delta
//!   links, replication metadata): left out.
//! - Sentences that may hold names (problems, shortfalls): general ones in their place.
//!
//! What remains visible: how many objects there are and how they are nested and related; kinds, flags, scopes, rights;
//! dates, sizes and versions; lengths, marks, letter case and repeated words of names of groups, containers and domains (so
//! somebody who knows some of them may guess others by how often a word occurs); names that every domain or product
//! has (`CN=Users`, attributes, functions, the product's rules, `provAgentgMSA$`, common ends of domain names); which of
//! group writeback's and Cloud Sync's features are on; whether the licences asked about by gate E12 are there.
//!
//! Where a verdict rests on what is not kept, privacy goes first and the verdict may differ: scope filters and mappings
//! that look into words (`INCLUDES`, a pattern that ends within a word, `StripSpaces`), compare numbers or dates in
//! extension properties, or use descriptions; a writeback container that nothing names and that several are as likely to
//! be. The command compares the verdicts of both bundles and says so.

mod cloud;
mod connect;
mod expression;
mod inventory;
mod key;
mod text;
mod verdicts;
mod vocabulary;

use super::write::About;
use super::{Certificate, Manifest, Source};
use crate::directory::Inventory;
use crate::report::model::Problem;
use std::collections::HashMap;

pub use key::Key;
pub use text::Mapper;
pub use verdicts::Verdicts;

/// Replaces everything that could name somebody or something in `original`, with a fresh key.
pub fn anonymise(original: Inventory, manifest: &Manifest) -> (Inventory, About) {
    anonymise_with(original, manifest, Key::random())
}

/// The same with a given key.
pub fn anonymise_with(original: Inventory, manifest: &Manifest, key: Key) -> (Inventory, About) {
    let mut mapper = Mapper::new(key);
    let mut inventory = original;
    inventory::learn(&inventory, &mut mapper);
    inventory::objects(&mut inventory, &mut mapper);
    cloud::cloud_sync(&mut inventory.cloud_sync, &mut mapper);
    inventory.connect.iter_mut().for_each(|server| connect::server(server, &mut mapper));
    inventory.problems.iter_mut().for_each(|p| *p = problem(p, &mut mapper));
    inventory.problems.sort_by(|a, b| (&a.kind, &a.object, &a.detail).cmp(&(&b.kind, &b.object, &b.detail)));
    (inventory, about(manifest))
}

/// What a problem was, in general words: its own may hold names.
fn problem(problem: &Problem, mapper: &mut Mapper) -> Problem {
    const KINDS: [(&str, &str); 6] = [
        ("duplicate-dn", "described more than once in the original's input"),
        ("duplicate-guid", "one objectGUID under several names"),
        ("duplicate-id", "described more than once, differently, in the original's input"),
        ("member-not-exported", "a member that no entry of the export describes"),
        ("file-not-read", "a file of the exported folder that was not read"),
        ("perhaps-cut", "a file may be cut after this entry"),
    ];
    let known = KINDS.iter().find(|(kind, _)| *kind == problem.kind);
    let object = match problem.kind.as_str() {
        "file-not-read" => connect::file(&problem.object, 0),
        _ if problem.object == "(more)" => problem.object.clone(),
        _ => mapper.text(&problem.object),
    };
    Problem {
        kind: known.map_or("other", |(kind, _)| kind).to_owned(),
        object,
        detail: known
            .map_or("a problem with the original's input (left out: the sentence may hold names)", |(_, d)| d)
            .to_owned(),
    }
}

fn about(manifest: &Manifest) -> About {
    const PARTS: [&str; 4] = ["ad", "entra", "cloudsync", "connect"];
    let part = |name: &str| PARTS.into_iter().find(|p| *p == name).unwrap_or("other").to_owned();
    let mut files: HashMap<String, String> = HashMap::new();
    let sources: Vec<Source> = manifest
        .sources
        .iter()
        .enumerate()
        .map(|(i, source)| {
            let name = connect::file(&source.name, i);
            files.insert(source.name.to_lowercase(), name.clone());
            Source { part: part(&source.part), name, bytes: source.bytes, modified: source.modified.clone() }
        })
        .collect();
    let certificate = Certificate {
        complete: manifest.certificate.complete,
        parts: manifest
            .certificate
            .parts
            .iter()
            .enumerate()
            .map(|(i, p)| super::Part {
                source: part(&p.source),
                partition: partition(&p.partition, &files, i),
                shortfall: p.shortfall.as_ref().map(|_| {
                    "this part of the original is not whole (why is left out: the sentence may hold names)".to_owned()
                }),
                hidden: p
                    .hidden
                    .iter()
                    .map(|_| "something that the account was not allowed to see".to_owned())
                    .collect(),
                ..p.clone()
            })
            .collect(),
        not_looked_at: manifest.certificate.not_looked_at.iter().map(|line| not_looked_at(line)).collect(),
    };
    About { created: manifest.created.clone(), anonymised: true, sources, certificate }
}

fn partition(name: &str, files: &HashMap<String, String>, number: usize) -> String {
    const KNOWN: [&str; 20] = [
        "member lists",
        "group members",
        "groups",
        "users",
        "deletedItems",
        "servers",
        "servicePrincipal",
        "jobs",
        "schema",
        "agents",
        "appRoleAssignedTo",
        "organization",
        "subscribedSkus",
        "functions",
        "filterOperators",
        "onPremisesSynchronization",
        "onPremisesSyncBehavior",
        "provisioningLogs",
        "accessPackages",
        "accessPackageAssignments",
    ];
    if KNOWN.contains(&name) {
        return name.to_owned();
    }
    files.get(&name.to_lowercase()).cloned().unwrap_or_else(|| format!("part {}", number + 1))
}

/// Sentences of the collection itself name nothing; any other may.
fn not_looked_at(line: &str) -> String {
    let parts = ["ad", "entra", "cloudsync", "connect"];
    let missing = parts.iter().any(|p| line == format!("{p}/: the exported folder has no such part"));
    let catalog = line == "Global Catalog: second carriers of an anchor are searched among the exported objects only";
    if missing || catalog { line.to_owned() } else { "a part of the original that was not looked at".to_owned() }
}

#[cfg(test)]
mod tests;
