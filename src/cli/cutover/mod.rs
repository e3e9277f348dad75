//! `cutover`: begin a run, see where it stands, go on, take it back, take it over.

mod act;
mod show;
mod status;

use super::Global;
use super::printer::Printer;
use crate::config::Config;
use crate::cutover::engine::{Accept, Options};
use crate::directory::ObjectGuid;
use crate::error::{Error, Result};
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Execute a plan's next waves; writes to AD and Entra
    Run(RunArgs),
    /// Where a run stands, and what is next
    Status(WhichRun),
    /// Go on after a stop
    Resume(ResumeArgs),
    /// Take back what a run did: a group, a wave, everything
    Rollback(RollbackArgs),
    /// Take over a run whose machine is lost, from its snapshot copy
    Adopt(AdoptArgs),
}

#[derive(clap::Args)]
pub struct WhichRun {
    /// Which run, where the store has several
    #[arg(long = "run", value_name = "ID")]
    pub id: Option<String>,
}

#[derive(clap::Args)]
pub struct How {
    /// End after this wave was verified
    #[arg(long, value_name = "NAME")]
    wave: Option<String>,
    /// Answer ordinary questions with yes; never the one before the point of no return
    #[arg(long)]
    yes: bool,
    /// Accept a gate or a difference on your word, by the name that the stop showed, for example "E14=checked in the portal"
    #[arg(long = "accept", value_name = "GATE=REASON")]
    accept: Vec<String>,
    /// Confirm the step that cannot be undone, by the name of the AD domain
    #[arg(long, value_name = "DOMAIN")]
    confirm_irreversible: Option<String>,
    /// A folder on another host: gets a copy of the snapshots, which the step that cannot be undone asks for
    #[arg(long, value_name = "DIR")]
    copy_to: Option<PathBuf>,
    /// The throwaway group, made by hand in Entra, where the program may not make groups
    #[arg(long, value_name = "OBJECTID")]
    throwaway: Option<String>,
}

#[derive(clap::Args)]
pub struct RunArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// Show every write without doing it
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    how: How,
}

#[derive(clap::Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    which: WhichRun,
    /// Go on with this domain controller, where the one that the run is pinned to is gone
    #[arg(long, value_name = "DC")]
    controller: Option<String>,
    #[command(flatten)]
    how: How,
}

#[derive(clap::Args)]
pub struct RollbackArgs {
    #[command(flatten)]
    which: WhichRun,
    /// One wave
    #[arg(long, value_name = "NAME", conflicts_with_all = ["group", "all"])]
    wave: Option<String>,
    /// One group, by object id, objectGUID or DN
    #[arg(long, value_name = "ID", conflicts_with = "all")]
    group: Option<String>,
    /// Everything that the run did
    #[arg(long)]
    all: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Accept what the rollback asks about, by the name it shows
    #[arg(long = "accept", value_name = "NAME=REASON")]
    accept: Vec<String>,
    /// Use this domain controller, where the one that the run is pinned to is gone
    #[arg(long, value_name = "DC")]
    controller: Option<String>,
}

#[derive(clap::Args)]
pub struct AdoptArgs {
    /// The folder that --copy-to or "snapshot export" wrote
    #[arg(value_name = "SNAPSHOT")]
    from: PathBuf,
    /// The copy's SHA-256 that was printed when it was written
    #[arg(long, value_name = "SHA256")]
    sha256: Option<String>,
}

pub fn run(command: Command, global: &Global, printer: &mut Printer) -> Result<u8> {
    match command {
        Command::Run(args) => act::begin(args, global, printer),
        Command::Status(which) => status::status(&which, global, printer),
        Command::Resume(args) => act::resume(args, global, printer),
        Command::Rollback(args) => act::rollback(args, global, printer),
        Command::Adopt(args) => status::adopt(args, global, printer),
    }
}

fn options(how: How, config: &Config) -> Result<Options> {
    let accept = accepted(&how.accept)?;
    let throwaway = match &how.throwaway {
        None => None,
        Some(text) => Some(ObjectGuid::parse(text.trim()).ok_or_else(|| {
            Error::usage(format!("--throwaway {text:?} is no object id"))
                .hint("Give the group's object id as Entra shows it, as in 3a5c3221-c465-48c0-95b8-e9305786a271.")
        })?),
    };
    Ok(Options {
        wave: how.wave,
        yes: how.yes,
        accept,
        confirm_irreversible: how.confirm_irreversible,
        copy_to: how.copy_to,
        throwaway,
        rehearsal: false,
        settings: super::assess::settings(config, &[])?,
    })
}

fn accepted(texts: &[String]) -> Result<Vec<Accept>> {
    let by = crate::cutover::store::user();
    let words = super::accept::words(texts)?.into_iter();
    Ok(words.map(|(subject, reason)| Accept { subject, reason, by: by.clone() }).collect())
}
