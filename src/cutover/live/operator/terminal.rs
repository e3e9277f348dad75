//! Lines, a progress bar where there is a terminal, and answers typed into it.

use crate::cutover::port::Level;
use crate::report::plain;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use chrono::Utc;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How often progress is told in a line where no bar can be drawn.
const EVERY: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(250);

/// How the operator wants to be spoken to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Appearance {
    /// Only what is wrong.
    pub quiet: bool,
    pub verbose: u8,
    pub colour: ColorChoice,
    pub progress: bool,
}

/// Standard error, shared by all who have something to say.
pub struct Terminal {
    appearance: Appearance,
    out: Mutex<Out>,
}

struct Out {
    to: Box<dyn Write + Send>,
    colour: bool,
    bar: Option<(String, ProgressBar)>,
    draws: bool,
    told: Option<(String, Instant)>,
}

impl Terminal {
    pub fn of(appearance: Appearance) -> Terminal {
        let stream = AutoStream::new(std::io::stderr(), appearance.colour);
        let colour = stream.current_choice() != ColorChoice::Never;
        let draws = appearance.progress && !appearance.quiet && std::io::stderr().is_terminal();
        Terminal { appearance, out: Mutex::new(Out { to: Box::new(stream), colour, bar: None, draws, told: None }) }
    }

    /// Over something else than a terminal.
    pub fn over(appearance: Appearance, to: Box<dyn Write + Send>) -> Terminal {
        Terminal { appearance, out: Mutex::new(Out { to, colour: false, bar: None, draws: false, told: None }) }
    }

    fn out<T>(&self, act: impl FnOnce(&mut Out) -> T) -> T {
        act(&mut self.out.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn line(&self, level: Level, text: &str) {
        if self.appearance.quiet && !matches!(level, Level::Warning | Level::Trouble) {
            return;
        }
        let style = match level {
            Level::Step => Style::new().bold(),
            Level::Info | Level::Write => Style::new(),
            Level::Warning => AnsiColor::Yellow.on_default(),
            Level::Trouble => AnsiColor::Red.on_default().bold(),
        };
        self.out(|out| {
            // A step is over when the next one is named.
            if level == Level::Step {
                out.clear();
            }
            out.write(style, text);
        });
    }

    /// For `-v`.
    pub fn detail(&self, text: &str) {
        if self.appearance.verbose > 0 {
            self.line(Level::Info, text);
        }
    }

    pub fn question(&self, text: &str) {
        self.out(|out| {
            out.clear();
            let text: Vec<String> = text.lines().map(plain).collect();
            let (on, off) = if out.colour { (Style::new().bold(), Style::new().bold()) } else { Default::default() };
            let _ = write!(out.to, "{on}{}{off:#} ", text.join("\n"));
            let _ = out.to.flush();
        });
    }

    pub fn progress(&self, what: &str, done: u64, of: Option<u64>) {
        if self.appearance.quiet || !self.appearance.progress {
            return;
        }
        self.out(|out| if out.draws { out.draw(what, done, of) } else { out.tell(what, done, of) });
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.out(Out::clear);
    }
}

impl Out {
    fn write(&mut self, style: Style, text: &str) {
        let at = Utc::now().format("%H:%M:%S");
        let style = if self.colour { style } else { Style::new() };
        let Out { to, bar, .. } = self;
        let mut lines = || {
            for (n, line) in text.lines().enumerate() {
                let head = if n == 0 { format!("{at} ") } else { " ".repeat(9) };
                let _ = writeln!(to, "{head}{style}{}{style:#}", plain(line));
            }
            let _ = to.flush();
        };
        match bar {
            Some((_, bar)) => bar.suspend(lines),
            None => lines(),
        }
    }

    fn draw(&mut self, what: &str, done: u64, of: Option<u64>) {
        if self.bar.as_ref().is_none_or(|(name, _)| name != what) {
            self.clear();
            let bar = ProgressBar::with_draw_target(of, ProgressDrawTarget::stderr());
            let template = match of {
                Some(_) => "{spinner} {msg} {wide_bar} {pos}/{len} ({elapsed})",
                None => "{spinner} {msg} ({elapsed})",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(plain(what));
            bar.enable_steady_tick(TICK);
            self.bar = Some((what.to_owned(), bar));
        }
        if let Some((_, bar)) = &self.bar {
            if let Some(of) = of {
                bar.set_length(of);
            }
            bar.set_position(done);
        }
    }

    /// A line now and then: somebody may read the file that this goes to while it grows.
    fn tell(&mut self, what: &str, done: u64, of: Option<u64>) {
        let fresh = self.told.as_ref().is_none_or(|(name, at)| name != what || at.elapsed() >= EVERY);
        if !fresh {
            return;
        }
        self.told = Some((what.to_owned(), Instant::now()));
        let text = match of {
            Some(of) => format!("{what}: {done} of {of}"),
            None => what.to_owned(),
        };
        self.write(Style::new(), &text);
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.told = None;
    }
}

/// Where answers come from.
pub(super) struct Questions {
    interactive: bool,
    input: Mutex<Option<Box<dyn BufRead + Send>>>,
    lines: tokio::sync::Mutex<Option<mpsc::UnboundedReceiver<std::io::Result<String>>>>,
}

impl Questions {
    pub fn of_standard_input() -> Questions {
        let interactive = std::io::stdin().is_terminal();
        Questions::over(Box::new(BufReader::new(std::io::stdin())), interactive)
    }

    pub fn over(input: Box<dyn BufRead + Send>, interactive: bool) -> Questions {
        Questions { interactive, input: Mutex::new(Some(input)), lines: tokio::sync::Mutex::new(None) }
    }

    pub fn somebody_is_there(&self) -> bool {
        self.interactive
    }

    /// The next line; nothing at the end of the input. What was typed before the question was asked does not answer it.
    pub async fn answer(&self) -> std::io::Result<Option<String>> {
        let mut lines = self.lines.lock().await;
        if lines.is_none() {
            *lines = self.input.lock().unwrap_or_else(PoisonError::into_inner).take().map(read_lines);
        } else if let Some(lines) = lines.as_mut() {
            while lines.try_recv().is_ok() {}
        }
        match lines.as_mut() {
            Some(lines) => lines.recv().await.transpose(),
            None => Ok(None),
        }
    }
}

/// Reads on a thread of its own: nothing can take a read of the terminal back.
fn read_lines(mut input: Box<dyn BufRead + Send>) -> mpsc::UnboundedReceiver<std::io::Result<String>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        loop {
            let mut line = String::new();
            let sent = match input.read_line(&mut line) {
                Ok(0) => return,
                Ok(_) => sender.send(Ok(line.trim_end_matches(['\r', '\n']).to_owned())),
                Err(e) => {
                    let _ = sender.send(Err(e));
                    return;
                }
            };
            if sent.is_err() {
                return;
            }
        }
    });
    receiver
}
