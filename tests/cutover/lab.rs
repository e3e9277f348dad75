//! One tenant with its forest for a test: the controller, the tenant, the agent, the Connect administrator, and the program
//! in a folder of its own with a plan that is made once for all tests.

use super::agent::Agent;
use super::connect::Administrator;
use super::directory::{self, Controller, PASSWORD, ROOT, Template};
use super::tenant::server::Server;
use super::tenant::state::State;
use super::tenant::{self, Tenant};
use super::world::{self, World};
use base64::Engine as _;
use groupshift::cutover::rollback::MAINTAINED_BY_AD;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// What an operator says once and for all: what cannot be seen from here was looked at.
pub const WORD: [&str; 14] = [
    "--accept",
    "E2=seen in the portal",
    "--accept",
    "E5=Test-NetConnection from the agent's host",
    "--accept",
    "E12=licences compared",
    "--accept",
    "E14=the option is on",
    "--accept",
    "E15=nobody plans it",
    "--accept",
    "agents=seen in the portal",
    "--yes",
    "--no-progress",
];

pub struct Lab {
    pub world: World,
    pub controller: Controller,
    pub server: Server,
    pub state: State,
    pub agent: Agent,
    pub administrator: Administrator,
    pub dir: tempfile::TempDir,
    /// Who the program signs in as.
    pub user: &'static str,
    pub variables: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    #[track_caller]
    pub fn code(self, want: i32) -> Ran {
        assert_eq!(self.code, want, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }
    /// What it printed has each of these.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Ran {
        let all = format!("{}{}", self.out, self.err);
        for part in parts {
            assert!(all.contains(part), "{part:?} is not in: {all}");
        }
        self
    }
}

/// Every group of the domain by its objectGUID: its lines as LDIF has them, sorted.
pub type Dump = BTreeMap<String, Vec<String>>;

impl Lab {
    /// A lab with an agent at work; `None` where there can be no controller.
    pub fn new() -> Option<Lab> {
        Lab::as_user(directory::ADMIN)
    }

    pub fn as_user(user: &'static str) -> Option<Lab> {
        let controller = directory::start(Template::Cutover)?;
        let world = World::cutover();
        let dir = tempfile::tempdir().unwrap();
        let files = dir.path().join("files");
        world::write_tenant(&world, &world::given(&controller), &files);
        world::cutover::write_job(&files);
        let server = tenant::server::start(Tenant::load(&files));
        let state = State::of(server.tenant.clone());
        let notice = json!({ "Enabled": true, "Recipients": "identity@contoso.test", "DeleteThresholdEnabled": true, "DeleteThresholdValue": 500 });
        state.set_secret("Domain", "{\"domain\":\"contoso.test\"}");
        state.set_secret("SyncNotificationSettings", &notice.to_string());
        let agent = Agent::start(&controller, server.tenant.clone());
        let administrator = Administrator::new(dir.path().join("connect-state.json"));
        let mut lab = Lab { world, controller, server, state, agent, administrator, dir, user, variables: Vec::new() };
        lab.configure("");
        Some(lab)
    }

    /// Writes the configuration, with `more` at its end.
    pub fn configure(&mut self, more: &str) {
        let entra = format!(
            "[entra]\ntenant_id = \"{}\"\nauth = \"token\"\ngraph_url = \"{1}\"\nlogin_url = \"{1}\"\nca_file = {2}\n",
            world::id("tenant"),
            self.server.url,
            json!(self.server.ca_file.to_string_lossy())
        );
        let text = format!(
            "{}agent_account = \"CONTOSO\\\\svc-agent\"\n\n{entra}\n[connect]\nmode = \"manual\"\nstate = \"connect-state.json\"\n\n[cloud_sync]\ndomain = \"contoso.test\"\nscope = \"selected\"\n\n[store]\ndir = \"store\"\n{more}",
            self.controller.config(self.user)
        );
        std::fs::write(self.path("groupshift.toml"), text).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    pub fn store(&self) -> PathBuf {
        self.path("store")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_groupshift"));
        command.args(arguments).current_dir(self.dir.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(n, _)| n.starts_with("GROUPSHIFT_")) {
            command.env_remove(name);
        }
        // Nothing of the person who runs the tests, and no other test's lock on the domain.
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "APPDATA", "LOCALAPPDATA"] {
            command.env(name, self.dir.path());
        }
        command.env("GROUPSHIFT_AD_PASSWORD", PASSWORD).env("GROUPSHIFT_GRAPH_TOKEN", "opaque-token");
        command.env_remove("NO_COLOR").envs(self.variables.iter().cloned());
        command
    }
    pub fn go(&self, arguments: &[&str]) -> Ran {
        let done = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: done.status.code().unwrap_or(-1), out: text(done.stdout), err: text(done.stderr) }
    }
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path(name)).unwrap()).unwrap()
    }

    /// The plan that all tests share: the controllers are copies of one, so that they have the same objects. A lab whose
    /// world was changed before makes its own with `plan_anew`.
    pub fn plan(&self, order: &str) {
        static MADE: Mutex<BTreeMap<String, (tempfile::TempDir, std::fs::File)>> = Mutex::new(BTreeMap::new());
        let mut made = MADE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !made.contains_key(order) {
            self.plan_anew(order);
            let kept = directory::own_folder();
            for name in ["bundle", "plan"] {
                copy(&self.path(name), &kept.0.path().join(name));
            }
            made.insert(order.to_owned(), kept);
            return;
        }
        for name in ["bundle", "plan"] {
            copy(&made[order].0.path().join(name), &self.path(name));
        }
    }

    pub fn plan_anew(&self, order: &str) {
        std::fs::write(self.path("waves.toml"), self.world.waves()).unwrap();
        std::fs::write(self.path("decisions.toml"), self.world.decisions()).unwrap();
        self.go(&["collect", "--out", "bundle"]).code(0);
        std::fs::create_dir_all(self.path("plan")).unwrap();
        let mut arguments = vec![
            "plan",
            "bundle",
            "--out",
            "plan/plan.json",
            "--waves",
            "waves.toml",
            "--decisions",
            "decisions.toml",
            "--order",
            order,
        ];
        arguments.extend([
            "--accept",
            "E2=seen in the portal",
            "--accept",
            "E12=compared",
            "--accept",
            "E14=on",
            "--accept",
            "E15=not planned",
        ]);
        self.go(&arguments).code(0);
    }

    /// The folder of the run.
    pub fn run_folder(&self) -> Option<PathBuf> {
        let entries = std::fs::read_dir(self.store()).ok()?;
        entries.flatten().map(|e| e.path()).find(|p| p.is_dir() && p.join("scripts").is_dir())
    }

    /// Every group of the domain, whatever its place, with what AD maintains itself left out.
    pub fn dump(&self) -> Dump {
        let arguments = [
            "-LLL",
            "-o",
            "ldif-wrap=no",
            "-E",
            "!1.2.840.113556.1.4.801=::MAMCAQc=",
            "-E",
            "pr=1000/noprompt",
            "-b",
            ROOT,
            "(&(objectClass=group)(!(isCriticalSystemObject=TRUE)))",
            "*",
            "memberOf",
            "nTSecurityDescriptor",
        ];
        let text = self.controller.tool("ldapsearch", &arguments, "");
        let mut out = Dump::new();
        for entry in text.split("\n\n").filter(|e| e.contains("objectGUID:: ")) {
            let guid = entry.lines().find_map(|l| l.strip_prefix("objectGUID:: ")).unwrap();
            let maintained = |line: &str| {
                let name = line.split(':').next().unwrap();
                MAINTAINED_BY_AD.iter().any(|m| m.eq_ignore_ascii_case(name))
            };
            let mut lines: Vec<String> =
                entry.lines().filter(|l| !l.is_empty() && !maintained(l)).map(str::to_owned).collect();
            lines.sort();
            out.insert(guid.to_owned(), lines);
        }
        out
    }

    /// The lines of one group.
    pub fn lines(&self, name: &str) -> Vec<String> {
        let (dump, anchor) = (self.dump(), self.world.group(name).anchor());
        let found = dump.values().find(|lines| lines.contains(&format!("adminDescription: {anchor}")));
        found.unwrap_or_else(|| panic!("{name} is not in AD")).clone()
    }
    /// The values of an attribute of one group, as text.
    pub fn values(&self, name: &str, attribute: &str) -> Vec<String> {
        values(&self.lines(name), attribute)
    }

    /// Stamps groups as an administrator would by hand.
    pub fn stamp_by_hand(&self, names: &[&str]) {
        for name in names {
            let group = self.world.group(name);
            self.controller.modify(&format!(
                "dn: {}\nchangetype: modify\nadd: msDS-ExternalDirectoryObjectId\nmsDS-ExternalDirectoryObjectId: {}\n-\n\n",
                group.dn(),
                group.anchor()
            ));
        }
    }
}

/// The values of an attribute among the lines of a group, as text.
pub fn values(lines: &[String], attribute: &str) -> Vec<String> {
    let decode = |v: &str| String::from_utf8(base64::engine::general_purpose::STANDARD.decode(v).unwrap()).unwrap();
    let plain = format!("{attribute}: ");
    let encoded = format!("{attribute}:: ");
    lines
        .iter()
        .filter_map(|l| l.strip_prefix(&plain).map(str::to_owned).or_else(|| l.strip_prefix(&encoded).map(decode)))
        .collect()
}

/// What differs between two dumps, group by group, for a message; empty where they are equal.
pub fn differences(then: &Dump, now: &Dump) -> Vec<String> {
    let mut out = Vec::new();
    let name = |lines: &[String]| values(lines, "dn").pop().unwrap_or_default();
    for (guid, lines) in then {
        let Some(new) = now.get(guid) else {
            out.push(format!("{} is gone", name(lines)));
            continue;
        };
        out.extend(lines.iter().filter(|l| !new.contains(l)).map(|l| format!("{}: - {l}", name(lines))));
        out.extend(new.iter().filter(|l| !lines.contains(l)).map(|l| format!("{}: + {l}", name(lines))));
    }
    out.extend(
        now.iter().filter(|(guid, _)| !then.contains_key(*guid)).map(|(_, lines)| format!("{} is new", name(lines))),
    );
    out
}

pub fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}
