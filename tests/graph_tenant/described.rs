//! Client and tenant at once against what is published of Graph: the traffic of a collection as it was recorded, and a
//! collection by way of a proxy that refuses whatever the description does not know.

use super::tenant::Tenant;
use super::tenant::collecting::{example_of, run};
use super::tenant::record::Recorder;
use super::tenant::server::{Answer, Asked, Sent, directly, start, start_with};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What the published description lacks, though it is documented or seen; all of it, and nothing else.
const NOT_DESCRIBED: [&str; 6] = [
    "/directory/deletedItems/",
    "/subscribedSkus",
    "/entitlementManagement/assignments",
    "/schema/functions",
    "/schema/filterOperators",
    "/beta/users",
];

fn is_described(target: &str) -> bool {
    !NOT_DESCRIBED.iter().any(|part| target.contains(part))
}

fn shared() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/graph");
    dir.join("graph-subset.yaml").is_file().then_some(dir)
}

/// A folder for tools beside the build.
fn tools(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target")).join(name)
}

fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).output().is_ok_and(|out| out.status.success())
}

/// Python with what the check needs.
fn python() -> Option<PathBuf> {
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
const PRISM: &str = "@stoplight/prism-cli@5.14.2";

fn world() -> Tenant {
    let dir = example_of(&["0"]);
    Tenant::load(dir.path()).with_audit()
}

#[test]
fn the_traffic_of_a_collection_is_as_described() {
    let Some((shared, python)) = shared().zip(python()) else {
        println!("skipped: the published description, Python or its packages are not there");
        return;
    };
    let mut tenant = world();
    tenant.recorder = Some(Recorder::default());
    let server = start(tenant);
    run(&server, None, true).result.unwrap();
    // The other way of reading, too.
    server.tenant.lock().unwrap().denied = vec![("/groups/delta?$select", 501, "NotImplemented")];
    run(&server, None, false).result.unwrap();
    let recorder = server.tenant.lock().unwrap().recorder.take().unwrap();
    let mut described = Recorder::default();
    for line in recorder.lines {
        let target = line["request"]["url"].as_str().unwrap().trim_start_matches(&server.url);
        if is_described(target) && line["response"]["status"] != 501 {
            described.lines.push(line);
        }
    }
    assert!(described.lines.len() > 60, "{}", described.lines.len());
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("traffic.jsonl");
    let check = |text: &str| {
        std::fs::write(&log, text).unwrap();
        let out = Command::new(&python).arg(shared.join("validate_traffic.py")).arg(&log).output().unwrap();
        assert!(out.status.code() != Some(2), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    let said = check(&described.text());
    assert!(said.ends_with(&format!("{} exchanges, 0 findings\n", described.lines.len())), "{said}");
    // The check itself does find what is wrong.
    described.lines[0]["request"]["method"] = serde_json::json!("PATCH");
    assert!(check(&described.text()).contains("not described"));
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn prism(spec: &Path, upstream: &str) -> Option<(Running, String)> {
    let dir = tools("prism");
    let main = dir.join("node_modules/@stoplight/prism-cli/dist/index.js");
    if !main.is_file() {
        std::fs::create_dir_all(&dir).unwrap();
        if !succeeds(Command::new("npm").args(["i", "--no-audit", "--no-fund", "--silent", PRISM]).current_dir(&dir)) {
            return None;
        }
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("node");
    command.arg(main).args(["proxy", "-h", "127.0.0.1", "-p", &port.to_string(), "--errors"]).arg(spec).arg(upstream);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    let running = Running(child);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(90) {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some((running, format!("http://127.0.0.1:{port}")));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    None
}

/// Hands a request on to the proxy, and its answer back.
async fn by_way_of(client: &reqwest::Client, proxy: &str, asked: Asked) -> Answer {
    let method = reqwest::Method::from_bytes(asked.method.as_bytes()).unwrap();
    let mut request = client.request(method, format!("{proxy}{}", asked.target())).body(asked.body.clone());
    for (name, value) in &asked.headers {
        if !["host", "content-length", "accept-encoding", "connection"].contains(&name.as_str()) {
            request = request.header(name, value);
        }
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
    let bytes = answer.bytes().await.unwrap().to_vec();
    Answer { status, headers: vec![("content-type", kind)], sent: Sent::Whole(bytes) }
}

#[test]
fn a_proxy_that_knows_the_description_lets_a_collection_pass() {
    let Some(shared) = shared() else {
        println!("skipped: the published description is not there");
        return;
    };
    let way: Arc<Mutex<Option<String>>> = Arc::default();
    let seen: Arc<Mutex<Vec<(String, u16, String)>>> = Arc::default();
    let (to, told) = (way.clone(), seen.clone());
    let server = start_with(world(), move |tenant| {
        let straight = directly(tenant);
        let roots = rustls::RootCertStore::empty();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let tls = tls.with_root_certificates(roots).with_no_client_auth();
        let client = reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap();
        Arc::new(move |asked: Asked| {
            let (straight, client, to, told) = (straight.clone(), client.clone(), to.clone(), told.clone());
            Box::pin(async move {
                let proxy = to.lock().unwrap().clone();
                let Some(proxy) = proxy.filter(|_| is_described(&asked.target())) else { return straight(asked).await };
                let name = format!("{} {}", asked.method, asked.target());
                let answer = by_way_of(&client, &proxy, asked).await;
                let Sent::Whole(bytes) = &answer.sent else { return answer };
                let text = String::from_utf8_lossy(&bytes[..bytes.len().min(3_000)]).into_owned();
                told.lock().unwrap().push((name, answer.status, text));
                answer
            })
        })
    });
    let upstream = server.plain();
    let Some((_running, address)) = prism(&shared.join("graph-subset.yaml"), &upstream) else {
        println!("skipped: Node or the proxy is not there");
        return;
    };
    *way.lock().unwrap() = Some(address);
    let result = run(&server, None, true).result;
    let refused: Vec<String> = seen
        .lock()
        .unwrap()
        .iter()
        .filter(|(_, status, _)| *status >= 400)
        .map(|(name, status, text)| format!("{name}: {status} {text}"))
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    result.unwrap();
    assert!(seen.lock().unwrap().len() > 20);
}
