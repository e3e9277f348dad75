//! A real domain controller for a test: Samba, provisioned once per build folder, copied for each test, on a loopback
//! address of its own. It ends when the test's process does, however that ends: Samba in the foreground watches its
//! standard input.

mod database;
mod kerberos;

use super::world::{self, World};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::fs::{self, File};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const REALM: &str = "CONTOSO.TEST";
pub const ROOT: &str = "DC=contoso,DC=test";
pub const HOST: &str = "dc1.contoso.test";
pub const ADMIN: &str = "administrator@contoso.test";
/// Of every account of the lab.
pub const PASSWORD: &str = "Lab-Passw0rd-1";

/// What a controller is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// The domain as `world` seeds it.
    World,
    /// A forest that is ready for a cutover, as `World::cutover` seeds it.
    Cutover,
    /// Nothing but what a new domain has.
    Empty,
    /// A new domain with the schema of Windows Server 2012 R2: without msDS-ExternalDirectoryObjectId.
    OldSchema,
}

impl Template {
    fn name(self) -> &'static str {
        match self {
            Template::World => "world",
            Template::Cutover => "cutover",
            Template::Empty => "empty",
            Template::OldSchema => "old-schema",
        }
    }
}

/// How the server serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processes {
    One,
    /// Connections in parallel.
    Prefork,
}

/// A running controller.
pub struct Controller {
    pub address: String,
    /// The authority of its certificate.
    pub ca_file: PathBuf,
    pub folder: PathBuf,
    child: Option<Child>,
    processes: Processes,
    // Held as long as the address and the folder are in use.
    _address: File,
    _folder: tempfile::TempDir,
    _in_use: Option<File>,
}

/// Whether there can be a controller here; says once why not.
pub fn available() -> bool {
    let there =
        |name: &str| Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let missing: Vec<&str> =
        ["samba", "samba-tool", "ldapmodify", "ldapsearch"].into_iter().filter(|n| !there(n)).collect();
    if !missing.is_empty() {
        println!("skipped: no domain controller here ({} missing; ./tests/run installs it)", missing.join(", "));
        return false;
    }
    // A 2016 functional level and the attribute came with 4.20 and later; Debian 12's own 4.17 knows neither.
    let version =
        Command::new("samba").arg("--version").output().map(|o| String::from_utf8_lossy(&o.stdout).into_owned());
    let version = version.unwrap_or_default();
    let number: Vec<u32> =
        version.split(' ').nth(1).unwrap_or("").split(['.', '-']).filter_map(|n| n.parse().ok()).take(2).collect();
    if number < vec![4, 19] {
        println!("skipped: no domain controller here (Samba is {}, 4.19 or later is needed)", version.trim());
        return false;
    }
    true
}

/// A running controller made from a template; `None` where there can be none here.
pub fn start(template: Template) -> Option<Controller> {
    start_as(template, Processes::One)
}

pub fn start_as(template: Template, processes: Processes) -> Option<Controller> {
    if !available() {
        return None;
    }
    let source = provisioned(template);
    let (folder, in_use) = own_folder();
    copy(&source, &folder.path().join("dc"));
    let mut controller = Controller::run(folder, processes);
    controller._in_use = Some(in_use);
    Some(controller)
}

/// A running controller as `Controller::keep` left it in a folder.
pub fn start_kept(kept: &Path) -> Controller {
    let (folder, in_use) = own_folder();
    copy(kept, &folder.path().join("dc"));
    let mut controller = Controller::run(folder, Processes::One);
    controller._in_use = Some(in_use);
    controller
}

/// A folder for one controller, with the lock that says so. What processes that were killed left behind goes.
pub fn own_folder() -> (tempfile::TempDir, File) {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folders = File::create(base.join("lab/folders.lock")).unwrap();
    folders.lock().unwrap();
    for entry in fs::read_dir(base).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("dc-")
            && let Ok(lock) = File::open(entry.path().join("in-use"))
            && lock.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let folder = tempfile::Builder::new().prefix("dc-").tempdir_in(base).unwrap();
    let lock = File::create(folder.path().join("in-use")).unwrap();
    lock.lock().unwrap();
    (folder, lock)
}

/// The folder of a provisioned, stopped domain; made by whoever comes first.
fn provisioned(template: Template) -> PathBuf {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab");
    fs::create_dir_all(&base).unwrap();
    let key = match template {
        Template::World => format!("{}-{:016x}", template.name(), World::v2().fingerprint() ^ made_by()),
        Template::Cutover => format!("{}-{:016x}", template.name(), World::cutover().fingerprint() ^ made_by()),
        _ => format!("{}-{:016x}", template.name(), made_by()),
    };
    let done = base.join(&key);
    let lock = File::create(base.join(format!("{}.lock", template.name()))).unwrap();
    lock.lock().unwrap();
    if done.is_dir() {
        return done;
    }
    let making = tempfile::Builder::new().prefix("making-").tempdir_in(&base).unwrap();
    let dc = making.path().join("dc");
    provision(&dc, template);
    let seeded = match template {
        Template::World => Some(World::v2()),
        Template::Cutover => Some(World::cutover()),
        Template::Empty | Template::OldSchema => None,
    };
    if let Some(world) = seeded {
        let controller = Controller::run(making, Processes::One);
        world::seed(&world, &controller);
        let (folder, stopped) = controller.stop();
        fs::rename(stopped, &done).unwrap();
        drop(folder);
    } else {
        fs::rename(&dc, &done).unwrap();
    }
    done
}

/// Changes with this file, so that a domain made by an older one is not used.
fn made_by() -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    include_str!("mod.rs").hash(&mut hasher);
    hasher.finish()
}

fn provision(dc: &Path, template: Template) {
    fs::create_dir_all(dc).unwrap();
    let mut command = Command::new("samba-tool");
    command.args([
        "domain",
        "provision",
        "--server-role=dc",
        "--dns-backend=NONE",
        "--host-ip=127.0.0.2",
        "--host-name=dc1",
    ]);
    command.args([format!("--realm={REALM}"), "--domain=CONTOSO".to_owned(), format!("--adminpass={PASSWORD}")]);
    command.arg(format!("--targetdir={}", dc.display()));
    match template {
        Template::OldSchema => command.args(["--base-schema=2012_R2", "--function-level=2008_R2"]),
        _ => command.args(["--function-level=2016", "--option=ad dc functional level = 2016"]),
    };
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "samba-tool: {}", String::from_utf8_lossy(&output.stderr));
    if template == Template::Cutover {
        database::say_recycle_bin(dc);
    }
    // The folder's own path is written into the configuration, so that a copy can put its own there.
    fs::write(dc.join("provisioned-at"), dc.to_str().unwrap()).unwrap();
}

impl Controller {
    fn run(holder: tempfile::TempDir, processes: Processes) -> Controller {
        let folder = holder.path().join("dc");
        let (address, lock) = free_address();
        let ca_file = configure(&folder, &address);
        let mut controller = Controller {
            address,
            ca_file,
            folder,
            child: None,
            processes,
            _address: lock,
            _folder: holder,
            _in_use: None,
        };
        controller.boot();
        controller
    }

    /// Starts the server's process.
    pub fn boot(&mut self) {
        let log = File::create(self.folder.join("samba.out")).unwrap();
        let model = match self.processes {
            Processes::One => "single",
            Processes::Prefork => "prefork",
        };
        let child = Command::new("samba")
            .args(["-i", "-M", model, "-s"])
            .arg(self.folder.join("etc/smb.conf"))
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let begun = Instant::now();
        while !(self.answers(636) && self.answers(389)) {
            let child = self.child.as_mut().unwrap();
            let ended = child.try_wait().unwrap();
            let output = || fs::read_to_string(self.folder.join("samba.out")).unwrap_or_default();
            assert!(ended.is_none(), "samba ended: {}", output());
            assert!(begun.elapsed() < Duration::from_secs(60), "samba does not answer: {}", output());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn answers(&self, port: u16) -> bool {
        let address: SocketAddr = format!("{}:{port}", self.address).parse().unwrap();
        TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_ok()
    }

    /// Ends the server at once, as a crash does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Its children end with their standard input.
            let _ = child.kill();
            let _ = child.wait();
            let _ = fs::remove_file(self.folder.join("run/samba.pid"));
        }
    }

    /// Copies the domain as it is now to a folder that is not there yet, and goes on.
    pub fn keep(&mut self, folder: &Path) {
        self.end();
        copy(&self.folder, folder);
        self.boot();
    }

    /// Lets the forest no longer say that its Recycle Bin is on, so that tombstones are taken for what they are here.
    pub fn say_no_recycle_bin(&mut self) {
        self.end();
        database::say_no_recycle_bin(&self.folder);
        self.boot();
    }

    fn stop(mut self) -> (tempfile::TempDir, PathBuf) {
        self.end();
        let folder = self.folder.clone();
        let holder = std::mem::replace(&mut self._folder, tempfile::tempdir().unwrap());
        (holder, folder)
    }

    /// Ends the server in order: it ends by itself when its standard input does.
    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            let begun = Instant::now();
            while child.try_wait().unwrap().is_none() {
                if begun.elapsed() > Duration::from_secs(5) {
                    let _ = child.kill();
                    let _ = child.wait();
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    pub fn ldaps(&self) -> String {
        format!("ldaps://{}", self.address)
    }
    pub fn ldap(&self) -> String {
        format!("ldap://{}", self.address)
    }
    pub fn global_catalog(&self) -> String {
        format!("ldaps://{}:3269", self.address)
    }

    /// The `[ad]` section of a configuration for this controller.
    pub fn config(&self, user: &str) -> String {
        format!(
            "[ad]\nurl = \"{}\"\nglobal_catalog_url = \"{}\"\nuser = \"{user}\"\nca_file = \"{}\"\n",
            self.ldaps(),
            self.global_catalog(),
            self.ca_file.display()
        )
    }

    /// One of OpenLDAP's tools as the administrator, with `input`.
    pub fn tool(&self, name: &str, arguments: &[&str], input: &str) -> String {
        let mut child = Command::new(name)
            .args(["-x", "-H", &self.ldaps(), "-D", ADMIN, "-w", PASSWORD])
            .args(arguments)
            .env("LDAPTLS_CACERT", &self.ca_file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let _ = writer.join();
        assert!(
            output.status.success(),
            "{name}: {}\n{}",
            String::from_utf8_lossy(&output.stderr),
            String::from_utf8_lossy(&output.stdout)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Changes the directory by LDIF change records.
    pub fn modify(&self, ldif: &str) {
        self.tool("ldapmodify", &[], ldif);
    }

    /// What `ldapsearch -LLL` prints.
    pub fn search(&self, base: &str, filter: &str, attributes: &[&str]) -> String {
        let mut arguments = vec!["-LLL", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt", "-b", base, filter];
        arguments.extend(attributes);
        self.tool("ldapsearch", &arguments, "")
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.end();
    }
}

/// A loopback address that no other test of this build folder uses.
fn free_address() -> (String, File) {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab");
    fs::create_dir_all(&base).unwrap();
    for _ in 0..600 {
        for last in 20..90 {
            let lock = File::create(base.join(format!("address-{last}.lock"))).unwrap();
            let address = format!("127.0.0.{last}");
            // Another build folder may use it, which the lock does not see.
            if lock.try_lock().is_ok() && std::net::TcpListener::bind((address.as_str(), 389)).is_ok() {
                return (address, lock);
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("no loopback address is free");
}

/// Writes the configuration for this folder and address, and a certificate that names the address.
fn configure(folder: &Path, address: &str) -> PathBuf {
    let conf = folder.join("etc/smb.conf");
    let was = fs::read_to_string(folder.join("provisioned-at")).unwrap();
    let text = fs::read_to_string(&conf).unwrap().replace(was.as_str(), folder.to_str().unwrap());
    let ours = [
        "interfaces",
        "bind interfaces only",
        "server services",
        "pid directory",
        "log file",
        "logging",
        "tls ",
        "panic action",
        "ncalrpc dir",
        "winbindd socket directory",
        "ntp signd socket directory",
    ];
    let kept = text.lines().filter(|l| !ours.iter().any(|o| l.trim_start().starts_with(o)));
    let mut out: Vec<String> = Vec::new();
    for line in kept {
        out.push(line.to_owned());
        if line.trim() == "[global]" {
            let at = |name: &str| folder.join(name).display().to_string();
            for (key, value) in [
                ("interfaces", format!("{address}/8")),
                ("bind interfaces only", "yes".to_owned()),
                ("server services", "ldap, cldap, kdc, rpc".to_owned()),
                ("pid directory", at("run")),
                ("ncalrpc dir", at("run/ncalrpc")),
                ("log file", at("samba.log")),
                ("logging", "file".to_owned()),
                ("tls certfile", at("tls/server.pem")),
                ("tls keyfile", at("tls/server.key")),
                ("tls cafile", at("tls/ca.pem")),
            ] {
                out.push(format!("\t{key} = {value}"));
            }
        }
    }
    fs::write(&conf, out.join("\n")).unwrap();
    fs::write(folder.join("provisioned-at"), folder.to_str().unwrap()).unwrap();
    for name in ["run", "run/ncalrpc", "tls"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    certificate(&folder.join("tls"), address)
}

/// An authority and a server certificate for the address. Samba's own has no subject alternative name.
fn certificate(folder: &Path, address: &str) -> PathBuf {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Lab authority");
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec![address.to_owned(), HOST.to_owned(), "localhost".to_owned()];
    let server = CertificateParams::new(names).unwrap().signed_by(&key, &ca).unwrap();
    let ca_file = folder.join("ca.pem");
    fs::write(&ca_file, ca.pem()).unwrap();
    fs::write(folder.join("server.pem"), server.pem()).unwrap();
    fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
    // Samba refuses a key that others may read.
    fs::set_permissions(folder.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
    ca_file
}

/// A copy with holes and modes kept, faster than file by file.
fn copy(from: &Path, to: &Path) {
    let status =
        Command::new("cp").args(["-a", "--reflink=auto", "--sparse=always"]).arg(from).arg(to).status().unwrap();
    assert!(status.success(), "cp {} {}", from.display(), to.display());
}
