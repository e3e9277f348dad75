//! The real export of 2016: what it says, and that no damage to it makes the reader panic or lie.

use crate::support::contoso;
use groupshift::assess::connect::{
    ContainerScope, Judgement, ServerRole, at_least, container_scope, deletes_out_of_scope, free_precedences,
    inbound_coexistence, outbound_coexistence, server_role, soa_in_aad_clones,
};
use groupshift::collect::connect::{read_connect, read_connector, read_global_settings, read_rule};
use groupshift::directory::connect::{FlowKind, Origin};
use std::path::{Path, PathBuf};

#[test]
fn facts() {
    let Some(dir) = contoso() else { return };
    let servers = read_connect(&dir).unwrap();
    assert_eq!(servers.len(), 1);
    let server = &servers[0];
    assert_eq!(server.name, "CONTOSO-SYNC01");
    assert_eq!(server.version.value().unwrap(), "1.1.130.0");
    assert_eq!(server.staging_mode.value(), Some(&false));
    assert_eq!(server.scheduler.sync_cycle_enabled.value(), Some(&true));
    assert_eq!(server.scheduler.suspended.value(), Some(&false));
    assert_eq!(server.scheduler.interval.value().unwrap(), "00:30:00");
    assert_eq!(server.scheduler.next_start.value().unwrap().to_rfc3339(), "2016-05-03T14:39:16+00:00");
    assert_eq!(server.scheduler.in_progress.value(), None);
    assert_eq!(server.optional_features["GroupWriteBack"].value(), Some(&false));
    assert_eq!(server.writeback_container.value(), Some(&None));
    assert_eq!(server.deletion_threshold.value(), Some(&Some(500)));
    assert_eq!(server.company_features, None);
    assert_eq!(server.has_metaverse_attribute("cloudNoFlow"), Some(false));
    assert_eq!(server.has_metaverse_attribute("cloudMastered"), Some(true));
    assert_eq!(server.collected_at.unwrap().to_rfc3339(), "2016-05-03T14:28:09.784+00:00");
    assert_eq!(server.problems, Vec::<String>::new());

    let rules = server.rules.as_ref().unwrap();
    assert_eq!((rules.len(), server.rules_from), (62, Some(Origin::Export)));
    assert!(rules.iter().all(|r| !r.is_custom() && r.id.is_some() && r.disabled == Some(false)));
    assert!(rules.windows(2).all(|p| p[0].precedence < p[1].precedence));
    let flows = || rules.iter().flat_map(|r| &r.flows);
    assert_eq!(flows().count(), 1200);
    assert_eq!(flows().filter(|f| f.execute_once).count(), 2);
    assert_eq!(flows().filter(|f| f.kind == FlowKind::Expression).count(), 391);
    let join = rules.iter().find(|r| r.name == "In from AD - Group Join").unwrap();
    let scope: Vec<_> = join.scope[0].conditions.iter().map(|c| (&*c.attribute, &*c.operator, &*c.value)).collect();
    assert_eq!(
        scope,
        [("isCriticalSystemObject", "NOTEQUAL", "True"), ("adminDescription", "NOTSTARTSWITH", "Group_")]
    );

    let connectors = server.connectors.as_ref().unwrap();
    let ad = connectors.iter().find(|c| c.is_ad()).unwrap();
    assert_eq!(
        (ad.forest.as_deref(), ad.account.as_deref()),
        (Some("contoso.com"), Some("contoso.com\\MSOL_d1edb676ca03"))
    );
    assert_eq!(ad.attributes.as_ref().unwrap().len(), 132);
    let partition = &ad.partitions.as_ref().unwrap()[0];
    assert_eq!((partition.dn.as_str(), partition.selected), ("DC=contoso,DC=com", Some(true)));
    assert_eq!(partition.inclusions.as_deref().unwrap(), ["OU=CORP,DC=contoso,DC=com"]);
    let entra = connectors.iter().find(|c| c.is_entra()).unwrap();
    assert!(entra.account.as_ref().unwrap().starts_with("Sync_"));
    let text = serde_json::to_string(server).unwrap();
    assert!(!text.contains("TVNEUwMAAAB") && !text.to_lowercase().contains("cookie"));
}

#[test]
fn judgements() {
    let Some(dir) = contoso() else { return };
    let server = &read_connect(&dir).unwrap()[0];
    let rules = server.rules.as_ref().unwrap();
    for rule in rules {
        assert_eq!(inbound_coexistence(rule, server).judgement, Judgement::Not, "{}", rule.name);
        assert_eq!(outbound_coexistence(rule, server).judgement, Judgement::Not, "{}", rule.name);
        assert_eq!(deletes_out_of_scope(rule, server), None, "{}", rule.name);
    }
    // Group writeback was off: nothing of its rules is there, and that is not taken for clean.
    let report = soa_in_aad_clones(server).unwrap();
    assert!(report.flows_writeback_type.is_empty() && report.clones.is_empty() && !report.is_clean(), "{report:?}");
    assert_eq!(server_role(server), ServerRole::Active);
    assert_eq!(free_precedences(rules).len(), 100);
    assert_eq!(at_least(server.version.value().unwrap(), "2.2.8.0"), Some(false));
    for (ou, included) in [
        ("OU=CORP,DC=contoso,DC=com", true),
        ("OU=Writeback,ou=corp,dc=contoso,dc=com", true),
        ("OU=Writeback,DC=contoso,DC=com", false),
        ("CN=Users,DC=contoso,DC=com", false),
        ("OU=CORP,DC=fabrikam,DC=com", false),
    ] {
        let scope = container_scope(server, ou);
        let wanted = if included {
            matches!(scope, ContainerScope::Included { .. })
        } else {
            matches!(scope, ContainerScope::Excluded { .. })
        };
        assert!(wanted, "{ou}: {scope:?}");
    }
}

/// The outcome of reading one file, whatever its kind.
fn read(path: &Path) -> Result<String, groupshift::error::Error> {
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    Ok(match folder.as_str() {
        "Connectors" => format!("{:?}", read_connector(path)?),
        "GlobalSettings" => format!("{:?}", read_global_settings(path)?),
        _ => format!("{:?}", read_rule(path)?),
    })
}

fn xml_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for part in ["Connectors", "GlobalSettings", "SynchronizationRules"] {
        for entry in std::fs::read_dir(dir.join(part)).unwrap() {
            found.push(entry.unwrap().path());
        }
    }
    found.sort();
    assert_eq!(found.len(), 65);
    found
}

/// A small generator with a fixed seed, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// Where the damaged copy goes: a folder of the same name, since that decides what the file is.
fn copy_of(file: &Path, work: &Path) -> PathBuf {
    let folder = work.join(file.parent().unwrap().file_name().unwrap());
    std::fs::create_dir_all(&folder).unwrap();
    folder.join("copy.xml")
}

#[test]
fn a_cut_file_is_refused_with_its_place() {
    let Some(dir) = contoso() else { return };
    let work = tempfile::tempdir().unwrap();
    for file in xml_files(&dir) {
        let bytes = std::fs::read(&file).unwrap();
        let whole = bytes.iter().rposition(|b| *b == b'>').unwrap();
        let copy = copy_of(&file, work.path());
        let cuts = 50;
        for i in 0..cuts {
            let at = whole * i / cuts;
            std::fs::write(&copy, &bytes[..at]).unwrap();
            let error = read(&copy).expect_err(&format!("{} cut at {at}", file.display()));
            let place = error.place.as_ref().unwrap();
            assert_eq!(place.file.as_deref(), Some(copy.as_path()));
            let lines = 1 + bytes[..at].iter().filter(|b| **b == b'\n').count() as u64;
            assert!(place.line.unwrap() <= lines, "{error} in {lines} lines");
            assert!(i == 0 || place.object.is_some() || at < 600, "{error}");
        }
    }
}

#[test]
fn changed_bytes_never_panic() {
    let Some(dir) = contoso() else { return };
    let work = tempfile::tempdir().unwrap();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut refused, mut changed) = (0, 0);
    for file in xml_files(&dir) {
        let bytes = std::fs::read(&file).unwrap();
        let copy = copy_of(&file, work.path());
        let original = read(&file).unwrap();
        let rounds = if bytes.len() > 1_000_000 { 6 } else { 30 };
        for _ in 0..rounds {
            let mut damaged = bytes.clone();
            for _ in 0..=dice.below(3) {
                let at = dice.below(damaged.len());
                match dice.below(4) {
                    0 => damaged[at] ^= 1 << dice.below(8),
                    1 => damaged[at] = b"<>&\"'/!?\0\xff"[dice.below(10)],
                    2 => drop(damaged.remove(at)),
                    _ => damaged.insert(at, b"<>&]"[dice.below(4)]),
                }
            }
            std::fs::write(&copy, &damaged).unwrap();
            match read(&copy) {
                Err(error) => {
                    refused += 1;
                    assert!(error.place.as_ref().is_some_and(|p| p.file.is_some() && p.line.is_some()), "{error}");
                }
                Ok(read) => changed += usize::from(read != original),
            }
        }
    }
    println!("{refused} refused, {changed} read with a difference");
    assert!(refused > 500 && changed > 100, "{refused} {changed}");
}

#[test]
fn other_encodings_say_the_same() {
    let Some(dir) = contoso() else { return };
    let work = tempfile::tempdir().unwrap();
    for file in xml_files(&dir) {
        let original = read(&file).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let crlf = text.replace('\n', "\r\n");
        let copy = copy_of(&file, work.path());
        let with_declaration = format!("<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n{crlf}");
        for bytes in [
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            crlf.clone().into_bytes(),
            crate::support::utf16(&with_declaration),
        ] {
            std::fs::write(&copy, bytes).unwrap();
            assert_eq!(read(&copy).unwrap(), original, "{}", file.display());
        }
    }
}
