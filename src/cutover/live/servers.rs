//! The Connect servers: a script is for the administrator of its server, who is told what to run and where the evidence
//! has to lie, or it is run here where this is that server and the configuration says so.

mod find;
mod run;

use super::flight::Flight;
use crate::config::{Config, ConnectMode};
use crate::cutover::port::{Done, Errand, SyncServer};
use crate::error::Result;
use crate::report::plain;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest time of a script. A full cycle of a large directory takes hours, and the scripts wait for cycles themselves.
const CYCLE: Duration = Duration::from_secs(24 * 60 * 60);
const OTHER: Duration = Duration::from_secs(5 * 60 * 60);

/// Connect servers as they are.
pub struct LiveServers {
    local: bool,
    /// This machine's name.
    host: String,
    flight: Flight,
    /// What runs scripts, where it is not searched for.
    program: Option<PathBuf>,
    longest: Option<Duration>,
}

impl LiveServers {
    pub fn new(config: &Config, flight: Flight) -> LiveServers {
        LiveServers {
            local: config.settings.connect.mode == ConnectMode::Local,
            host: whoami::hostname().unwrap_or_default(),
            flight,
            program: None,
            longest: None,
        }
    }

    fn is_here(&self, server: &str) -> bool {
        let short = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
        !self.host.is_empty() && short(&self.host) == short(server)
    }
}

impl SyncServer for LiveServers {
    async fn perform(&self, errand: &Errand) -> Result<Done> {
        if find::evidence(errand)? {
            return Ok(Done::Evidence);
        }
        let why = match () {
            () if !self.local => None,
            () if !self.is_here(&errand.server) => {
                Some(format!("This machine is {}, so it is not run from here.", plain(&self.host)))
            }
            // It cannot be undone, and asks for a name to be typed.
            () if errand.kind == "disable-v2" => {
                Some("It asks for the domain's name, so it is run by hand.".to_owned())
            }
            () => {
                let longest = self.longest.unwrap_or(if errand.kind.ends_with("-sync") { CYCLE } else { OTHER });
                let _in_flight = self.flight.begin();
                return run::run(errand, self.program.as_deref(), longest).await;
            }
        };
        let mut words = why.into_iter().collect::<Vec<_>>();
        words.push(instructions(errand, self.is_here(&errand.server)));
        Ok(Done::Waiting(words.join("\n")))
    }
}

/// A path as PowerShell takes it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "''"))
}

/// What a person has to do.
fn instructions(errand: &Errand, here: bool) -> String {
    let name = errand.script.file_name().map(PathBuf::from).unwrap_or_default();
    let mut out = Vec::new();
    let takes_back = if errand.undo { ", which takes the step back" } else { "" };
    out.push(format!("{} is for the Connect administrator of {}{takes_back}.", errand.step, plain(&errand.server)));
    match errand.kind.as_str() {
        "staging-on" => out.push("First: Microsoft Entra Connect, Configure, Configure staging mode: tick Enable staging mode, and finish without starting the synchronization.".to_owned()),
        "staging-off" => out.push("First: Microsoft Entra Connect, Configure, Configure staging mode: untick Enable staging mode, and finish.".to_owned()),
        _ => {}
    }
    let (script, evidence) = match here {
        true => (quoted(&errand.script), format!(" -OutFile {}", quoted(&errand.evidence))),
        false => {
            out.push(format!("Copy this script to the server: {}", errand.script.display()));
            (quoted(&Path::new(".").join(&name)).replace('/', "\\"), String::new())
        }
    };
    out.push(format!("In an elevated Windows PowerShell on {}: & {script}{evidence}", plain(&errand.server)));
    out.push(
        "(Where scripts are not allowed to run: Set-ExecutionPolicy -Scope Process Bypass, in the same window.)"
            .to_owned(),
    );
    if !here {
        out.push(format!("Put the evidence that it writes here, as this file: {}", errand.evidence.display()));
    }
    if errand.kind == "pending-exports" {
        let folder = errand.evidence.parent().unwrap_or(Path::new("."));
        out.push(format!("Put the csexport files beside it, under the names they have: {}", folder.display()));
    }
    out.join("\n")
}

#[cfg(test)]
mod tests;
