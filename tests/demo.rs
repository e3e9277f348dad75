//! The example tenant end to end: what its tables promise is what the assessment finds; the committed reports and the
//! README's table are what the program writes. `GROUPSHIFT_UPDATE=1` rewrites both.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use groupshift::assess::{self, AboutBundle, Assessed, Settings};
use groupshift::collect::offline::{self, Wishes};
use groupshift::plan::difference::{self, Difference, ScopeChoice};
use groupshift::report::diff;
use groupshift::report::folder::Folder;
use groupshift::report::model::{FindingStatus, GateStatus, View};
use groupshift::{bundle, example};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Collects, keeps and assesses an exported folder.
fn with_assessment(export: &Path, created: &str, check: impl FnOnce(&Assessed<'_>)) {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("bundle");
    let collected = offline::collect(export, &Wishes::default(), &mut |_, _| {}).unwrap();
    assert!(collected.certificate.complete, "{:?}", collected.certificate);
    let about = bundle::write::About {
        created: created.to_owned(),
        anonymised: false,
        sources: collected.sources,
        certificate: collected.certificate,
    };
    bundle::write(&collected.inventory, about, &out).unwrap();
    let (opened, inventory) = bundle::open(&out).unwrap();
    let settings = Settings::default();
    let about = AboutBundle::of(&opened);
    check(&Assessed::run(&inventory, &settings, about).unwrap());
}

fn with_example(check: impl FnOnce(&Assessed<'_>)) {
    let dir = tempfile::tempdir().unwrap();
    let export = dir.path().join("export");
    example::write(&export).unwrap();
    with_assessment(&export, example::COLLECTED, check);
}

#[test]
fn every_expectation_holds() {
    with_example(|assessed| {
        let groups: Vec<_> = (0..assessed.len()).map(|i| assessed.group(i)).collect();
        let mut wrong = Vec::new();
        let mut hit = BTreeSet::new();
        for wanted in example::expected() {
            let group = groups.iter().find(|g| match (&wanted.dn, &g.dn) {
                (Some(a), Some(b)) => a == b,
                (None, None) => g.object_id.as_deref() == wanted.object_id.as_deref(),
                _ => false,
            });
            let Some(group) = group else {
                wrong.push(format!("{}: not assessed", wanted.name));
                continue;
            };
            let found: Vec<&str> =
                group.findings.iter().filter(|f| f.status == FindingStatus::Found).map(|f| f.rule.as_str()).collect();
            hit.extend(found.iter().map(|r| (*r).to_owned()));
            for rule in wanted.rules.iter().filter(|r| !found.contains(*r) && **r != "C19") {
                wrong.push(format!("{}: {rule} is not found, but {found:?}", wanted.name));
            }
            if group.verdict != wanted.verdict {
                wrong.push(format!(
                    "{}: {:?} instead of {:?}, by {found:?}",
                    wanted.name, group.verdict, wanted.verdict
                ));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(groups.len(), example::expected().len());
        let missing: Vec<String> =
            (1..=41).filter(|i| *i != 19).map(|i| format!("C{i:02}")).filter(|r| !hit.contains(r)).collect();
        assert!(missing.is_empty(), "no group shows {missing:?}");
    });
}

#[test]
fn every_gate_is_shown() {
    with_example(|assessed| {
        let gates: BTreeMap<&str, GateStatus> =
            assessed.header().gates.iter().map(|g| (g.id.as_str(), g.status)).collect();
        for (id, status) in example::expected_gates() {
            assert_eq!(gates.get(id), Some(status), "{id}");
        }
        assert_eq!(gates.len(), 17);
    });
}

/// What holds directory data is its owner's alone.
#[cfg(unix)]
#[test]
fn bundle_and_reports_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (export, out) = (dir.path().join("export"), dir.path().join("bundle"));
    std::fs::create_dir_all(export.join("entra")).unwrap();
    std::fs::write(export.join("entra/groups.json"), "[]").unwrap();
    let collected = offline::collect(&export, &Wishes::default(), &mut |_, _| {}).unwrap();
    let about = bundle::write::About {
        created: example::COLLECTED.to_owned(),
        anonymised: false,
        sources: collected.sources,
        certificate: collected.certificate,
    };
    bundle::write(&collected.inventory, about, &out).unwrap();
    let reports = dir.path().join("reports");
    // It is taken away again when it is dropped empty.
    let _reports = Folder::prepare(&reports, &[], false).unwrap();
    for folder in [out, reports] {
        let mode = std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{}", folder.display());
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn updating() -> bool {
    std::env::var_os("GROUPSHIFT_UPDATE").is_some()
}

/// Holds the four reports of an assessment against the files of a folder, or rewrites those.
fn hold_reports(assessed: &Assessed<'_>, folder: &Path, same: impl Fn(&[u8]) -> Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let names = groupshift::cli::ASSESSMENT_FILES;
    let made = Folder::prepare(dir.path(), &names, false).unwrap();
    groupshift::cli::write_reports(assessed, &made, &names).unwrap();
    hold_files(dir.path(), folder, &names, same);
}

/// Holds files that were just made against those of a folder, or rewrites those.
fn hold_files(made: &Path, folder: &Path, names: &[&str], same: impl Fn(&[u8]) -> Vec<u8>) {
    for name in names {
        let fresh = std::fs::read(made.join(name)).unwrap();
        let kept = folder.join(name);
        if updating() {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(&kept, &fresh).unwrap();
        }
        let old = std::fs::read(&kept).unwrap_or_default();
        assert!(
            same(&old) == same(&fresh),
            "{} is not what the program writes; GROUPSHIFT_UPDATE=1 rewrites it",
            kept.display()
        );
    }
}

#[test]
fn committed_reports_are_true() {
    with_example(|assessed| hold_reports(assessed, &root().join("reports/example"), <[u8]>::to_vec));
}

/// The difference of the example, as `demo` writes it.
#[test]
fn the_committed_difference_is_true() {
    with_example(|assessed| {
        let head = assessed.header();
        let about = AboutBundle {
            created: head.bundle.created.clone(),
            sha256: head.bundle.sha256.clone(),
            complete: head.bundle.complete,
            anonymised: head.bundle.anonymised,
            limits: head.limits.clone(),
        };
        let (settings, scope) = (Settings::default(), ScopeChoice::default());
        let forecast = difference::forecast(assessed, &settings, scope, None);
        let difference = Difference::of(&forecast, &settings, scope, &about);
        let dir = tempfile::tempdir().unwrap();
        let made = Folder::prepare(dir.path(), &diff::FILE_NAMES, false).unwrap();
        diff::write(&difference, &made, &diff::FILE_NAMES).unwrap();
        hold_files(dir.path(), &root().join("reports/example"), &diff::FILE_NAMES, <[u8]>::to_vec);
    });
}

/// The demo to its end: the run that was rehearsed is audited, and what is written is what is kept here.
#[test]
fn the_committed_audit_is_true() {
    let dir = tempfile::tempdir().unwrap();
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_groupshift"))
        .args(["demo", "--out", "d"])
        .current_dir(dir.path())
        .env("HOME", dir.path())
        .env("XDG_CONFIG_HOME", dir.path())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("Rehearsed") && said.contains("Audit"), "{said}");
    let made = dir.path().join("d/mended/audit");
    let audit: serde_json::Value = serde_json::from_slice(&std::fs::read(made.join("audit.json")).unwrap()).unwrap();
    assert_eq!(audit["against"]["kind"], "snapshot");
    // What a run is answerable for: identity, members, the end of V2, the rules.
    for id in ["A02", "A07", "A13", "A14"] {
        let check = audit["checks"].as_array().unwrap().iter().find(|c| c["id"] == id).unwrap();
        assert_eq!(check["status"], "pass", "{check}");
    }
    hold_files(&made, &root().join("reports/example"), &groupshift::report::audit::FILE_NAMES, <[u8]>::to_vec);
}

/// A real export of a Connect server of 2016, group writeback off: no groups, and gates that say what they see.
#[test]
fn a_real_connect_export() {
    let real = root().join("../shared/connect/contoso");
    if !real.is_dir() {
        println!("skipped: no real Connect export beside the project");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let server = dir.path().join("connect/CONTOSO-SYNC01");
    copy(&real, &server);
    with_assessment(dir.path(), "2026-11-21T00:00:00Z", |assessed| {
        let gates: BTreeMap<&str, GateStatus> =
            assessed.header().gates.iter().map(|g| (g.id.as_str(), g.status)).collect();
        for (id, status) in
            [("E3", GateStatus::Fail), ("E6", GateStatus::Pass), ("E1", GateStatus::Unknown), ("E10", GateStatus::Pass)]
        {
            assert_eq!(gates[id], status, "{id}");
        }
        // The files' times of writing are in the manifest, so its hash differs from copy to copy.
        let masked = |bytes: &[u8]| {
            let sha = assessed.header().bundle.sha256.clone();
            let text = String::from_utf8_lossy(bytes).replace(&sha, "-");
            let old = serde_json::from_slice::<serde_json::Value>(
                &std::fs::read(root().join("reports/connect-2016/assessment.json")).unwrap_or_default(),
            )
            .ok()
            .and_then(|v| v["bundle"]["sha256"].as_str().map(str::to_owned));
            old.map_or(text.clone(), |old| text.replace(&old, "-")).into_bytes()
        };
        hold_reports(assessed, &root().join("reports/connect-2016"), masked);
    });
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => {
                if entry.path().extension().is_some_and(|e| e == "xml") {
                    std::fs::write(target, std::fs::read(entry.path()).unwrap()).unwrap();
                }
            }
        }
    }
}

#[test]
fn the_readme_lists_every_rule_and_gate() {
    let mut table =
        String::from("| id | what | severity | verdict or what it blocks | source |\n|---|---|---|---|---|\n");
    for r in assess::rules() {
        table += &format!(
            "| {} | {} | {} | {} | {} |\n",
            r.id,
            r.title,
            r.severity.as_str(),
            r.verdict.as_str(),
            r.sources.join(", ")
        );
    }
    for g in assess::gates() {
        table += &format!(
            "| {} | {} | {} | {} | {} |\n",
            g.id,
            g.title,
            g.severity.as_str(),
            g.blocks.join(", "),
            g.sources.join(", ")
        );
    }
    hold_table("rules", &table);
}

#[test]
fn the_readme_lists_every_check() {
    let mut table = String::from("| id | what | severity | source |\n|---|---|---|---|\n");
    for c in groupshift::audit::checks() {
        table += &format!("| {} | {} | {} | {} |\n", c.id, c.title, c.severity.as_str(), c.sources.join(", "));
    }
    hold_table("checks", &table);
}

/// Holds a table of the README, between its marks, against what the registry says, or rewrites it.
fn hold_table(name: &str, table: &str) {
    let path = root().join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    let (start, end) = (format!("<!-- {name}: "), format!("<!-- /{name} -->"));
    let from = readme.find(&start).unwrap();
    let from = from + readme[from..].find("-->\n").unwrap() + 4;
    let to = readme.find(&end).unwrap();
    if updating() {
        std::fs::write(&path, format!("{}{table}{}", &readme[..from], &readme[to..])).unwrap();
    } else {
        assert_eq!(&readme[from..to], table, "the README's table of {name}; GROUPSHIFT_UPDATE=1 rewrites it");
    }
}
