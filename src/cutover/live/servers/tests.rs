//! With a small program in PowerShell's place: what it is called with, what becomes of its output, its end.

use super::*;
use crate::error::Error;
use serde_json::json;
use std::fs;

struct Lab {
    folder: tempfile::TempDir,
    errand: Errand,
}

fn lab(kind: &str) -> Lab {
    let folder = tempfile::tempdir().unwrap();
    for part in ["scripts", "evidence"] {
        fs::create_dir(folder.path().join(part)).unwrap();
    }
    // A name that a shell would take apart.
    let script = folder.path().join("scripts/S4 $(touch hole); 'x'-1.ps1");
    fs::write(&script, "exit 0").unwrap();
    let errand = Errand {
        step: "S4".to_owned(),
        kind: kind.to_owned(),
        server: "CONNECT1.contoso.com".to_owned(),
        evidence: folder.path().join("evidence/S4-1.json"),
        script,
        undo: false,
        nonce: "n-S4-1".to_owned(),
    };
    Lab { folder, errand }
}

fn servers(local: bool, host: &str) -> LiveServers {
    LiveServers { local, host: host.to_owned(), flight: Flight::default(), program: None, longest: None }
}

async fn waits(servers: &LiveServers, errand: &Errand) -> String {
    match servers.perform(errand).await.unwrap() {
        Done::Waiting(words) => words,
        Done::Evidence => panic!("there is no evidence"),
    }
}

#[tokio::test]
async fn by_hand_says_what_to_run_and_finds_the_evidence() {
    let lab = lab("pending-exports");
    let manual = servers(false, "WORKSTATION");
    let words = waits(&manual, &lab.errand).await;
    for part in ["CONNECT1.contoso.com", "S4 $(touch hole); ''x''-1.ps1'", "S4-1.json", "csexport"] {
        assert!(words.contains(part), "{part}: {words}");
    }
    // On the server itself, the script is told where the evidence goes.
    let here = waits(&servers(false, "connect1"), &lab.errand).await;
    assert!(here.contains("-OutFile '") && !here.contains("Copy this script"), "{here}");
    // Somebody else's evidence is none.
    let folder = lab.errand.evidence.parent().unwrap();
    fs::write(folder.join("old.json"), json!({ "nonce": "n-S4-0" }).to_string()).unwrap();
    waits(&manual, &lab.errand).await;
    // Under the name that the script gave it, beside the script, with the files that it names.
    let beside = lab.errand.script.parent().unwrap();
    let evidence = json!({ "nonce": "n-S4-1", "detail": { "files": { "file": "S4-csexport-0.xml" } } });
    fs::write(beside.join("S4-csexport-0.xml"), "<cs-objects/>").unwrap();
    fs::write(beside.join("S4-evidence.json"), format!("\u{feff}{evidence}")).unwrap();
    assert_eq!(manual.perform(&lab.errand).await.unwrap(), Done::Evidence);
    assert!(lab.errand.evidence.is_file() && folder.join("S4-csexport-0.xml").is_file());
}

#[tokio::test]
async fn not_here_and_not_this_step() {
    let lab = lab("disable-v2");
    let words = waits(&servers(true, "connect1.other.test"), &lab.errand).await;
    assert!(words.contains("by hand"), "{words}");
    let words = waits(&servers(true, "WORKSTATION"), &lab.errand).await;
    assert!(words.contains("This machine is WORKSTATION"), "{words}");
}

#[cfg(unix)]
mod here {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Instant;

    /// A program that does this.
    fn program(lab: &Lab, text: &str) -> PathBuf {
        let path = lab.folder.path().join("pwsh");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    async fn run(lab: &Lab, text: &str, longest: Duration) -> Result<Done, Error> {
        let servers =
            LiveServers { program: Some(program(lab, text)), longest: Some(longest), ..servers(true, "Connect1") };
        servers.perform(&lab.errand).await
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_script_is_called_by_its_name_and_its_output_kept() {
        let lab = lab("full-sync");
        let text = "for a in \"$@\"; do printf '%s\\n' \"$a\"; done\necho seen >&2\nprintf '{}' > \"$8\"";
        // The last argument is the file of the evidence: seven come before it.
        let done = run(&lab, text, LONG).await.unwrap();
        assert_eq!(done, Done::Evidence);
        let out = fs::read_to_string(lab.errand.evidence.with_extension("out.txt")).unwrap();
        let script = lab.errand.script.display().to_string();
        let evidence = lab.errand.evidence.display().to_string();
        let wanted =
            ["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File", &script, "-OutFile", &evidence];
        assert_eq!(out.lines().collect::<Vec<_>>(), wanted);
        assert_eq!(fs::read_to_string(lab.errand.evidence.with_extension("err.txt")).unwrap(), "seen\n");
        assert!(!lab.errand.evidence.parent().unwrap().join("hole").exists());
    }

    #[tokio::test]
    async fn a_bad_end_is_an_error_with_its_words() {
        let lab = lab("coexistence-rules");
        let error = run(&lab, "echo 'Precedence 88 is taken.' >&2\nexit 3", LONG).await.unwrap_err();
        assert!(error.message.contains("code 3: Precedence 88 is taken."), "{error}");
        assert!(error.hints.iter().any(|h| h.contains("err.txt")), "{:?}", error.hints);
        let error = run(&lab, "exit 0", LONG).await.unwrap_err();
        assert!(error.message.contains("no evidence"), "{error}");
        // The mode is the wizard's: somebody has to change it, and is asked to.
        let lab = super::lab("staging-on");
        let done = run(&lab, "echo 'Staging mode is off.' >&2\nexit 1", LONG).await.unwrap();
        assert!(
            matches!(&done, Done::Waiting(words) if words.contains("tick Enable") && words.contains("is off")),
            "{done:?}"
        );
    }

    #[tokio::test]
    async fn one_that_does_not_end_is_ended() {
        let lab = lab("full-sync");
        let begun = Instant::now();
        let text = "echo $$ > \"$(dirname \"$8\")/pid\"\nexec sleep 600";
        let error = run(&lab, text, Duration::from_secs(1)).await.unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(30) && error.message.contains("was ended"), "{error}");
        let pid = fs::read_to_string(lab.errand.evidence.parent().unwrap().join("pid")).unwrap();
        let alive = std::process::Command::new("kill").args(["-0", pid.trim()]).output().unwrap();
        assert!(!alive.status.success(), "it still runs");
    }

    #[tokio::test]
    async fn where_there_is_no_powershell_that_is_said() {
        if run::powershell().is_some() {
            println!("skipped: PowerShell is installed here");
            return;
        }
        let lab = lab("full-sync");
        let error = servers(true, "connect1").perform(&lab.errand).await.unwrap_err();
        assert!(
            error.message.contains("PowerShell is not on this machine") && error.hints[0].contains("manual"),
            "{error}"
        );
    }
}
