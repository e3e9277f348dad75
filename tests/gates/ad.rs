//! E4, E5, E13. (C37 stands beside its rule, in tests/rules/rights.rs.)

use crate::support::{Entry, G, World};
use crate::{table, world};

const SCHEMA: &str = "CN=Schema,CN=Configuration,DC=contoso,DC=com";

fn schema(w: &mut World, version: &str) {
    let mut head = Entry::new(SCHEMA, &["top", "dMD"]);
    head.set("objectVersion", version);
    w.add_entry(head);
}

#[test]
fn e4() {
    table(
        "E4",
        &[
            ("nothing says", |_| {}, "unknown"),
            ("AD not collected", |w| w.ad = None, "unknown"),
            ("Windows Server 2016", |w| schema(w, "87"), "pass"),
            ("later", |w| schema(w, "91"), "pass"),
            ("Windows Server 2012 R2", |w| schema(w, "69"), "fail"),
            ("one below", |w| schema(w, "86"), "fail"),
            ("no number", |w| schema(w, "x"), "unknown"),
            (
                "an old schema, but an object carries it",
                |w| {
                    schema(w, "69");
                    w.g().set("msDS-ExternalDirectoryObjectId", format!("Group_{G}"));
                },
                "pass",
            ),
            (
                "the attribute's definition",
                |w| {
                    let mut entry = Entry::new(
                        format!("CN=ms-DS-External-Directory-Object-Id,{SCHEMA}"),
                        &["top", "attributeSchema"],
                    );
                    entry.set("lDAPDisplayName", "msDS-ExternalDirectoryObjectId");
                    w.add_entry(entry);
                },
                "pass",
            ),
            (
                "another attribute's definition",
                |w| {
                    let mut entry = Entry::new(format!("CN=Other,{SCHEMA}"), &["top", "attributeSchema"]);
                    entry.set("lDAPDisplayName", "other");
                    w.add_entry(entry);
                },
                "unknown",
            ),
            ("a group named like the head of the schema", |w| drop(w.g().set("objectVersion", "87")), "unknown"),
        ],
    );
}

#[test]
fn e5_cannot_be_seen_in_files() {
    assert_eq!(world(|_| {}).status("E5"), "unknown");
}

fn feature(w: &mut World, enabled: bool) {
    let dn = "CN=Recycle Bin Feature,CN=Optional Features,CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,DC=contoso,DC=com";
    let mut entry = Entry::new(dn, &["top", "msDS-OptionalFeature"]);
    entry.set("msDS-OptionalFeatureGUID", [7; 16]);
    if enabled {
        entry.set("msDS-EnabledFeatureBL", "CN=Partitions,CN=Configuration,DC=contoso,DC=com");
    }
    w.add_entry(entry);
}

#[test]
fn e13() {
    table(
        "E13",
        &[
            ("nothing says", |_| {}, "unknown"),
            ("enabled", |w| feature(w, true), "pass"),
            ("not enabled", |w| feature(w, false), "fail"),
            (
                "by the forest's partitions",
                |w| {
                    let mut entry =
                        Entry::new("CN=Partitions,CN=Configuration,DC=contoso,DC=com", &["top", "crossRefContainer"]);
                    entry.set("msDS-EnabledFeature", "CN=Recycle Bin Feature,CN=Optional Features,CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,DC=contoso,DC=com");
                    w.add_entry(entry);
                    feature(w, false);
                },
                "pass",
            ),
        ],
    );
}
