//! `handover`: what the owners of applications need of each group that moves or is governed.

use super::assess::{dated, settings};
use super::printer::{BOLD, Printer, RED};
use super::state::{State, Wanted};
use super::{Global, configuration};
use crate::assess::Assessed;
use crate::audit::Evidence;
use crate::directory::ObjectGuid;
use crate::error::{Result, exit};
use crate::plan;
use crate::plan::difference::{Difference, ScopeChoice, forecast};
use crate::report::folder::Folder;
use crate::report::handover::{self, FILE_NAMES};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// Use this bundle instead of the live state
    #[arg(long, value_name = "BUNDLE")]
    bundle: Option<PathBuf>,
    /// The plan: says when each group moves, and which names it keeps
    #[arg(long, value_name = "PLAN.json")]
    plan: Option<PathBuf>,
    /// Folder for handover.csv and handover.md [default: a dated folder under reports/]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace files that this program wrote into the folder before
    #[arg(long)]
    force: bool,
    /// Go on though the live collection falls short; the files say so
    #[arg(long, conflicts_with = "bundle")]
    accept_partial: bool,
}

pub fn run(args: Args, global: &Global, printer: &mut Printer) -> Result<u8> {
    let config = configuration(global, printer)?;
    let settings = settings(&config, &[])?;
    let plan = args.plan.as_deref().map(plan::read).transpose()?;
    let out = args.out.unwrap_or_else(|| dated("handover"));
    let folder = Folder::prepare(&out, &FILE_NAMES, args.force)?;
    let wanted = Wanted {
        bundle: args.bundle.as_deref(),
        audit: true,
        events: false,
        graph_budget: None,
        accept_partial: args.accept_partial,
        keep: None,
    };
    let Some(state) = State::read(wanted, &config, printer)? else {
        printer.note("interrupted: nothing was written");
        return Ok(exit::INTERRUPTED);
    };
    let bar = printer.progress("predicting");
    let evidence = Evidence::read(&state.dir, &state.opened)?;
    let governed = |group: ObjectGuid| -> Vec<String> {
        let Some(packages) = &evidence.packages else { return Vec::new() };
        packages
            .grants(group)
            .iter()
            .filter(|grant| grant.is_membership())
            .map(|grant| packages.name(grant.package).to_owned())
            .collect()
    };
    let assessed = Assessed::run(&state.inventory, &settings, state.about())?;
    let scope = ScopeChoice::Planned;
    let forecast = forecast(&assessed, &settings, scope, None);
    let difference = Difference::of(&forecast, &settings, scope, &state.about());
    let made = plan::handover(&difference, &state.inventory, plan.as_ref(), &governed);
    bar.set_message("writing");
    handover::write(&made, &folder)?;
    bar.finish_and_clear();
    if printer.is_json() {
        printer.json(&serde_json::to_value(&made).unwrap_or_default());
        return Ok(exit::DONE);
    }
    if !made.bundle.complete {
        printer.line(format!("{RED}PARTIAL{RED:#}: the collection fell short; groups or members may be missing"));
    }
    let renamed = made.groups.iter().filter(|g| g.dn_after != [g.dn.clone()]).count();
    let nested = made.groups.iter().filter(|g| g.nested_in_count > 0).count();
    let losing = made.groups.iter().filter(|g| g.members_lost > 0).count();
    printer.line(format!(
        "{BOLD}{} groups to hand over{BOLD:#}: the distinguished name of {renamed} may change, {nested} are nested in other AD groups, {losing} lose members",
        made.groups.len()
    ));
    if made.groups.iter().any(|g| g.account.is_none()) {
        printer.note("The input lacks the short name of a domain (nETBIOSName of CN=Partitions,CN=Configuration), so domain\\account is not given for all.");
    }
    printer.line(format!("{BOLD}Files{BOLD:#}: {}", out.display()));
    Ok(exit::DONE)
}
