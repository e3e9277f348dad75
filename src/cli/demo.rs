//! `demo`: the whole job on the built-in example tenant.

use super::printer::{BOLD, Printer};
use super::{Global, assess, audit, collect, diff, plan};
use crate::assess::{AboutBundle, Assessed};
use crate::collect::offline::Wishes;
use crate::error::{Error, Place, Result, exit};
use crate::report::folder::{Folder, create_private};
use crate::{bundle, example};
use std::path::PathBuf;

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
    let settings = crate::assess::Settings::default();
    let assessed = Assessed::run(&inventory, &settings, AboutBundle::of(&opened))?;
    let names = assess::FILE_NAMES;
    let reports = out.join("assessment");
    assess::write_reports(&assessed, &Folder::prepare(&reports, &names, false)?, &names)?;
    assess::show(&assessed, Some(&reports), &names, printer);
    diff::demo(&assessed, &AboutBundle::of(&opened), &settings, &out.join("diff"), printer)?;
    plan::demo(&assessed, &out.join("plan"), printer)?;
    let evidence = crate::audit::Evidence::read(&bundle_dir, &opened)?;
    let about = AboutBundle::of(&opened);
    audit::demo(&inventory, about, &evidence, &out.join("plan/plan.json"), &out.join("audit"), printer)?;
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
