//! A whole small export, each file changed, cut and repeated at seeded places: collecting it never panics, and ends in
//! an error that names its place or in a bundle that opens and can be assessed.

use crate::support::{World, assess_bundle, write_files};
use groupshift::assess::Settings;
use groupshift::bundle::{self, write::About};
use groupshift::collect::offline::{self, Wishes};
use rayon::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// xorshift: the same numbers everywhere, every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn export() -> BTreeMap<String, Vec<u8>> {
    let mut world = World::base();
    world.add_pair(1).emember("group", &crate::support::group_id(1)).emember("device", &crate::support::other_id(1));
    world.g().set("nTSecurityDescriptor", [1, 0, 4, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    world.g().add("member;range=0-*", crate::support::user_dn(1));
    world.json("entra/organization.json", json!({ "value": [{ "id": "t", "displayName": "Contoso" }] }));
    world.json(
        "entra/onPremisesSynchronization.json",
        json!({ "features": { "groupWriteBackEnabled": true }, "configuration": {} }),
    );
    world.json(
        "entra/subscribedSkus.json",
        json!({ "value": [{ "skuPartNumber": "X", "servicePlans": [{ "servicePlanName": "AAD_PREMIUM" }] }] }),
    );
    world.json("cloudsync/agents.json", json!({ "value": [{ "machineName": "a", "status": "active" }] }));
    world.json("cloudsync/appRoleAssignedTo.json", json!({ "value": [{ "principalId": crate::support::G }] }));
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/connect/fixtures/sync01");
    let mut files = world.export();
    for name in [
        "connect-state.json",
        "csexport.xml",
        "export/GlobalSettings/MV.xml",
        "export/SynchronizationRules/SynchronizationRule_{5a5a0001-0000-4000-8000-000000000001}.xml",
        "export/Connectors/Connector_{0c0ffee0-0000-4000-8000-00000000ad01}.xml",
    ] {
        files.insert(format!("connect/sync01/{name}"), std::fs::read(fixture.join(name)).unwrap());
    }
    files
}

/// One file of the export, spoilt.
fn spoil(bytes: &mut Vec<u8>, n: &mut Numbers) {
    const PIECES: [&[u8]; 12] = [
        b"\0",
        b"\xff",
        b"\"",
        b"{",
        b"]",
        b"<",
        b"\n",
        b"\n ",
        b": ",
        b"\xef\xbb\xbf",
        b"99999999999999999999",
        b"\xed\xa0\x80",
    ];
    for _ in 0..=n.below(2) {
        if bytes.is_empty() {
            return;
        }
        let at = n.below(bytes.len());
        match n.below(9) {
            0 => bytes.truncate(at),
            1 => bytes[at] = n.below(256) as u8,
            2 => bytes[at] ^= 1 << n.below(8),
            3 => drop(bytes.splice(at..at, PIECES[n.below(PIECES.len())].iter().copied())),
            // A letter or digit for another, which often leaves the file readable.
            4..=6 => {
                if let Some(at) = (at..bytes.len()).find(|i| bytes[*i].is_ascii_alphanumeric()) {
                    bytes[at] = b"0123456789abcdefABCDEF"[n.below(22)];
                }
            }
            7 => {
                let end = (at + 1 + n.below(40)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let end = (at + 1 + n.below(200)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
}

fn one(files: &BTreeMap<String, Vec<u8>>, name: &str, seed: u64) -> Result<bool, String> {
    let mut files = files.clone();
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    spoil(files.get_mut(name).unwrap(), &mut numbers);
    run(&files)
}

/// True where it was read, false where it was refused with its place.
fn run(files: &BTreeMap<String, Vec<u8>>) -> Result<bool, String> {
    let dir = tempfile::tempdir().unwrap();
    let (export, out) = (dir.path().join("export"), dir.path().join("bundle"));
    write_files(&export, files);
    let collected = match offline::collect(&export, &Wishes::default(), &mut |_, _| {}) {
        Ok(collected) => collected,
        Err(e) => {
            let place = e.place.as_ref().and_then(|p| p.file.clone()).ok_or_else(|| format!("no place: {e}"))?;
            return match e.message.is_empty() || !place.starts_with(&export) {
                true => Err(format!("no use: {e}")),
                false => Ok(false),
            };
        }
    };
    let about = About {
        created: "2026-11-20T06:00:00Z".into(),
        anonymised: false,
        sources: Vec::new(),
        certificate: collected.certificate,
    };
    bundle::write(&collected.inventory, about, &out).map_err(|e| format!("not written: {e}"))?;
    assess_bundle(&out, &Settings::default()).map_err(|e| format!("does not open: {e}"))?;
    Ok(true)
}

#[test]
fn a_spoilt_export_is_refused_or_read() {
    let files = export();
    let names: Vec<&String> = files.keys().collect();
    assert_eq!(run(&files), Ok(true), "the export itself is read");
    let runs: Vec<(&str, u64)> = names.iter().flat_map(|n| (1..=30).map(move |seed| (n.as_str(), seed))).collect();
    let results: Vec<Result<bool, String>> = runs
        .par_iter()
        .map(|(name, seed)| {
            catch_unwind(AssertUnwindSafe(|| one(&files, name, *seed)))
                .unwrap_or_else(|_| Err("panicked".to_owned()))
                .map_err(|e| format!("{name}, seed {seed}: {e}"))
        })
        .collect();
    let failures: Vec<&String> = results.iter().filter_map(|r| r.as_ref().err()).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    // Both ends are reached often, else the test shows nothing.
    let read = results.iter().filter(|r| **r == Ok(true)).count();
    assert!(read > runs.len() / 10 && runs.len() - read > runs.len() / 10, "{read} of {} were read", runs.len());
}
