//! `snapshot list | show | verify | export`: the state that a run kept before it touched anything.

use super::printer::{BOLD, DIM, GREEN, Printer, RED};
use super::{Global, configuration};
use crate::cutover::record::{SnapshotKind, SnapshotRecord};
use crate::cutover::store::{Run, Store, object_from_json, write_object};
use crate::error::{Error, Place, Result, exit};
use crate::report::plain;
use crate::report::run::time;
use clap::ValueEnum;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Every snapshot of a run, without its content
    List(ListArgs),
    /// One snapshot whole, verified: an AD group as LDIF, all else as JSON
    Show(ShowArgs),
    /// Check every snapshot against its hash and the chain, in the store or in an exported copy
    Verify(VerifyArgs),
    /// Write a copy of a run for another host: LDIF, JSON, the journal, scripts, evidence
    Export(ExportArgs),
}

#[derive(clap::Args)]
pub struct Which {
    /// Which run, where the store has several; without it the newest
    #[arg(long = "run", value_name = "ID")]
    id: Option<String>,
}

#[derive(clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    which: Which,
    /// Only this kind
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Option<KindArg>,
    /// Only snapshots of this object: objectGUID, object id, DN or name
    #[arg(value_name = "OBJECT")]
    object: Option<String>,
}

#[derive(clap::Args)]
pub struct ShowArgs {
    /// Number of the snapshot, or its object: objectGUID, object id, DN or name
    #[arg(value_name = "SNAPSHOT")]
    what: String,
    #[command(flatten)]
    which: Which,
    /// The last snapshot of the object instead of the first
    #[arg(long)]
    last: bool,
}

#[derive(clap::Args)]
pub struct VerifyArgs {
    /// An exported copy; without it the store's run
    #[arg(value_name = "FOLDER", conflicts_with = "id")]
    copy: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

#[derive(clap::Args)]
pub struct ExportArgs {
    /// The folder to write, which does not exist yet or is empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    which: Which,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum KindArg {
    AdGroup,
    CloudGroup,
    Job,
    Schema,
    Secrets,
    Assignments,
    Server,
}

impl From<KindArg> for SnapshotKind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::AdGroup => SnapshotKind::AdGroup,
            KindArg::CloudGroup => SnapshotKind::CloudGroup,
            KindArg::Job => SnapshotKind::Job,
            KindArg::Schema => SnapshotKind::Schema,
            KindArg::Secrets => SnapshotKind::Secrets,
            KindArg::Assignments => SnapshotKind::Assignments,
            KindArg::Server => SnapshotKind::Server,
        }
    }
}

pub fn run(command: Command, global: &Global, printer: &mut Printer) -> Result<u8> {
    match command {
        Command::List(args) => list(&args, global, printer),
        Command::Show(args) => show(&args, global, printer),
        Command::Verify(args) => match &args.copy {
            Some(copy) => verify_copy(copy, printer),
            None => verify(&args.which, global, printer),
        },
        Command::Export(args) => export(&args, global, printer),
    }
}

fn the_run(which: &Which, global: &Global, printer: &mut Printer) -> Result<Run> {
    let config = configuration(global, printer)?;
    Store::open_existing(&config.settings.store.dir)?.run_to_look_at(which.id.as_deref())
}

fn is_of(record: &SnapshotRecord, object: &str) -> bool {
    record.object.eq_ignore_ascii_case(object.trim()) || record.name.eq_ignore_ascii_case(object.trim())
}

fn list(args: &ListArgs, global: &Global, printer: &mut Printer) -> Result<u8> {
    let run = the_run(&args.which, global, printer)?;
    let kind = args.kind.map(SnapshotKind::from);
    let fits = |r: &SnapshotRecord| {
        kind.is_none_or(|k| k == r.kind) && args.object.as_deref().is_none_or(|object| is_of(r, object))
    };
    let all = run.snapshots()?;
    let found: Vec<&SnapshotRecord> = all.iter().filter(|r| fits(r)).collect();
    if printer.is_json() {
        printer.json(&json!({ "run": run.id(), "snapshots": found }));
        return Ok(exit::DONE);
    }
    for r in &found {
        printer.line(format!(
            "{:>6}  {}  {:<12} {:>9} bytes  {}  {}{DIM}  {}{DIM:#}",
            r.id,
            time(r.taken),
            word(r.kind),
            r.bytes,
            plain(&r.step),
            plain(&r.name),
            plain(&r.object)
        ));
    }
    printer.line(format!("{BOLD}{} of {} snapshots{BOLD:#} of run {}", found.len(), all.len(), plain(run.id())));
    Ok(exit::DONE)
}

fn word(kind: SnapshotKind) -> String {
    serde_json::to_value(kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn show(args: &ShowArgs, global: &Global, printer: &mut Printer) -> Result<u8> {
    let run = the_run(&args.which, global, printer)?;
    let records = run.snapshots()?;
    let numbered = args.what.trim().parse::<i64>().ok().and_then(|n| records.iter().find(|r| r.id == n));
    let record = match numbered {
        Some(record) => record,
        None => chosen(&records, args, &run)?,
    };
    let kept = run.snapshot_by_id(record.id)?;
    let (record, body) = kept.ok_or_else(|| Error::failed(format!("snapshot {} is not there any more", record.id)))?;
    if printer.is_json() {
        printer.json(&json!({ "run": run.id(), "record": record, "body": body }));
        return Ok(exit::DONE);
    }
    printer.note(format!(
        "snapshot {} of {}, taken {} UTC for {}, verified",
        record.id,
        plain(&record.name),
        time(record.taken),
        plain(&record.step)
    ));
    if record.kind == SnapshotKind::AdGroup {
        let mut text = Vec::new();
        write_object(&object_from_json(&body)?, &mut text)
            .map_err(|e| Error::failed(format!("cannot write the group as LDIF: {e}")))?;
        // Everything that is no plain text is base64 there.
        printer.line(String::from_utf8_lossy(&text).trim_end());
    } else {
        printer.json(&body);
    }
    Ok(exit::DONE)
}

/// The first or the last snapshot of the object; one object only, whichever name it was given by.
fn chosen<'r>(records: &'r [SnapshotRecord], args: &ShowArgs, run: &Run) -> Result<&'r SnapshotRecord> {
    let found: Vec<&SnapshotRecord> = records.iter().filter(|r| is_of(r, &args.what)).collect();
    let one = found.first().ok_or_else(|| {
        Error::usage(format!("run {} has no snapshot of {:?}", plain(run.id()), plain(&args.what)))
            .hint("Name it by number, objectGUID, object id or DN: groupshift snapshot list")
    })?;
    if found.iter().any(|r| (&r.object, r.kind) != (&one.object, one.kind)) {
        let mut seen: Vec<String> = Vec::new();
        for r in &found {
            let text = format!("{} ({} {})", r.id, word(r.kind), plain(&r.object));
            if !seen.contains(&text) && seen.len() < 10 {
                seen.push(text);
            }
        }
        return Err(Error::usage(format!("several snapshots are of {:?}", plain(&args.what)))
            .hint(format!("Name one by its number: {}.", seen.join(", "))));
    }
    Ok(if args.last { found.last().unwrap_or(one) } else { one })
}

fn verify(which: &Which, global: &Global, printer: &mut Printer) -> Result<u8> {
    let run = the_run(which, global, printer)?;
    let problems = run.verify_snapshots()?;
    let (snapshots, head) = run.chain_head()?;
    let what = format!("run {}", plain(run.id()));
    verdict(json!({ "run": run.id() }), &what, snapshots, &head, None, &problems, printer)
}

fn verify_copy(dir: &Path, printer: &mut Printer) -> Result<u8> {
    let (manifest, sha256, problems) = Store::verify_copy(dir)?;
    let what =
        format!("the copy of run {}, made {} on {}", plain(&manifest.run.id), manifest.created, plain(&manifest.host));
    let about = json!({ "run": manifest.run.id, "copy": dir, "created": manifest.created, "host": manifest.host });
    verdict(about, &what, manifest.snapshots, &manifest.chain_head, Some(&sha256), &problems, printer)
}

fn verdict(
    about: serde_json::Value,
    what: &str,
    snapshots: u64,
    head: &str,
    sha256: Option<&str>,
    problems: &[String],
    printer: &mut Printer,
) -> Result<u8> {
    let code = if problems.is_empty() { exit::DONE } else { exit::FAILED };
    if printer.is_json() {
        let mut about = about;
        if let Some(fields) = about.as_object_mut() {
            fields.insert("sound".to_owned(), json!(problems.is_empty()));
            fields.insert("snapshots".to_owned(), json!(snapshots));
            fields.insert("chainHead".to_owned(), json!(head));
            fields.insert("sha256".to_owned(), json!(sha256));
            fields.insert("problems".to_owned(), json!(problems));
        }
        printer.json(&about);
        return Ok(code);
    }
    if problems.is_empty() {
        printer.line(format!(
            "{GREEN}sound{GREEN:#}: all {snapshots} snapshots of {what} match their hashes and the chain"
        ));
    } else {
        printer.line(format!("{RED}not to be relied on{RED:#}: {} problems in {what}", problems.len()));
        for problem in problems {
            printer.line(format!("  {}", plain(problem)));
        }
        printer.line("  -> Restore nothing from what is named. Take the run over from a sound copy: groupshift cutover adopt COPY");
    }
    printer.line(format!("{DIM}chain {head}{DIM:#}"));
    if let Some(sha256) = sha256 {
        printer.line(format!("SHA-256 of the copy: {sha256}"));
    }
    Ok(code)
}

fn export(args: &ExportArgs, global: &Global, printer: &mut Printer) -> Result<u8> {
    let run = the_run(&args.which, global, printer)?;
    let bar = printer.progress("writing and checking the copy");
    let exported = run.export(&args.out)?;
    bar.finish_and_clear();
    // What was promised elsewhere is what another look finds.
    let (_, sha256, problems) = Store::verify_copy(&args.out)?;
    if let Some(problem) = problems.first().or((sha256 != exported.sha256).then_some(&sha256)) {
        return Err(Error::failed(format!("the copy does not verify where it was written: {problem}"))
            .at(Place::file(&args.out))
            .hint("Do not rely on it: look at that disk or share, and write it again elsewhere."));
    }
    if printer.is_json() {
        printer.json(&json!({ "run": run.id(), "exported": exported }));
        return Ok(exit::DONE);
    }
    printer.line(format!(
        "{GREEN}Copy of run {}{GREEN:#}: {} snapshots, {} AD groups, {} files, {} bytes, in {}",
        plain(run.id()),
        exported.snapshots,
        exported.groups,
        exported.files,
        exported.bytes,
        plain(&exported.folder.display().to_string())
    ));
    printer.line(format!("SHA-256 of the copy: {}", exported.sha256));
    printer.note("Write this number down elsewhere: adopt --sha256 then tells a changed copy from this one. Keep the copy on another host, as you keep backups of the directory.");
    Ok(exit::DONE)
}
