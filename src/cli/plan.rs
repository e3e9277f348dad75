//! `plan`: a bundle in, waves and steps out.

use super::assess::settings;
use super::printer::{BOLD, DIM, GREEN, Printer, RED, YELLOW};
use super::{Global, configuration, evaluator};
use crate::assess::{AboutBundle, Assessed};
use crate::bundle;
use crate::directory::inventory::Evaluation;
use crate::error::{Error, Result, exit};
use crate::graph::oracle::Answer;
use crate::plan::model::{Holds, Stop};
use crate::plan::toml_file::{self, TomlText};
use crate::plan::{self, Input, Made, Order, Plan, WaveSize};
use crate::report::plain;
use crate::report::plan::{Files, headline, sittings, write, write_in_parts};
use clap::ValueEnum;
use serde_json::json;
use std::path::{Component, Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// The bundle to plan from
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// The plan's file; its pages and scripts are written beside it
    #[arg(long, value_name = "PLAN.json")]
    out: PathBuf,
    /// How waves are cut (see "groupshift schema waves")
    #[arg(long, value_name = "waves.toml")]
    waves: Option<PathBuf>,
    /// Recorded decisions (see "groupshift schema decisions")
    #[arg(long, value_name = "decisions.toml")]
    decisions: Option<PathBuf>,
    /// V2 off first, as documented, or after a first wave was verified
    #[arg(long, value_enum, value_name = "ORDER", default_value_t = OrderArg::Documented)]
    order: OrderArg,
    /// Pass a gate that cannot be observed from here on your word, for example "E15=nobody plans it"
    #[arg(long = "accept", value_name = "GATE=REASON")]
    accept: Vec<String>,
    /// Write the plan though gates stop it, marked as a draft that no run executes
    #[arg(long)]
    draft: bool,
    /// Ask the tenant's own evaluator about the proposed mappings; one that it reads otherwise is not proposed
    #[arg(long)]
    live: bool,
    /// Groups over which it is asked
    #[arg(long, value_name = "N", default_value_t = 20, requires = "live", value_parser = clap::value_parser!(u16).range(1..=1000))]
    live_sample: u16,
    /// Replace a plan that this program wrote there before
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum OrderArg {
    Documented,
    CanaryFirst,
}

impl From<OrderArg> for Order {
    fn from(value: OrderArg) -> Order {
        match value {
            OrderArg::Documented => Order::Documented,
            OrderArg::CanaryFirst => Order::CanaryFirst,
        }
    }
}

pub fn run(args: Args, global: &Global, printer: &mut Printer) -> Result<u8> {
    let files = Files::beside(&args.out)?;
    files.check(args.force)?;
    let config = configuration(global, printer)?;
    let settings = settings(&config, &args.accept)?;
    let text = |path: &Option<PathBuf>| path.as_deref().map(toml_file::read).transpose();
    let (waves, decisions) = (text(&args.waves)?, text(&args.decisions)?);
    let bar = printer.progress("reading the bundle");
    let (opened, inventory) = bundle::open(&args.bundle)?;
    bar.set_message("assessing");
    let assessed = Assessed::run(&inventory, &settings, AboutBundle::of(&opened))?;
    bar.set_message("planning");
    let input = Input {
        assessed: &assessed,
        order: args.order.into(),
        policy: file(&waves, &args.waves),
        decisions: file(&decisions, &args.decisions),
        bundle_path: relative(&args.bundle, &files.json),
        scripts_folder: files.scripts.clone(),
        draft: args.draft,
    };
    for idle in plan::idle(&input)? {
        bar.suspend(|| printer.warn(plain(&idle)));
    }
    let mut evaluations = Vec::new();
    if args.live {
        bar.set_message("asking the tenant's evaluator");
        evaluations = asked(&input, usize::from(args.live_sample), |questions| {
            bar.suspend(|| evaluator::ask(&config, &inventory, questions, printer))
        })?;
        bar.set_message("planning");
    }
    let made = plan::plan_with(&input, &evaluations, |assembly| {
        bar.set_message("writing the plan");
        write_in_parts(assembly, &files, args.force)
    })?;
    let code = match made {
        Made::Blocked(stops) => {
            bar.finish_and_clear();
            blocked(&stops, printer);
            exit::GATE
        }
        Made::Plan((plan, sizes)) => {
            bar.finish_and_clear();
            show(&plan, &sizes, &files, printer);
            match plan.stops.iter().any(|s| s.holds == Holds::Plan || matches!(s.kind.as_str(), "limit" | "empty")) {
                true => exit::GATE,
                false => exit::DONE,
            }
        }
    };
    Ok(code)
}

/// Mappings that the tenant refuses, one after another, until one stands: there are few forms.
const MOST_REFUSALS: usize = 8;

/// What the tenant gives for the mappings that would be proposed; those that it refuses make way for others, which it is
/// asked about in their turn.
fn asked(
    input: &Input<'_>,
    most: usize,
    mut ask: impl FnMut(&[Evaluation]) -> Result<Vec<Answer>>,
) -> Result<Vec<Evaluation>> {
    let mut known: Vec<Evaluation> = Vec::new();
    for _ in 0..MOST_REFUSALS {
        let made = plan::plan_with(input, &known, |assembly| Ok(assembly.questions(most)))?;
        let Made::Plan(mut open) = made else { break };
        open.retain(|q| !known.iter().any(|k| (&k.expression, &k.group) == (&q.expression, &q.group)));
        if open.is_empty() {
            break;
        }
        let answers = ask(&open)?;
        known.extend(open.into_iter().zip(answers).map(|(question, answer)| answer.of(question)));
    }
    Ok(known)
}

fn file<'a>(text: &'a Option<String>, path: &'a Option<PathBuf>) -> Option<TomlText<'a>> {
    Some(TomlText { text: text.as_deref()?, path: path.as_deref()? })
}

/// The path of the bundle from the plan's folder, with forward slashes; as given, where there is no such path.
fn relative(bundle: &Path, plan: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let full = |path: &Path| {
        let mut out = PathBuf::new();
        for part in here.join(path).components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => drop(out.pop()),
                other => out.push(other),
            }
        }
        out
    };
    let (bundle_full, folder) = (full(bundle), full(plan));
    let folder = folder.parent().unwrap_or(Path::new("")).to_owned();
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (folder.components().collect(), bundle_full.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return bundle.to_string_lossy().replace('\\', "/");
    }
    let up = from[shared..].iter().map(|_| "..".to_owned());
    let down = to[shared..].iter().map(|c| c.as_os_str().to_string_lossy().into_owned());
    let path: Vec<String> = up.chain(down).collect();
    if path.is_empty() { ".".to_owned() } else { path.join("/") }
}

fn blocked(stops: &[Stop], printer: &mut Printer) {
    let standing: Vec<&Stop> = stops.iter().filter(|s| s.holds == Holds::Plan).collect();
    if printer.is_json() {
        return printer.json(&json!({ "plan": null, "stops": standing }));
    }
    printer.line(format!("{RED}No plan{RED:#}: {} gate(s) stop it", standing.len()));
    for stop in &standing {
        printer.line(format!("  {RED}stop{RED:#}  {}", plain(&stop.message)));
        printer.line(format!("        {DIM}{}{DIM:#}", plain(&stop.remediation)));
    }
    printer.note("A gate that cannot be observed is passed with --accept \"GATE=REASON\"; --draft writes the plan all the same, as one that no run executes.");
}

/// What was planned, in a few lines.
pub fn show(plan: &Plan, sizes: &[WaveSize], files: &Files, printer: &mut Printer) {
    if printer.is_json() {
        return printer.json(&json!({
            "plan": files.json, "files": [&files.json, &files.html, &files.md], "sha256": plan.sha256,
            "executable": plan.executable, "summary": plan.summary, "stops": plan.stops,
            "waves": plan.waves.iter().zip(sizes).map(|(w, size)| json!({ "name": w.name, "groups": size.groups, "at": w.at })).collect::<Vec<_>>(),
        }));
    }
    if !plan.executable {
        printer.line(format!("{RED}DRAFT{RED:#}: this plan cannot be executed"));
    }
    printer.line(format!("{BOLD}Plan{BOLD:#}: {}", plain(&headline(plan))));
    for sitting in sittings(plan, sizes) {
        printer.line(format!("  {}: {}", sitting.when, plain(&sitting.purpose)));
    }
    for stop in &plan.stops {
        let (style, what) = match stop.holds {
            Holds::Plan | Holds::Run => (RED, "holds the plan back"),
            Holds::Start => (YELLOW, "before the run"),
            Holds::Irreversible => (YELLOW, "before V2 goes off"),
        };
        printer.line(format!("  {style}{what}{style:#}: {}", plain(&stop.message)));
    }
    let s = &plan.summary;
    printer.line(format!(
        "  {GREEN}{} groups in waves{GREEN:#}, {} outside ({} without a decision); members: {} added, {} removed, {} perhaps removed",
        s.planned, s.outside, s.undecided, s.member_adds, s.member_removals, s.possible_removals
    ));
    printer.line(format!("{BOLD}Plan SHA-256{BOLD:#}: {}", plan.sha256));
    printer.line(format!(
        "{BOLD}Plan written{BOLD:#}: {}, {}, {}",
        files.json.display(),
        files.html.display(),
        files.md.display()
    ));
}

/// The example's policy: a start on a Tuesday, small waves.
pub const EXAMPLE_POLICY: &str = include_str!("../../templates/example-waves.toml");
/// And its decisions.
pub const EXAMPLE_DECISIONS: &str = include_str!("../../templates/example-decisions.toml");

/// The example tenant's plan. Its gates stop a plan that runs, so it is a draft: it shows what stands in the way as well.
pub fn example(assessed: &Assessed<'_>, bundle_path: &str) -> Result<Plan> {
    let path = |name: &'static str| Path::new(name);
    let input = Input {
        assessed,
        order: Order::Documented,
        policy: Some(TomlText { text: EXAMPLE_POLICY, path: path("waves.toml") }),
        decisions: Some(TomlText { text: EXAMPLE_DECISIONS, path: path("decisions.toml") }),
        bundle_path: bundle_path.to_owned(),
        scripts_folder: "plan-scripts".to_owned(),
        draft: true,
    };
    match plan::plan(&input)? {
        Made::Plan(plan) => Ok(*plan),
        Made::Blocked(_) => Err(Error::failed("the example's plan is a draft and cannot be stopped by a gate")),
    }
}

/// The decisions once somebody has decided about every group that the end of V2 changes.
pub const MENDED_DECISIONS: &str = include_str!("../../templates/example-mended-decisions.toml");

/// The plan of the example after it was put right: one that a run executes. What nothing can observe is attested.
pub fn demo_mended(assessed: &Assessed<'_>, out: &Path) -> Result<Plan> {
    let path = |name: &'static str| Path::new(name);
    let input = Input {
        assessed,
        order: Order::Documented,
        policy: Some(TomlText { text: EXAMPLE_POLICY, path: path("waves.toml") }),
        decisions: Some(TomlText { text: MENDED_DECISIONS, path: path("decisions.toml") }),
        bundle_path: "../bundle".to_owned(),
        scripts_folder: "plan-scripts".to_owned(),
        draft: false,
    };
    let Made::Plan(plan) = plan::plan(&input)? else {
        return Err(Error::failed("gates still stop the plan of the example that was put right"));
    };
    let files = Files::beside(&out.join("plan.json"))?;
    write(&plan, &files, false)?;
    for (name, text) in [("waves.toml", EXAMPLE_POLICY), ("decisions.toml", MENDED_DECISIONS)] {
        let path = out.join(name);
        std::fs::write(&path, text).map_err(|e| Error::io("write", &path, e))?;
    }
    Ok(*plan)
}

/// The step of `demo`.
pub fn demo(assessed: &Assessed<'_>, out: &Path, printer: &mut Printer) -> Result<()> {
    let files = Files::beside(&out.join("plan.json"))?;
    let plan = example(assessed, "../bundle")?;
    write(&plan, &files, false)?;
    for (name, text) in [("waves.toml", EXAMPLE_POLICY), ("decisions.toml", EXAMPLE_DECISIONS)] {
        let path = out.join(name);
        std::fs::write(&path, text).map_err(|e| Error::io("write", &path, e))?;
    }
    if !printer.is_json() {
        let sizes: Vec<WaveSize> = plan.waves.iter().map(WaveSize::of).collect();
        show(&plan, &sizes, &files, printer);
    }
    Ok(())
}
