//! `completions` and `man`: for packagers and shells.

use super::command;
use super::printer::Printer;
use crate::error::{Error, Result, exit};
use clap_complete::Shell;

#[derive(clap::Args)]
pub struct CompletionArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub fn completions(args: CompletionArgs, printer: &mut Printer) -> Result<u8> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "groupshift", &mut out);
    printer.line(String::from_utf8_lossy(&out).trim_end());
    Ok(exit::DONE)
}

pub fn man(printer: &mut Printer) -> Result<u8> {
    let mut out = Vec::new();
    clap_mangen::Man::new(command())
        .render(&mut out)
        .map_err(|e| Error::failed(format!("cannot render the manual page: {e}")))?;
    printer.line(String::from_utf8_lossy(&out).trim_end());
    Ok(exit::DONE)
}
