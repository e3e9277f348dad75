//! A script run on this machine: no shell in between, its output kept with the run, ended when it takes too long.

use crate::cutover::port::{Done, Errand};
use crate::error::{Error, Place, Result};
use crate::report::plain;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_millis(200);
/// Lines of its output that an error shows, from the end.
const SHOWN: usize = 12;
const LONGEST_TAIL: u64 = 16 << 10;

/// Ended with whoever waits for it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Windows PowerShell, which the ADSync module needs; elsewhere PowerShell, where it is installed.
pub(super) fn powershell() -> Option<PathBuf> {
    if cfg!(windows) {
        let root = PathBuf::from(std::env::var_os("SystemRoot")?);
        let program = root.join("System32").join("WindowsPowerShell").join("v1.0").join("powershell.exe");
        return program.is_file().then_some(program);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("pwsh")).find(|program| program.is_file())
}

pub(super) async fn run(errand: &Errand, program: Option<&Path>, longest: Duration) -> Result<Done> {
    let place = || Place::default().object(format!("{} on {}", errand.step, errand.server));
    let program = program.map(Path::to_owned).or_else(powershell).ok_or_else(|| {
        Error::failed("PowerShell is not on this machine, so the script cannot be run here")
            .at(place())
            .hint("Set mode = \"manual\" under [connect]: the run then says what to run on the server, and waits.")
    })?;
    let log = |kind: &str| errand.evidence.with_extension(kind);
    let (out, err) = (log("out.txt"), log("err.txt"));
    let create = |path: &Path| File::create(path).map_err(|e| Error::io("keep the script's output", path, e));
    let mut command = Command::new(&program);
    command
        .args(["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"])
        .arg(&errand.script)
        .arg("-OutFile")
        .arg(&errand.evidence)
        .stdin(Stdio::null())
        .stdout(create(&out)?)
        .stderr(create(&err)?);
    if let Some(folder) = errand.evidence.parent() {
        command.current_dir(folder);
    }
    apart(&mut command);
    let mut child = Running(command.spawn().map_err(|e| Error::io("run PowerShell", &program, e))?);
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.0.try_wait().map_err(|e| Error::io("wait for the script", &errand.script, e))? {
            break status;
        }
        if begun.elapsed() >= longest {
            drop(child);
            return Err(Error::failed(format!(
                "the script did not end within {} minutes and was ended",
                longest.as_secs().div_ceil(60)
            ))
            .at(place())
            .hint(format!("Look at what it wrote: {}", out.display()))
            .hint("A cycle that it began may still be running: wait for it, then: groupshift cutover resume"));
        }
        tokio::time::sleep(LOOK).await;
    };
    if !status.success() {
        let said = [tail(&err), tail(&out)].into_iter().flatten().collect::<Vec<_>>();
        // The mode is changed in the wizard only; the script reads it back.
        if errand.kind.starts_with("staging-") {
            let what = if errand.kind == "staging-on" { "tick" } else { "untick" };
            return Ok(Done::Waiting(format!(
                "{}: Microsoft Entra Connect, Configure, Configure staging mode: {what} Enable staging mode, and finish. The script said:\n{}",
                errand.step,
                said.join("\n")
            )));
        }
        let how = status.code().map_or_else(|| "was ended".to_owned(), |code| format!("ended with code {code}"));
        let mut error = Error::failed(format!("the script {how}: {}", said.join(" / "))).at(place());
        error = error.hint(format!("Its whole output: {} and {}", out.display(), err.display()));
        return Err(error.hint("Put right what it says, then: groupshift cutover resume (the script can be run again)"));
    }
    if std::fs::metadata(&errand.evidence).is_ok_and(|m| m.len() > 0) {
        return Ok(Done::Evidence);
    }
    Err(Error::failed("the script ended well and left no evidence")
        .at(Place::file(&errand.evidence))
        .hint(format!("Look at what it wrote: {}", out.display()))
        .hint("Then: groupshift cutover resume (the script is run again)"))
}

/// A Ctrl-C at this terminal is for this program: the script goes on to its end.
fn apart(command: &mut Command) {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        command.process_group(0);
    }
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
        command.creation_flags(CREATE_NEW_PROCESS_GROUP);
    }
}

/// The last lines of what it said.
fn tail(path: &Path) -> Vec<String> {
    use std::io::{Read, Seek, SeekFrom};
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LONGEST_TAIL)))?;
        let mut bytes = Vec::new();
        file.take(LONGEST_TAIL).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    lines[lines.len().saturating_sub(SHOWN)..].iter().map(|l| plain(l)).collect()
}
