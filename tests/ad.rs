//! Against a real domain controller.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::type_complexity,
    reason = "helpers of tests fail by panicking and say what they skip"
)]

#[path = "lab/directory/mod.rs"]
#[allow(dead_code, reason = "other suites use more of the lab")]
mod directory;
#[path = "lab/tenant/mod.rs"]
mod tenant;
#[path = "lab/world.rs"]
#[allow(dead_code, reason = "other suites use more of the lab")]
mod world;

#[path = "ad/judged.rs"]
mod judged;
#[cfg(feature = "gssapi")]
#[path = "ad/kerberos.rs"]
mod kerberos;
#[path = "ad/killed.rs"]
mod killed;
#[path = "ad/whole.rs"]
mod whole;

use directory::{Controller, Template, start};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_lab_is_as_the_table_says() {
    let Some(controller) = start(Template::World) else { return };
    let world = world::World::v2();
    let given = world::given(&controller);
    for group in world.groups.iter().filter(|g| g.in_ad) {
        assert!(given.keys().any(|dn| groupshift::directory::same_dn(dn, &group.dn())), "{}", group.dn());
    }
    let found = controller.search(world::OU, "(adminDescription=Group_*)", &["adminDescription"]);
    let expected = world
        .groups
        .iter()
        .filter(|g| g.in_ad && g.parent.ends_with(world::OU))
        .filter(|g| g.admin_description.is_none_or(|a| a.starts_with("Group_")));
    assert_eq!(found.matches("\nadminDescription: ").count(), expected.count());
    let dir = tempfile::tempdir().unwrap();
    world::write_tenant(&world, &given, dir.path());
}

/// The program in a folder of its own, with a configuration.
struct Run {
    dir: tempfile::TempDir,
    password: String,
    /// Environment variables besides.
    variables: Vec<(&'static str, String)>,
}

struct Done {
    code: i32,
    out: String,
    err: String,
}

impl Run {
    fn new(config: &str) -> Run {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("groupshift.toml"), config).unwrap();
        Run { dir, password: directory::PASSWORD.to_owned(), variables: Vec::new() }
    }
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_groupshift"));
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env("GROUPSHIFT_AD_PASSWORD", &self.password)
            .env_remove("NO_COLOR")
            .envs(self.variables.iter().cloned())
            .stdin(Stdio::null());
        command
    }
    fn go(&self, arguments: &[&str]) -> Done {
        let output = self.command(arguments).output().unwrap();
        Done {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
    fn ok(&self, arguments: &[&str]) -> String {
        let done = self.go(arguments);
        assert_eq!(done.code, 0, "{arguments:?}: {}{}", done.out, done.err);
        done.out
    }
    /// The digests of a bundle's data. Not of what the controller says of itself, which moves while nothing else does.
    fn data(&self, bundle: &str) -> Vec<(String, String)> {
        let manifest = self.json(&format!("{bundle}/manifest.json"));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let files = manifest["files"].as_array().unwrap().iter().map(|f| (text(&f["name"]), text(&f["sha256"])));
        files.filter(|(name, _)| !name.starts_with("ad-environment")).collect()
    }
    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.dir.path().join(name)).unwrap()).unwrap()
    }
}

/// What the README tells administrators to export.
fn export(controller: &Controller, dir: &Path) {
    std::fs::create_dir_all(dir.join("ad")).unwrap();
    let descriptor = ["-E", "!1.2.840.113556.1.4.801=::MAMCAQc="];
    let configuration = format!("CN=Configuration,{}", directory::ROOT);
    let schema = format!("CN=Schema,{configuration}");
    for (name, base, filter) in [
        (
            "domain.ldif",
            directory::ROOT,
            "(|(objectClass=group)(objectClass=user)(objectClass=contact)(objectClass=organizationalUnit)(objectClass=container)(objectClass=foreignSecurityPrincipal))",
        ),
        (
            "schema.ldif",
            schema.as_str(),
            "(|(objectClass=dMD)(lDAPDisplayName=msDS-ExternalDirectoryObjectId)(lDAPDisplayName=msDS-ObjectSoa))",
        ),
        ("partitions.ldif", configuration.as_str(), "(|(objectClass=crossRef)(cn=Recycle Bin Feature))"),
    ] {
        let mut arguments = vec!["-LLL", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt"];
        arguments.extend(descriptor);
        arguments.extend(["-b", base, filter, "*", "nTSecurityDescriptor"]);
        let text = controller.tool("ldapsearch", &arguments, "");
        std::fs::write(dir.join("ad").join(name), text).unwrap();
    }
}

#[test]
fn a_live_scan_is_judged_like_the_same_world_read_from_files() {
    let Some(controller) = start(Template::World) else { return };
    let run = Run::new(&controller.config(world::READER));
    export(&controller, &run.dir.path().join("exported"));
    run.ok(&["collect", "--out", "live"]);
    run.ok(&["collect", "--offline", "exported", "--out", "files"]);
    run.ok(&["assess", "live", "--out", "a-live"]);
    run.ok(&["assess", "files", "--out", "a-files"]);
    let (live, files) = (run.json("a-live/assessment.json"), run.json("a-files/assessment.json"));
    let groups = |a: &Value| a["groups"].as_array().unwrap().clone();
    assert_eq!(groups(&live).len(), groups(&files).len());
    for (live, files) in groups(&live).iter().zip(groups(&files)) {
        assert_eq!(live, &files);
    }
    // What the controller tells and files do not: the Global Catalog.
    let gate =
        |a: &Value, id: &str| a["gates"].as_array().unwrap().iter().find(|g| g["id"] == id).unwrap()["status"].clone();
    for id in ["E4", "E13"] {
        assert_eq!(gate(&live, id), gate(&files, id), "{id}");
    }
    let manifest = run.json("live/manifest.json");
    let parts = manifest["certificate"]["parts"].as_array().unwrap();
    assert!(manifest["certificate"]["complete"].as_bool().unwrap());
    let counted: Vec<&Value> = parts.iter().filter(|p| p["source"] == "ad" && p["expected"].is_u64()).collect();
    assert!(!counted.is_empty());
    for part in counted {
        assert_eq!(part["expected"], part["read"], "{part}");
    }
}

#[test]
fn an_ordinary_user_reads_what_an_administrator_reads() {
    let Some(controller) = start(Template::World) else { return };
    let data = |user: &str| {
        let run = Run::new(&controller.config(user));
        run.ok(&["collect", "--out", "bundle"]);
        run.data("bundle")
    };
    let read = data(world::READER);
    assert!(read.len() > 3, "{read:?}");
    assert_eq!(read, data(directory::ADMIN));
    assert_eq!(read, data(world::WRITER));
}

#[test]
fn starttls_serves_like_ldaps() {
    let Some(controller) = start(Template::World) else { return };
    let config = controller.config(world::READER).replace(&controller.ldaps(), &controller.ldap());
    let config = config.replace("global_catalog_url", "starttls = true\n#").replace("ldaps://", "ldap://");
    let run = Run::new(&config);
    run.ok(&["collect", "--out", "bundle"]);
    run.ok(&["bundle", "verify", "bundle"]);
}

#[test]
fn every_refusal_is_explained_and_leaves_no_bundle() {
    let Some(controller) = start(Template::Empty) else { return };
    let config = controller.config(directory::ADMIN);
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    let ca = controller.ca_file.display().to_string();
    for (name, config, password, code, words) in [
        ("password", config.clone(), "wrong", 1, "wrong user name or password"),
        ("authority", config.replace(&ca, "other.pem"), directory::PASSWORD, 1, "not trusted here"),
        ("name", config.replace(&controller.address, "127.0.0.1"), directory::PASSWORD, 1, "cannot connect"),
        ("plain", config.replace("ldaps:", "ldap:"), directory::PASSWORD, 2, "unprotected"),
        (
            "container",
            format!("{config}writeback_ou = \"OU=Nowhere,DC=contoso,DC=test\"\n"),
            directory::PASSWORD,
            2,
            "no such container",
        ),
        (
            "domain",
            format!("{config}\n[cloud_sync]\ndomain = \"fabrikam.test\"\n"),
            directory::PASSWORD,
            2,
            "serves contoso.test",
        ),
        (
            "port",
            config.replacen(&controller.ldaps(), &format!("{}:389", controller.ldaps()), 1),
            directory::PASSWORD,
            1,
            "TLS",
        ),
        (
            "catalog port",
            config.replacen(&controller.ldaps(), &controller.global_catalog(), 1),
            directory::PASSWORD,
            1,
            "",
        ),
    ] {
        let mut run = Run::new(&config);
        std::fs::write(run.dir.path().join("other.pem"), &other).unwrap();
        run.password = password.to_owned();
        let done = run.go(&["collect", "--out", "bundle"]);
        assert!(done.err.contains(words), "{name}: {}", done.err);
        if name == "catalog port" {
            continue;
        }
        assert_eq!(done.code, code, "{name}: {}", done.err);
        assert!(done.err.contains("hint:"), "{name}: {}", done.err);
        assert!(!done.err.contains(directory::PASSWORD) && !run.dir.path().join("bundle").exists(), "{name}");
    }
}

#[test]
fn preflight_tells_what_each_account_may_do() {
    let Some(controller) = start(Template::World) else { return };
    let seen = |user: &str| {
        let run = Run::new(&format!("{}writeback_ou = \"{}\"\n", controller.config(user), world::OU));
        let done = run.go(&["preflight", "--format", "json"]);
        (
            done.code,
            serde_json::from_str::<Value>(&done.out).unwrap_or_else(|e| panic!("{e}: {}{}", done.out, done.err)),
        )
    };
    let check = |report: &Value, id: &str| {
        report["checks"].as_array().unwrap().iter().find(|c| c["id"] == id).unwrap_or_else(|| panic!("{id}")).clone()
    };
    let (code, reader) = seen(world::READER);
    assert_eq!(code, 3, "a right that a cutover needs is missing");
    assert_eq!(check(&reader, "ad.connect")["evidence"]["who"], "u:CONTOSO\\svc-groupshift");
    assert_eq!(check(&reader, "ad.access-lists")["status"], "pass");
    let stamp = check(&reader, "ad.right.stamp");
    assert_eq!(stamp["status"], "fail");
    assert!(stamp["remediation"].as_str().unwrap().contains(&format!("dsacls \"{}\"", world::OU)), "{stamp}");
    let (_, writer) = seen(world::WRITER);
    // What the container grants reaches neither the protected group nor the unit that does not inherit.
    let (world, rights) = (world::World::v2(), ["ad.right.stamp", "ad.right.members", "ad.right.rename"]);
    let in_container = world.groups.iter().filter(|g| g.in_ad && g.parent.ends_with(world::OU));
    // A group without an anchor is none that a cutover would write.
    let in_container = in_container.filter(|g| g.admin_description != Some("")).count();
    let out_of_reach = |check: &Value| {
        let evidence = &check["evidence"];
        assert_eq!((check["status"].as_str(), &evidence["refused"]), (Some("fail"), &2.into()), "{check}");
        assert_eq!(evidence["allowed"], in_container - 2, "{check}");
        for name in [world::VAULT, "Sealed"] {
            assert!(evidence["first"].to_string().contains(&world.group(name).anchor()), "{name}: {check}");
        }
    };
    out_of_reach(&check(&writer, "ad.right.stamp"));
    assert_eq!(check(&writer, "ad.right.members")["evidence"]["allowed"], 0);
    let (_, agent) = seen(world::AGENT);
    for id in rights {
        out_of_reach(&check(&agent, id));
    }
    assert_eq!(check(&agent, "ad.right.move")["status"], "pass");
    let (_, all) = seen(directory::ADMIN);
    for id in rights.into_iter().chain(["ad.right.move"]) {
        assert_eq!(check(&all, id)["status"], "pass", "{}", check(&all, id));
    }
    let gate = |id: &str| reader["gates"].as_array().unwrap().iter().find(|g| g["id"] == id).unwrap()["status"].clone();
    assert_eq!((gate("E4"), gate("E13")), ("pass".into(), "fail".into()));
    assert!(reader["gates"].as_array().unwrap().iter().all(|g| g["id"] != "C19"), "totals are not read");
}

#[test]
fn an_old_schema_fails_the_gate_before_anything_is_planned() {
    let Some(controller) = start(Template::OldSchema) else { return };
    let run = Run::new(&controller.config(directory::ADMIN));
    let done = run.go(&["preflight", "--format", "json"]);
    let report: Value = serde_json::from_str(&done.out).unwrap();
    let schema = format!("CN=Schema,CN=Configuration,{}", directory::ROOT);
    for name in ["msDS-ExternalDirectoryObjectId", "msDS-ObjectSoa"] {
        assert!(!controller.search(&schema, &format!("(lDAPDisplayName={name})"), &["cn"]).contains("cn: "), "{name}");
    }
    let gate = report["gates"].as_array().unwrap().iter().find(|g| g["id"] == "E4").unwrap();
    assert_eq!((done.code, gate["status"].as_str()), (3, Some("fail")), "{gate}");
}
