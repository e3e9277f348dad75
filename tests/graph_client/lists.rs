//! Lists: links followed on the configured host only, circles and repeats noticed, the delta link at the end.

use super::server::{End, error, ok};
use super::{block_on, client, group, serve};
use groupshift::graph::{Fault, FaultKind, Graph};
use serde_json::{Value, json};

struct Read {
    ids: Vec<String>,
    delta: Option<String>,
    fault: Option<Fault>,
}

fn read(graph: &Graph, path: &str) -> Read {
    let mut out = Read { ids: Vec::new(), delta: None, fault: None };
    block_on(async {
        let mut pages = graph.pages(path);
        loop {
            match pages.next().await {
                Ok(Some(page)) => {
                    let body: Value = serde_json::from_slice(&page.content).unwrap();
                    let ids = body["value"].as_array().unwrap().iter().map(|v| v["id"].as_str().unwrap().to_owned());
                    out.ids.extend(ids);
                    assert_eq!(page.has_next, body["@odata.nextLink"].as_str().is_some_and(|l| !l.is_empty()));
                    out.delta = page.delta;
                }
                Ok(None) => return,
                Err(fault) => {
                    out.fault = Some(fault);
                    return;
                }
            }
        }
    });
    out
}

#[test]
fn pages_follow_each_other_to_the_delta_link() {
    let server = serve(|seen, own| {
        let next = |token: u32| format!("{own}/v1.0/groups/delta?$skiptoken=secret{token}&$select=id");
        match seen.path.split_once("secret").map(|(_, rest)| rest.chars().next().unwrap()) {
            None => ok(json!({ "value": [group("a")], "@odata.nextLink": next(1) })),
            // An empty page in between is none the less followed by another, even twice in a row.
            Some('1') => ok(json!({ "@odata.nextLink": next(2), "value": [] })),
            Some('2') => ok(json!({ "@odata.nextLink": next(3), "value": [] })),
            // A page that breaks is asked for again, by itself.
            Some('3') if seen.path.contains("$skiptoken") && !seen.path.contains("again") => {
                ok(json!({ "value": [group("b")], "@odata.nextLink": format!("{}&again", next(4)) }))
            }
            _ if seen.before < 5 => ok(json!({ "value": [group("never")] })).ending(End::Cut),
            _ => ok(
                json!({ "value": [group("c")], "@odata.deltaLink": format!("{own}/v1.0/groups/delta?$deltatoken=d") }),
            ),
        }
    });
    let graph = client(&server);
    let read = read(&graph, "/v1.0/groups/delta?$select=id");
    assert!(read.fault.is_none(), "{:?}", read.fault);
    assert_eq!(read.ids, ["a", "b", "c"]);
    assert_eq!(read.delta.unwrap(), format!("{}/v1.0/groups/delta?$deltatoken=d", server.url));
    assert_eq!((graph.usage().requests, graph.usage().repeated), (6, 1));
}

#[test]
fn links_elsewhere_are_not_followed() {
    let other = serve(|_, _| ok(json!({ "value": [] })));
    let elsewhere = other.url.clone();
    for link in [
        format!("{elsewhere}/v1.0/groups?$skiptoken=x"),
        "https://graph.microsoft.com.evil.test/v1.0/groups".to_owned(),
        "http://127.0.0.1:{port}/v1.0/groups".to_owned(),
        "https://127.0.0.1:{port}@evil.test/v1.0/groups".to_owned(),
        "https://localhost:{port}/v1.0/groups".to_owned(),
        "//evil.test/v1.0/groups".to_owned(),
        "groups?$skiptoken=x".to_owned(),
        "file:///etc/hosts".to_owned(),
        "\u{1b}[31m".to_owned(),
    ] {
        let said = link.clone();
        let server = serve(move |_, own| {
            let port = own.rsplit(':').next().unwrap();
            ok(json!({ "value": [group("a")], "@odata.nextLink": said.replace("{port}", port) }))
        });
        let read = read(&client(&server), "/v1.0/groups");
        let fault = read.fault.unwrap_or_else(|| panic!("{link} was followed"));
        assert!(matches!(fault.kind, FaultKind::Link | FaultKind::NotFound), "{link}: {fault}");
        assert!(!fault.to_string().contains('\u{1b}'), "{fault}");
        assert_eq!(server.graph().len(), 1, "{link}");
    }
    assert!(other.graph().is_empty() && other.logins().is_empty());
}

#[test]
fn circles_and_repeated_pages_end() {
    // To itself; there and back; ever new links with the same page.
    let to_itself =
        serve(|seen, own| ok(json!({ "value": [group("a")], "@odata.nextLink": format!("{own}{}", seen.path) })));
    let back = serve(|seen, own| {
        let other = if seen.path.contains("=1") { 2 } else { 1 };
        let next = format!("{own}/v1.0/groups?$skiptoken={other}");
        ok(json!({ "value": [group(&format!("{}", seen.before))], "@odata.nextLink": next }))
    });
    let same = serve(|seen, own| {
        let next = format!("{own}/v1.0/groups?$skiptoken={}", seen.before);
        ok(json!({ "@odata.nextLink": next, "value": [group("a")] }))
    });
    for (server, words) in [(to_itself, "circle"), (back, "circle"), (same, "same page")] {
        let read = read(&client(&server), "/v1.0/groups");
        let fault = read.fault.unwrap();
        assert_eq!(fault.kind, FaultKind::Link, "{fault}");
        assert!(fault.to_string().contains(words), "{fault}");
        assert!(server.graph().len() <= 5, "{words}: {}", server.graph().len());
    }
}

#[test]
fn an_expired_page_is_told_and_the_list_can_be_begun_again() {
    let server = serve(|seen, own| match (seen.path.contains("skiptoken"), seen.before) {
        (false, _) => {
            ok(json!({ "value": [group("a")], "@odata.nextLink": format!("{own}/v1.0/groups?$skiptoken=t") }))
        }
        (true, 1) => error(400, "Directory_ExpiredPageToken"),
        _ => ok(json!({ "value": [group("b")] })),
    });
    let graph = client(&server);
    block_on(async {
        let mut pages = graph.pages("/v1.0/groups");
        assert!(pages.next().await.unwrap().is_some());
        assert!(pages.next().await.unwrap_err().wants_restart());
        // After a fault there is no page more, and no end that looks like one of a whole list begins anew by itself.
        pages.restart();
        let mut read = 0;
        while pages.next().await.unwrap().is_some() {
            read += 1;
        }
        assert_eq!(read, 2);
    });
}

#[test]
fn a_page_that_ends_in_an_error_is_no_page() {
    for body in [
        r#"{"value":[{"id":"a"}],"error":{"code":"InternalServerError","message":"half way"}}"#,
        r#"{"value":[{"id":"a"}"#,
        r#"{"value":{"id":"a"}}"#,
        r#"[]"#,
        "null",
        "<html>",
    ] {
        let server = serve(move |_, _| ok(json!(null)).text(body));
        let read = read(&client(&server), "/v1.0/groups");
        assert_eq!(read.fault.unwrap_or_else(|| panic!("{body}")).kind, FaultKind::Malformed, "{body}");
    }
}
