//! The door: one file a subcommand, each with its arguments, the calls it makes and what it prints. No domain logic.

mod accept;
mod assess;
mod audit;
mod bundle;
mod collect;
mod config;
mod connect_script;
mod cutover;
mod demo;
mod diff;
mod evaluator;
mod explain;
mod handover;
mod plan;
mod preflight;
mod printer;
mod rehearse;
mod schema;
mod shell;
mod snapshot;
mod state;

pub use assess::{FILE_NAMES as ASSESSMENT_FILES, write_reports};
pub use audit::{check_texts, write_audit};
pub use plan::example as example_plan;

use crate::error::{Error, exit};
use clap::error::ErrorKind;
use clap::{ColorChoice, Parser, Subcommand, ValueEnum};
use printer::Printer;
use std::ffi::OsString;
use std::path::PathBuf;

/// Moves cloud groups from Entra Connect group writeback V2 to Cloud Sync group provisioning to AD: assess what can
/// move and what blocks the rest, plan, cut over in waves, take back, on exported files or live.
#[derive(Parser)]
#[command(name = "groupshift", version, max_term_width = 110, arg_required_else_help = true, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 failed; 2 bad usage or configuration; 3 done, with findings at or above --fail-on; \
4 stopped at a gate; 5 stopped because live state is not what was predicted; 130 interrupted.

Start with: groupshift demo";

#[derive(clap::Args, Clone)]
pub struct Global {
    /// Configuration file [default: groupshift.toml here, then in the platform's configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Form of the results on standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Print results only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more about what is done; twice for all
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Colours; NO_COLOR is obeyed
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// No progress line, even on a terminal
    #[arg(long, global = true)]
    pub no_progress: bool,
}

impl From<&Global> for crate::cutover::live::Appearance {
    fn from(global: &Global) -> Self {
        Self {
            quiet: global.quiet,
            verbose: global.verbose,
            colour: match global.color {
                Color::Auto => anstream::ColorChoice::Auto,
                Color::Always => anstream::ColorChoice::Always,
                Color::Never => anstream::ColorChoice::Never,
            },
            progress: !global.no_progress,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
enum Command {
    /// The whole job on the built-in example tenant, without any network
    Demo(demo::Args),
    /// Read AD, Entra, Cloud Sync and Connect state into one bundle, live or from exported files
    Collect(collect::Args),
    /// Test what can be tested from here: connections, rights, permissions, gates
    Preflight(preflight::Args),
    /// Classify every written-back group, judge the gates, write the assessment
    Assess(assess::Args),
    /// What Cloud Sync will change, from one bundle; what changed between two
    Diff(diff::Args),
    /// Waves and steps, each with its gate and its undo; refuses what cannot move
    Plan(plan::Args),
    /// Execute a plan, see where a run stands, go on, take it back
    #[command(subcommand)]
    Cutover(cutover::Command),
    /// Look into the snapshots of a run; copy them to another host
    #[command(subcommand)]
    Snapshot(snapshot::Command),
    /// Run a plan on an in-memory twin of its directory and tenant, with faults on request
    Rehearse(rehearse::Args),
    /// Prove the result, on the day and every day after: every check, on live or collected state
    Audit(audit::Args),
    /// What the owners of applications need of each group: names, account, SID, nesting, what changes and when
    Handover(handover::Args),
    /// Look into a bundle
    #[command(subcommand)]
    Bundle(bundle::Command),
    /// Print the read-only PowerShell that writes connect-state.json on a Connect server
    ConnectScript(connect_script::Args),
    /// Show the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// A rule, gate or check in full: condition, why it matters, remedy, source
    Explain(explain::Args),
    /// The JSON Schema of a published file
    Schema(schema::Args),
    /// Shell completions
    Completions(shell::CompletionArgs),
    /// The manual page, as roff
    Man,
}

/// Runs the program on these arguments; returns the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let parser = command().color(colour_of(&arguments));
    let matches = parser.try_get_matches_from(arguments);
    let cli = match matches.and_then(|m| <Cli as clap::FromArgMatches>::from_arg_matches(&m)) {
        Ok(cli) => cli,
        Err(e) => {
            let asked_for = matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let _ = e.print();
            return if asked_for { exit::DONE } else { exit::USAGE };
        }
    };
    let mut printer = Printer::new(&cli.global);
    let done = match cli.command {
        Command::Demo(args) => demo::run(args, &cli.global, &mut printer),
        Command::Collect(args) => collect::run(args, &cli.global, &mut printer),
        Command::Preflight(args) => preflight::run(args, &cli.global, &mut printer),
        Command::Assess(args) => assess::run(args, &cli.global, &mut printer),
        Command::Diff(args) => diff::run(args, &cli.global, &mut printer),
        Command::Plan(args) => plan::run(args, &cli.global, &mut printer),
        Command::Cutover(command) => cutover::run(command, &cli.global, &mut printer),
        Command::Snapshot(command) => snapshot::run(command, &cli.global, &mut printer),
        Command::Rehearse(args) => rehearse::run(args, &cli.global, &mut printer),
        Command::Audit(args) => audit::run(args, &cli.global, &mut printer),
        Command::Handover(args) => handover::run(args, &cli.global, &mut printer),
        Command::Bundle(command) => bundle::run(command, &cli.global, &mut printer),
        Command::ConnectScript(args) => connect_script::run(args, &mut printer),
        Command::Config(command) => config::run(command, &cli.global, &mut printer),
        Command::Explain(args) => explain::run(args, &cli.global, &mut printer),
        Command::Schema(args) => schema::run(args, &mut printer),
        Command::Completions(args) => shell::completions(args, &mut printer),
        Command::Man => shell::man(&mut printer),
    };
    match done.and_then(|code| printer.finish().map(|()| code)) {
        Ok(code) => code,
        Err(e) => {
            printer.error(&e);
            e.exit_code()
        }
    }
}

/// What `--color` says, for usage errors, which are told before the arguments are understood.
fn colour_of(arguments: &[OsString]) -> ColorChoice {
    let text = |argument: &OsString| argument.to_str().map(str::to_owned);
    let mut values = arguments.iter().enumerate().filter_map(|(i, argument)| match text(argument)?.as_str() {
        "--color" => arguments.get(i + 1).and_then(text),
        other => other.strip_prefix("--color=").map(str::to_owned),
    });
    values.next_back().and_then(|value| Color::from_str(&value, false).ok()).map_or(ColorChoice::Auto, Color::choice)
}

/// The command tree, for completions and the manual page.
fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// The effective configuration, with its warnings printed.
fn configuration(global: &Global, printer: &mut Printer) -> Result<crate::config::Config, Error> {
    let config = crate::config::load_here(global.config.as_deref())?;
    for warning in &config.warnings {
        printer.warn(warning);
    }
    Ok(config)
}

impl Color {
    fn choice(self) -> ColorChoice {
        match self {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        }
    }
}
