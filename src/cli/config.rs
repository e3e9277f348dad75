//! `config show`: the effective configuration and where each value came from.

use super::printer::Printer;
use super::{Global, configuration};
use crate::error::{Error, Result, exit};

#[derive(clap::Subcommand)]
pub enum Command {
    /// The effective configuration, where each value came from, secrets masked
    Show,
}

pub fn run(command: Command, global: &Global, printer: &mut Printer) -> Result<u8> {
    match command {
        Command::Show => {
            let config = configuration(global, printer)?;
            let shown = crate::config::show(&config);
            if printer.is_json() {
                let value = serde_json::to_value(&shown)
                    .map_err(|e| Error::failed(format!("cannot print the configuration: {e}")))?;
                printer.json(&value);
            } else {
                printer.line(shown.table().trim_end());
            }
            Ok(exit::DONE)
        }
    }
}
