//! `demo`: the whole job on the built-in example tenant.

use super::printer::{BOLD, Printer};
use super::{Global, assess, audit, collect, diff, plan, rehearse};
use crate::assess::Settings;
use crate::assess::{AboutBundle, Accepted, Assessed};
use crate::audit::Former;
use crate::collect::offline::{self, Wishes};
use crate::cutover::port::Level;
use crate::cutover::store::Run;
use crate::error::{Error, Place, Result, exit};
use crate::report::folder::{Folder, create_private};
use crate::twin::Twin;
use crate::{bundle, example};
use std::cell::RefCell;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// Folder for the example's files and reports [default: a dated folder under reports/]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn run(args: Args, _: &Global, printer: &mut Printer) -> Result<u8> {
    let out = args.out.unwrap_or_else(|| assess::dated("demo"));
    if std::fs::read_dir(&out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::usage("the output folder exists and has content")
            .at(Place::file(&out))
            .hint("Name another folder with --out."));
    }
    create_private(&out)?;
    let (export, bundle_dir) = (out.join("export"), out.join("bundle"));
    let bar = printer.progress("writing the example tenant");
    example::write(&export)?;
    bar.finish_and_clear();
    collect::collect(&export, &bundle_dir, &Wishes::default(), example::COLLECTED.to_owned(), false, printer)?;
    let (opened, inventory) = bundle::open(&bundle_dir)?;
    let settings = Settings::default();
    let assessed = Assessed::run(&inventory, &settings, AboutBundle::of(&opened))?;
    let names = assess::FILE_NAMES;
    let reports = out.join("assessment");
    assess::write_reports(&assessed, &Folder::prepare(&reports, &names, false)?, &names)?;
    assess::show(&assessed, Some(&reports), &names, printer);
    diff::demo(&assessed, &AboutBundle::of(&opened), &settings, &out.join("diff"), printer)?;
    plan::demo(&assessed, &out.join("plan"), printer)?;
    mended(&out.join("mended"), printer)?;
    if !printer.is_json() {
        printer.line(format!(
            "{BOLD}Example{BOLD:#}: the exported files are in {}, the bundle in {}",
            export.display(),
            bundle_dir.display()
        ));
        printer.note(format!("Open {} in a browser.", reports.join("assessment.html").display()));
    }
    Ok(exit::DONE)
}

/// What an audit of a rehearsal says of its input.
const AFTER: &str = "The audited state is the twin that the rehearsed run left behind, not a collection; whose bundle is that the twin was made from.";

/// Gates of the example that nothing can observe, and what its people found when they looked.
const ATTESTED: [(&str, &str); 4] = [
    ("E2", "both agents are 1.1.2505.0, seen on their hosts"),
    ("E12", "P1 for all, one configuration"),
    ("E14", "turned on in the portal on 20 November"),
    ("E15", "no transition with Connect's own tool is planned"),
];

/// The same tenant once what the assessment asks for was done: collected again, planned, and the whole cutover rehearsed.
fn mended(out: &Path, printer: &mut Printer) -> Result<()> {
    let (export, bundle_dir) = (out.join("export"), out.join("bundle"));
    let bar = printer.progress("writing the example tenant, put right");
    example::write_mended(&export)?;
    bar.finish_and_clear();
    let collected = offline::collect(&export, &Wishes::default(), &mut |_, _| {})?;
    let about = bundle::write::About {
        created: example::COLLECTED.to_owned(),
        anonymised: false,
        sources: collected.sources,
        certificate: collected.certificate,
    };
    bundle::write(&collected.inventory, about, &bundle_dir)?;
    let (opened, inventory) = bundle::open(&bundle_dir)?;
    let accept = |(gate, reason): &(&str, &str)| Accepted {
        gate: (*gate).to_owned(),
        reason: (*reason).to_owned(),
        by: "Ines Duarte, identity".to_owned(),
    };
    let settings = Settings { accepted: ATTESTED.iter().map(accept).collect(), ..Settings::default() };
    let assessed = Assessed::run(&inventory, &settings, AboutBundle::of(&opened))?;
    let plan = plan::demo_mended(&assessed, &out.join("plan"))?;
    let bar = printer.progress("rehearsing the cutover");
    let report = out.join("rehearsal");
    // The state that the run leaves behind is audited at once, against the run's own snapshots.
    let audits = out.join("audit");
    let audited = RefCell::new(None);
    let about = |twin: &Twin| AboutBundle {
        created: twin.now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        sha256: opened.sha256.clone(),
        complete: true,
        anonymised: false,
        limits: vec![AFTER.to_owned()],
    };
    let ended = |run: &Run, twin: &Twin| {
        let former = Former::of_run(run)?;
        let text = audit::demo(&twin.present(), about(twin), &former, &settings, &audits)?;
        audited.replace(Some(text));
        Ok(())
    };
    let rehearsal = rehearse::rehearse(&plan, &bundle_dir, settings.clone(), None, Some(&report), Some(&ended))?;
    bar.finish_and_clear();
    if printer.is_json() {
        return Ok(());
    }
    printer.line(format!(
        "{BOLD}Put right{BOLD:#}: SYNC02's rules are mended and every group outside is decided about; collected and planned again"
    ));
    printer.line(format!("  plan that a run executes: {}", out.join("plan").join("plan.html").display()));
    for scene in &rehearsal.scenes {
        let writes = scene.lines.iter().filter(|l| l.level == Level::Write).count();
        printer.line(format!(
            "{BOLD}Rehearsed{BOLD:#}: the whole cutover on a twin, {} groups in {} waves, {writes} writes: {}",
            plan.summary.planned, plan.summary.waves, scene.verdict
        ));
    }
    printer.line(format!("{BOLD}Run report{BOLD:#}: {}", report.join("run.html").display()));
    if let Some(lines) = audited.into_inner() {
        lines.into_iter().for_each(|line| printer.line(line));
        printer.line(format!("{BOLD}Audit report{BOLD:#}: {}", audits.join("audit.html").display()));
    }
    printer.note(format!(
        "The same with faults: groupshift rehearse {} --faults 1",
        out.join("plan").join("plan.json").display()
    ));
    if rehearsal.safe { Ok(()) } else { Err(Error::failed("the rehearsal of the example did not end safely")) }
}
