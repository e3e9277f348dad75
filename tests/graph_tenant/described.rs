//! Client and tenant at once against what is published of Graph: the traffic of a collection as it was recorded, and a
//! collection by way of a proxy that refuses whatever the description does not know.

use super::tenant::Tenant;
use super::tenant::collecting::{example_of, run};
use super::tenant::described::{described, findings, is_described, python, shared, succeeds, tools};
use super::tenant::record::Recorder;
use super::tenant::server::{Answer, Asked, Sent, directly, start, start_with};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PRISM: &str = "@stoplight/prism-cli@5.14.2";

fn world() -> Tenant {
    let dir = example_of(&["0"]);
    let mut tenant = Tenant::load(dir.path()).with_audit();
    // Directory extensions, which each tenant names by itself, are not described: the job speaks of none here.
    let text = tenant.fixed["/schema"].to_string();
    let at = text.find("extension_").unwrap();
    let name: String = text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let without = serde_json::from_str(&text.replace(&name, "mailNickname")).unwrap();
    tenant.fixed.insert("/schema".to_owned(), without);
    tenant
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
    let mut described = described(&server.url, recorder);
    assert!(described.lines.len() > 60, "{}", described.lines.len());
    let said = findings(&shared, &python, &described);
    assert!(said.ends_with(&format!("{} exchanges, 0 findings\n", described.lines.len())), "{said}");
    // The check itself does find what is wrong.
    described.lines[0]["request"]["method"] = serde_json::json!("PATCH");
    assert!(findings(&shared, &python, &described).contains("not described"));
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
    // Request, status, and how the answer begins.
    type Seen = Vec<(String, u16, String)>;
    let seen: Arc<Mutex<Seen>> = Arc::default();
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
                let Some(proxy) = proxy.filter(|_| is_described(&asked.method, &asked.target())) else {
                    return straight(asked).await;
                };
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
