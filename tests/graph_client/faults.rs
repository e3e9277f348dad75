//! Faults of single requests: throttling, failing services, broken and foreign answers.

use super::server::{End, error, ok, reply, start_with};
use super::{block_on, client, client_with, entra, options, secrets, serve, token};
use groupshift::config::Auth;
use groupshift::graph::{FaultKind, Graph, Method, Options};
use serde_json::json;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[test]
fn what_may_pass_is_tried_again_and_the_right_answer_comes() {
    let date = |seconds| (chrono::Utc::now() + chrono::Duration::seconds(seconds)).format("%a, %d %b %Y %H:%M:%S GMT");
    for (name, first) in [
        ("429, whole seconds", error(429, "TooManyRequests").with("retry-after", "0")),
        ("429, decimal", error(429, "TooManyRequests").with("retry-after", "0.05")),
        ("429, date", error(429, "TooManyRequests").with("retry-after", date(1))),
        ("429, past date", error(429, "TooManyRequests").with("retry-after", date(-50))),
        ("429, nothing", error(429, "TooManyRequests")),
        ("429, nonsense", error(429, "TooManyRequests").with("retry-after", "soon")),
        ("429, not JSON", reply(429, json!(null)).text("slow down")),
        ("500", error(500, "InternalServerError").with("retry-after", "0")),
        ("502 page", reply(502, json!(null)).text("<html>bad gateway</html>")),
        ("503", error(503, "ServiceUnavailable").with("retry-after", "0.05")),
        ("504", error(504, "GatewayTimeout")),
        ("408", error(408, "RequestTimeout").with("retry-after", "0")),
        ("reset", ok(json!({})).ending(End::Reset)),
        ("cut", ok(json!({ "id": "a long enough body to be cut" })).ending(End::Cut)),
        ("silence", ok(json!({ "id": "a long enough body to fall silent" })).ending(End::Silence)),
        ("no answer", ok(json!({})).ending(End::Mute)),
        ("trickle", ok(json!({})).ending(End::Trickle)),
        ("shorter than said", ok(json!({ "id": 7 })).with("content-length", "500").ending(End::Silence)),
    ] {
        let server = serve(move |seen, _| if seen.before == 0 { first.clone() } else { ok(json!({ "id": "right" })) });
        let told = Arc::<Mutex<Vec<String>>>::default();
        let log = told.clone();
        let tell = Box::new(move |text: String| log.lock().unwrap().push(text));
        let graph = client_with(&server, Options { tell, ..options() });
        let value = block_on(graph.json("/v1.0/groups?$top=1")).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(value["id"], "right", "{name}");
        assert_eq!(server.graph().len(), 2, "{name}");
        let usage = graph.usage();
        assert_eq!((usage.requests, usage.repeated), (2, 1), "{name}");
        assert_eq!(usage.throttled, u64::from(name.starts_with("429")), "{name}");
        assert!(told.lock().unwrap()[0].contains("again in"), "{name}");
        let ids: Vec<String> = server.graph().iter().map(|s| s.header("client-request-id").to_owned()).collect();
        assert_ne!(ids[0], ids[1], "{name}");
    }
}

#[test]
fn the_service_is_waited_for_as_long_as_it_asks() {
    let server = serve(|seen, _| match (seen.path.as_str(), seen.before) {
        ("/v1.0/groups", 0) => error(429, "TooManyRequests").with("retry-after", "1.5"),
        _ => ok(json!({})),
    });
    let graph = client(&server);
    let begun = Instant::now();
    block_on(async {
        // The second, another request, waits as well: it would be refused like the first.
        let first = graph.json("/v1.0/groups");
        let second = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            graph.json("/v1.0/users").await
        };
        let (first, second) = tokio::join!(first, second);
        first.and(second).unwrap();
    });
    assert!(begun.elapsed() >= Duration::from_millis(1500), "{:?}", begun.elapsed());
    assert!(graph.usage().waited >= Duration::from_millis(1500));
    let order: Vec<String> = server.graph().iter().map(|s| s.path.clone()).collect();
    assert_eq!(order[0], "/v1.0/groups");
    assert_eq!(order.len(), 3);
}

#[test]
fn patience_ends() {
    let server = serve(|_, _| error(429, "TooManyRequests").with("retry-after", "0.01").with("request-id", "outer-id"));
    let fault = block_on(client(&server).json("/v1.0/groups")).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Throttled);
    assert!(fault.to_string().contains("tried 8 times") && fault.to_string().contains("outer-id"), "{fault}");
    assert_eq!(server.graph().len(), 8);

    let server = serve(|_, _| error(429, "TooManyRequests").with("retry-after", "100000"));
    let begun = Instant::now();
    let fault = block_on(client(&server).json("/v1.0/groups")).unwrap_err();
    assert!(fault.to_string().contains("too long") && begun.elapsed() < Duration::from_secs(5), "{fault}");
}

#[test]
fn only_what_has_no_second_effect_is_repeated() {
    for (method, first, requests) in [
        (Method::Post, error(503, "ServiceUnavailable").with("retry-after", "0"), 1),
        (Method::Patch, error(503, "ServiceUnavailable").with("retry-after", "0"), 1),
        (Method::Post, ok(json!({})).ending(End::Reset), 1),
        (Method::Patch, ok(json!({})).ending(End::Mute), 1),
        (Method::Post, error(429, "TooManyRequests").with("retry-after", "0"), 2),
        (Method::Patch, error(401, "InvalidAuthenticationToken"), 2),
        (Method::Put, error(503, "ServiceUnavailable").with("retry-after", "0"), 2),
        (Method::Delete, ok(json!({})).ending(End::Reset), 2),
        (Method::Put, error(409, "Conflict"), 1),
        (Method::Patch, error(412, "PreconditionFailed"), 1),
    ] {
        let name = format!("{method:?} {} {:?}", first.status, first.end);
        let server =
            serve(move |seen, _| if seen.before == 0 { first.clone() } else { reply(204, json!(null)).text("") });
        let body = json!({ "a": 1 });
        let answer = block_on(client(&server).write(method, "/v1.0/x", Some(&body), Some("W/\"5\"")));
        assert_eq!(answer.is_ok(), requests == 2, "{name}: {answer:?}");
        let seen = server.graph();
        assert_eq!(seen.len(), requests, "{name}");
        for request in seen {
            assert_eq!((request.header("if-match"), request.json()), ("W/\"5\"", body.clone()), "{name}");
        }
    }
}

#[test]
fn answers_that_are_no_answers_end_with_words() {
    for (name, first, kind, words) in [
        ("a proxy's page", ok(json!(null)).text("\u{feff}<!DOCTYPE html><p>Sign in"), FaultKind::Malformed, "web page"),
        ("a proxy's refusal", reply(403, json!(null)).text("<html>no"), FaultKind::Forbidden, "web page"),
        ("no JSON", ok(json!(null)).text("hello"), FaultKind::Malformed, "not the JSON"),
        ("half a JSON", ok(json!(null)).text("{\"value\":[{\"id\":"), FaultKind::Malformed, "not the JSON"),
        ("nothing", ok(json!(null)).text(""), FaultKind::Malformed, "not the JSON"),
        ("too deep", ok(json!(null)).text(&"[".repeat(500_000)), FaultKind::Malformed, "not the JSON"),
        (
            "too large by its header",
            ok(json!({})).with("content-length", 200 << 20).ending(End::Silence),
            FaultKind::Malformed,
            "larger than",
        ),
        (
            "a way elsewhere",
            reply(302, json!(null)).with("location", "https://elsewhere.test/"),
            FaultKind::BadRequest,
            "",
        ),
        ("404", error(404, "Request_ResourceNotFound"), FaultKind::NotFound, "inner-id"),
        ("400", error(400, "Request_BadRequest"), FaultKind::BadRequest, "as the test wants it"),
        ("501", error(501, "NotImplemented"), FaultKind::Service, "NotImplemented"),
        ("409", error(409, "Conflict"), FaultKind::Conflict, ""),
        ("expired page", error(400, "Directory_ExpiredPageToken"), FaultKind::ExpiredPage, ""),
        (
            "expired delta",
            error(410, "SyncStateNotFound").with("location", "https://elsewhere.test/x"),
            FaultKind::ExpiredDelta,
            "",
        ),
        ("expired delta as 400", error(400, "syncStateNotFound"), FaultKind::ExpiredDelta, ""),
        (
            "nulls in the error",
            reply(404, json!({ "error": { "code": "Request_ResourceNotFound", "message": null, "innererror": null } })),
            FaultKind::NotFound,
            "Request_ResourceNotFound",
        ),
        (
            "an error as text",
            reply(400, json!({ "error": "bad", "error_description": "very" })),
            FaultKind::BadRequest,
            "very",
        ),
    ] {
        let server = serve(move |_, _| first.clone());
        let fault = block_on(client(&server).json("/v1.0/groups")).unwrap_err();
        assert_eq!(fault.kind, kind, "{name}: {fault}");
        assert!(fault.to_string().contains(words), "{name}: {fault}");
        assert_eq!(server.graph().len(), 1, "{name}: not repeated");
        assert!(fault.wants_restart() == name.starts_with("expired"), "{name}");
    }
}

#[test]
fn a_body_without_end_is_not_read_to_its_end() {
    let server = serve(|_, _| ok(json!({})).ending(End::Padded(300)));
    let slow = Options { answer_timeout: Duration::from_secs(60), ..options() };
    let fault = block_on(client_with(&server, slow).json("/v1.0/groups")).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Malformed, "{fault}");
    assert!(fault.to_string().contains("larger than"), "{fault}");
}

#[test]
fn packed_answers_are_unpacked_and_the_limit_holds_for_what_is_unpacked() {
    let gzip = |content: &[u8]| -> Option<Vec<u8>> {
        let mut child = Command::new("gzip").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let (mut input, content) = (child.stdin.take()?, content.to_vec());
        let writer = std::thread::spawn(move || input.write_all(&content));
        let packed = child.wait_with_output().ok()?.stdout;
        writer.join().unwrap().ok()?;
        Some(packed)
    };
    let (Some(small), Some(huge)) = (gzip(b"{\"id\":\"unpacked\"}"), gzip(&vec![b' '; 120 << 20])) else {
        println!("skipped: gzip is not installed");
        return;
    };
    assert!(huge.len() < 1 << 20);
    let server = serve(move |seen, _| {
        let mut answer = ok(json!(null)).with("content-encoding", "gzip");
        answer.body = if seen.path.ends_with("small") { small.clone() } else { huge.clone() };
        answer
    });
    let slow = Options { answer_timeout: Duration::from_secs(60), ..options() };
    let graph = client_with(&server, slow);
    assert_eq!(block_on(graph.json("/v1.0/small")).unwrap()["id"], "unpacked");
    assert!(server.graph()[0].header("accept-encoding").contains("gzip"));
    let fault = block_on(graph.json("/v1.0/huge")).unwrap_err();
    assert!(fault.kind == FaultKind::Malformed && fault.to_string().contains("larger than"), "{fault}");
}

#[test]
fn a_missing_permission_is_named() {
    for (path, permission) in [
        ("/v1.0/groups?$select=id", "Group.Read.All"),
        ("/v1.0/auditLogs/provisioning", "ProvisioningLog.Read.All"),
        ("/v1.0/servicePrincipals/x/synchronization/jobs", "Synchronization.Read.All"),
    ] {
        let server = serve(|_, _| error(403, "Authorization_RequestDenied"));
        let fault = block_on(client(&server).json(path)).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Forbidden);
        assert!(fault.hint.as_deref().unwrap().contains(permission), "{:?}", fault.hint);
    }
}

#[test]
fn http2_is_used_where_it_is_offered() {
    for (protocols, http2) in [(vec![&b"h2"[..], b"http/1.1"], true), (vec![&b"http/1.1"[..]], false), (vec![], false)]
    {
        let server =
            start_with(&protocols, |seen, _| if seen.is_login() { token(seen) } else { ok(json!({ "id": 1 })) });
        let graph = client(&server);
        block_on(async {
            let many = (0..20).map(|n| {
                let graph = graph.clone();
                async move { graph.json(&format!("/v1.0/x{n}")).await }
            });
            for answer in futures_util::future::join_all(many).await {
                assert_eq!(answer.unwrap()["id"], 1);
            }
        });
        assert!(server.graph().iter().all(|s| s.http2 == http2), "{protocols:?}");
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_ends_the_request_before_a_secret_goes_out() {
    let (server, other) = (serve(|_, _| ok(json!({}))), serve(|_, _| ok(json!({}))));
    let mut entra = entra(&server, Auth::Secret);
    entra.ca_file = Some(other.ca_file.clone());
    let fault = block_on(Graph::new(&entra, &secrets, options()).unwrap().json("/v1.0/me")).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Tls, "{fault}");
    assert!(server.logins().is_empty() && server.graph().is_empty());
    for (login, graph) in [("http://127.0.0.1:1", "https://127.0.0.1"), ("https://127.0.0.1", "http://127.0.0.1:1")] {
        entra.login_url = Some(login.to_owned());
        entra.graph_url = Some(graph.to_owned());
        let error = Graph::new(&entra, &secrets, options()).err().unwrap();
        assert!(error.to_string().contains("https:// only"), "{error}");
    }
}

#[test]
fn counts_are_numbers_and_ask_for_eventual_consistency() {
    let server = serve(|_, _| ok(json!(null)).text("\u{feff}1234\r\n").with("content-type", "text/plain"));
    assert_eq!(block_on(client(&server).count("/v1.0/groups/$count")).unwrap(), 1234);
    assert_eq!(server.graph()[0].header("consistencylevel"), "eventual");
    for body in ["", "-1", "1.5", "{\"value\":3}", "<html>"] {
        let server = serve(move |_, _| ok(json!(null)).text(body));
        let fault = block_on(client(&server).count("/v1.0/groups/$count")).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Malformed, "{body}");
    }
}

#[test]
fn resource_units_are_counted_as_the_service_tells_them() {
    let server = serve(|seen, _| {
        let answer = ok(json!({}));
        if seen.path.contains("told") { answer.with("x-ms-resource-unit", "7") } else { answer }
    });
    let graph = client(&server);
    block_on(async {
        graph.json("/v1.0/told").await.unwrap();
        graph.json("/v1.0/groups/x/members").await.unwrap();
    });
    let usage = graph.usage();
    assert_eq!((usage.requests, usage.units, usage.bytes), (2, 10, 4));
}
