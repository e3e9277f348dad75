//! All printing: results to standard output, progress and diagnostics to standard error. Text from a directory is made
//! harmless before a terminal sees it.

use super::{Format, Global};
use crate::error::{Error, Result};
use crate::report::plain;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};

pub struct Printer {
    out: AutoStream<std::io::Stdout>,
    err: AutoStream<std::io::Stderr>,
    quiet: bool,
    verbose: u8,
    json: bool,
    progress: bool,
    /// The first failure to write results; a closed pipe is no failure.
    failed: Option<std::io::Error>,
}

pub const RED: Style = AnsiColor::Red.on_default().bold();
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
pub const GREEN: Style = AnsiColor::Green.on_default();
pub const CYAN: Style = AnsiColor::Cyan.on_default();
pub const BOLD: Style = Style::new().bold();
pub const DIM: Style = Style::new().dimmed();

impl Printer {
    pub fn new(global: &Global) -> Self {
        let choice = match global.color.choice() {
            clap::ColorChoice::Auto => ColorChoice::Auto,
            clap::ColorChoice::Always => ColorChoice::Always,
            clap::ColorChoice::Never => ColorChoice::Never,
        };
        Printer {
            out: AutoStream::new(std::io::stdout(), choice),
            err: AutoStream::new(std::io::stderr(), choice),
            quiet: global.quiet,
            verbose: global.verbose,
            json: global.format == Format::Json,
            progress: !global.no_progress && !global.quiet && std::io::stderr().is_terminal(),
            failed: None,
        }
    }
    /// A line of the result.
    pub fn line(&mut self, text: impl AsRef<str>) {
        if let Err(e) = writeln!(self.out, "{}", text.as_ref()) {
            self.failed.get_or_insert(e);
        }
    }
    /// The result as one JSON document.
    pub fn json(&mut self, value: &serde_json::Value) {
        self.line(serde_json::to_string_pretty(value).unwrap_or_default());
    }
    /// Something to know while it runs; not in JSON or quiet.
    pub fn note(&mut self, text: impl AsRef<str>) {
        if !self.quiet {
            let _ = writeln!(self.err, "{}", text.as_ref());
        }
    }
    /// Something for `-v`.
    pub fn detail(&mut self, text: impl AsRef<str>) {
        if self.verbose > 0 {
            let _ = writeln!(self.err, "{DIM}{}{DIM:#}", text.as_ref());
        }
    }
    pub fn warn(&mut self, text: impl AsRef<str>) {
        let _ = writeln!(self.err, "{YELLOW}warning:{YELLOW:#} {}", text.as_ref());
    }
    pub fn error(&mut self, e: &Error) {
        let _ = writeln!(self.err, "{RED}error:{RED:#} {}", plain_lines(&e.to_string()));
        for hint in &e.hints {
            let _ = writeln!(self.err, "  {CYAN}hint:{CYAN:#} {}", plain_lines(hint));
        }
    }
    pub fn is_json(&self) -> bool {
        self.json
    }
    /// A progress line on a terminal; nothing elsewhere.
    pub fn progress(&self, what: &str) -> ProgressBar {
        if !self.progress {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new_spinner().with_message(what.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(std::time::Duration::from_millis(120));
        bar
    }
    pub fn finish(&mut self) -> Result<()> {
        if let Err(e) = self.out.flush() {
            self.failed.get_or_insert(e);
        }
        match self.failed.take() {
            Some(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Error::failed(format!("cannot print the result: {e}")))
            }
            _ => Ok(()),
        }
    }
}

/// Hazardous characters shown, line ends kept.
fn plain_lines(text: &str) -> String {
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}
