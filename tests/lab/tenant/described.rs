//! Recorded traffic held against what is published of Graph.

use super::record::Recorder;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the published description lacks, though it is documented or seen; all of it, and nothing else.
const NOT_DESCRIBED: [&str; 9] = [
    "/directory/deletedItems/",
    "/subscribedSkus",
    "/entitlementManagement/assignments",
    "/schema/functions",
    "/schema/filterOperators",
    "/beta/users",
    "/v1.0/applications?",
    "/v1.0/applications/",
    "extension_",
];

/// Making a group is documented too, and was not cut from the description.
const NOT_DESCRIBED_POST: &str = "/v1.0/groups";

pub fn is_described(method: &str, target: &str) -> bool {
    !NOT_DESCRIBED.iter().any(|part| target.contains(part)) && (method, target) != ("POST", NOT_DESCRIBED_POST)
}

pub fn shared() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/graph");
    dir.join("graph-subset.yaml").is_file().then_some(dir)
}

/// A folder for tools beside the build.
pub fn tools(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target")).join(name)
}

pub fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).output().is_ok_and(|out| out.status.success())
}

/// Python with what the check needs.
pub fn python() -> Option<PathBuf> {
    let dir = tools("traffic-venv");
    let python = dir.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let ready = || succeeds(Command::new(&python).args(["-c", "import openapi_schema_validator, yaml"]));
    let install = || {
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(&dir))
            && succeeds(Command::new(&python).args(["-m", "pip", "-q", "install"]).args(PACKAGES))
    };
    (ready() || install() && ready()).then_some(python)
}

const PACKAGES: [&str; 2] = ["openapi-schema-validator==0.9.0", "pyyaml"];

/// The exchanges that the description knows, without those that were refused as not implemented. `base` is the address
/// of the tenant.
pub fn described(base: &str, recorder: Recorder) -> Recorder {
    let known = |line: &Value| {
        let target = line["request"]["url"].as_str().unwrap().trim_start_matches(base);
        let method = line["request"]["method"].as_str().unwrap();
        // Properties that each tenant names by itself are no part of it.
        let own = line["request"]["body"].to_string().contains("\"extension_");
        is_described(method, target) && !own && line["response"]["status"] != 501
    };
    let mut out = Recorder::default();
    out.lines.extend(recorder.lines.into_iter().filter(known));
    out
}

/// What the check has to say.
pub fn findings(shared: &Path, python: &Path, recorder: &Recorder) -> String {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("traffic.jsonl");
    std::fs::write(&log, recorder.text()).unwrap();
    let out = Command::new(python).arg(shared.join("validate_traffic.py")).arg(&log).output().unwrap();
    assert!(out.status.code() != Some(2), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}
