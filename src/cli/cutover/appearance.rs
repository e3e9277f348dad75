//! How the operator's terminal is to look, from the options that every command has.

use crate::cli::{Color, Global};
use crate::cutover::live::operator::Appearance;
use std::io::IsTerminal;

impl From<&Global> for Appearance {
    fn from(global: &Global) -> Appearance {
        let colour = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        };
        Appearance { quiet: global.quiet, verbose: global.verbose, colour, progress: !global.no_progress }
    }
}
