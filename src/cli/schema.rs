//! `schema`: the JSON Schema of each published file.

use super::printer::Printer;
use crate::error::{Error, Result, exit};
use clap::ValueEnum;
use schemars::schema_for;

#[derive(clap::Args)]
pub struct Args {
    /// Which file
    #[arg(value_enum, value_name = "NAME")]
    name: Name,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// assessment.json
    Assessment,
    /// diff.json
    Diff,
    /// plan.json
    Plan,
    /// run.json
    Run,
    /// waves.toml
    Waves,
    /// decisions.toml
    Decisions,
    /// audit.json
    Audit,
    /// What `handover --format json` prints
    Handover,
    /// manifest.json of a bundle
    Bundle,
    /// connect-state.json, written by the collector script
    ConnectState,
    /// groupshift.toml
    Config,
    /// What `preflight --format json` prints
    Preflight,
}

pub fn run(args: Args, printer: &mut Printer) -> Result<u8> {
    let schema = match args.name {
        Name::Assessment => schema_for!(crate::report::model::Assessment),
        Name::Diff => schema_for!(crate::report::diff::model::Diff),
        Name::Plan => schema_for!(crate::plan::Plan),
        Name::Run => schema_for!(crate::report::run::model::RunReport),
        Name::Waves => schema_for!(crate::plan::policy::Policy),
        Name::Decisions => schema_for!(crate::plan::decisions::Decisions),
        Name::Audit => schema_for!(crate::report::audit::document::Document),
        Name::Handover => schema_for!(crate::report::handover::model::Handover),
        Name::Bundle => schema_for!(crate::bundle::Manifest),
        Name::ConnectState => schema_for!(crate::collect::connect::ConnectState),
        Name::Preflight => schema_for!(crate::preflight::model::Preflight),
        Name::Config => schema_for!(crate::config::Config),
    };
    let value = serde_json::to_value(schema).map_err(|e| Error::failed(format!("cannot print the schema: {e}")))?;
    printer.json(&value);
    Ok(exit::DONE)
}
