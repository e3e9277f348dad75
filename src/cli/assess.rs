//! `assess`: a bundle in, the assessment out.

use super::printer::{BOLD, DIM, GREEN, Printer, RED, YELLOW};
use super::{Global, configuration};
use crate::assess::{self, Accepted, Assessed, Limits, ScopeMode, Settings};
use crate::bundle;
use crate::config::Config;
use crate::error::{Result, exit};
use crate::report::folder::Folder;
use crate::report::html::RuleText;
use crate::report::model::{GateStatus, Severity, View};
use crate::report::{self, plain};
use clap::ValueEnum;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// The bundle to assess
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// Folder for the reports [default: a dated folder under reports/]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace reports that this program wrote into the folder before
    #[arg(long)]
    force: bool,
    /// Which reports to write
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LIST", default_value = "all")]
    reports: Vec<Kind>,
    #[command(flatten)]
    limit: LimitArgs,
    /// Pass a gate that cannot be observed from here on your word, for example "E14=checked in the portal"
    #[arg(long = "accept", value_name = "GATE=REASON")]
    accept: Vec<String>,
}

#[derive(clap::Args)]
pub struct LimitArgs {
    /// Exit with 3 if a finding or a failed gate is at or above this severity
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<SeverityArg>,
    /// Count what is unknown too
    #[arg(long, requires = "fail_on")]
    pub fail_on_unknown: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum SeverityArg {
    Blocker,
    High,
    Medium,
    Low,
    Info,
}

impl From<SeverityArg> for Severity {
    fn from(value: SeverityArg) -> Severity {
        match value {
            SeverityArg::Blocker => Severity::Blocker,
            SeverityArg::High => Severity::High,
            SeverityArg::Medium => Severity::Medium,
            SeverityArg::Low => Severity::Low,
            SeverityArg::Info => Severity::Info,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    All,
    Html,
    Csv,
    Json,
    Md,
    /// Only judge and print
    None,
}

/// The reports' names, in the order they are written.
pub const FILE_NAMES: [&str; 4] = [FILES[0].0, FILES[1].0, FILES[2].0, FILES[3].0];

/// File names and which they are.
pub const FILES: [(&str, Kind); 4] = [
    ("assessment.json", Kind::Json),
    ("assessment.html", Kind::Html),
    ("assessment.csv", Kind::Csv),
    ("assessment.md", Kind::Md),
];

pub fn run(args: Args, global: &Global, printer: &mut Printer) -> Result<u8> {
    let config = configuration(global, printer)?;
    let settings = settings(&config, &args.accept)?;
    let names: Vec<&str> = FILES
        .iter()
        .filter(|(_, k)| args.reports.contains(&Kind::All) || args.reports.contains(k))
        .map(|(n, _)| *n)
        .collect();
    let out = args.out.unwrap_or_else(|| dated("assessment"));
    let bar = printer.progress("reading the bundle");
    let read = bundle::open(&args.bundle);
    bar.set_message("assessing");
    let (opened, inventory) = read?;
    let assessed = Assessed::run(&inventory, &settings, assess::AboutBundle::of(&opened))?;
    let of = &assessed.header().bundle;
    let container = of.writeback_container.as_deref().unwrap_or("not known");
    let from = of.writeback_container_from.as_deref().unwrap_or("nothing names it");
    printer.detail(format!("writeback container: {} ({from})", plain(container)));
    bar.set_message("writing the reports");
    let written = if names.is_empty() {
        None
    } else {
        Some(write_reports(&assessed, &Folder::prepare(&out, &names, args.force)?, &names)?)
    };
    bar.finish_and_clear();
    show(&assessed, written.as_ref().map(|_| out.as_path()), &names, printer);
    let limit = args.limit.fail_on.map(Severity::from);
    match limit {
        Some(limit) if assessed.reaches(limit, args.limit.fail_on_unknown) => Ok(exit::FINDINGS),
        _ => Ok(exit::DONE),
    }
}

/// `reports/NAME-20260131-235959`.
pub fn dated(name: &str) -> PathBuf {
    Path::new("reports").join(format!("{name}-{}", chrono::Local::now().format("%Y%m%d-%H%M%S")))
}

pub fn settings(config: &Config, accept: &[String]) -> Result<Settings> {
    let s = &config.settings;
    let p = &s.policy;
    Ok(Settings {
        limits: Limits {
            max_group_members: p.max_group_members,
            warn_group_members: p.warn_group_members,
            max_groups_selected: p.max_groups_selected,
            max_links_selected: p.max_links_selected,
            max_groups_filtered: p.max_groups_filtered,
            max_links_filtered: p.max_links_filtered,
            max_tenant_users: p.max_tenant_users,
            max_tenant_groups: p.max_tenant_groups,
            max_tenant_memberships: p.max_tenant_memberships,
        },
        scope: match s.cloud_sync.scope {
            crate::config::Scope::Selected => ScopeMode::Selected,
            crate::config::Scope::Attribute => ScopeMode::Attribute,
        },
        writeback_ou: s.ad.writeback_ou.clone(),
        agent_account: s.ad.agent_account.clone(),
        domain: s.cloud_sync.domain.clone(),
        service_principal: s.cloud_sync.service_principal.clone(),
        accepted: accepted(accept)?,
    })
}

fn accepted(texts: &[String]) -> Result<Vec<Accepted>> {
    let by = crate::cutover::store::user();
    let words = super::accept::words(texts)?.into_iter();
    Ok(words.map(|(gate, reason)| Accepted { gate: gate.to_uppercase(), reason, by: by.clone() }).collect())
}

/// Writes the named reports; returns name and size of each.
pub fn write_reports(view: &dyn View, folder: &Folder, names: &[&'static str]) -> Result<Vec<(&'static str, u64)>> {
    names
        .iter()
        .map(|name| {
            let bytes = folder.write(name, |out| match *name {
                "assessment.json" => report::json::write(view, out),
                "assessment.csv" => report::csv::write(view, out),
                "assessment.md" => report::markdown::write(view, out),
                _ => report::html::write(view, &rule_texts(), out),
            })?;
            Ok((*name, bytes))
        })
        .collect()
}

/// The registry's texts, for the page's appendix.
fn rule_texts() -> Vec<RuleText<'static>> {
    let sources = |keys: &'static [&'static str]| {
        keys.iter()
            .map(|key| report::html::SourceText { key, title: assess::sources::title(key).unwrap_or(key), url: None })
            .collect()
    };
    let rules = assess::rules().iter().map(|r| RuleText {
        id: r.id,
        title: r.title,
        why: r.why,
        remedy: r.remedy,
        sources: sources(r.sources),
    });
    let gates = assess::gates().iter().map(|g| RuleText {
        id: g.id,
        title: g.title,
        why: g.why,
        remedy: g.remedy,
        sources: sources(g.sources),
    });
    rules.chain(gates).collect()
}

/// What was found, in a few lines.
pub fn show(view: &dyn View, out: Option<&Path>, names: &[&str], printer: &mut Printer) {
    let header = view.header();
    let s = &header.summary;
    if printer.is_json() {
        let files: Vec<PathBuf> = out.map(|o| names.iter().map(|n| o.join(n)).collect()).unwrap_or_default();
        return printer.json(&json!({ "out": out, "files": files, "bundle": header.bundle, "summary": s, "gates": header.gates, "limits": header.limits }));
    }
    if !header.bundle.complete {
        printer
            .line(format!("{RED}PARTIAL{RED:#}: the collection fell short; what rests on the missing part is unknown"));
    }
    printer.line(format!(
        "{BOLD}{} groups{BOLD:#}: {GREEN}{} migrate{GREEN:#}, {YELLOW}{} fix{YELLOW:#}, {} review, {} exclude; {} with open questions",
        s.groups, s.migrate, s.fix, s.review, s.exclude, s.unknown
    ));
    let mut rules: Vec<_> = s.rules.iter().filter(|r| r.attention > 0 && r.severity >= Severity::Medium).collect();
    rules.sort_by_key(|r| (std::cmp::Reverse(r.severity), std::cmp::Reverse(r.attention)));
    for rule in rules.iter().take(8) {
        printer.line(format!("  {:>7}  {:7}  {} {}", rule.attention, rule.severity.as_str(), rule.rule, rule.title));
    }
    let of = |status: GateStatus| header.gates.iter().filter(move |g| g.status == status);
    printer.line(format!(
        "{BOLD}Gates{BOLD:#}: {} pass, {} fail, {} unknown",
        of(GateStatus::Pass).count(),
        of(GateStatus::Fail).count(),
        of(GateStatus::Unknown).count()
    ));
    for gate in of(GateStatus::Fail) {
        printer.line(format!("  {RED}fail{RED:#}     {} {}: {}", gate.id, gate.title, plain(&gate.message)));
    }
    for gate in of(GateStatus::Unknown) {
        printer.line(format!("  {YELLOW}unknown{YELLOW:#}  {} {}", gate.id, gate.title));
    }
    if !header.problems.is_empty() {
        printer.line(format!("{} problem(s) in the input, listed in the reports", header.problems.len()));
    }
    for limit in &header.limits {
        printer.line(format!("{DIM}Limits: {}{DIM:#}", plain(limit)));
    }
    if let Some(out) = out {
        printer.line(format!("{BOLD}Reports{BOLD:#}: {}", out.display()));
    }
}
