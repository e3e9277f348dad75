//! Signing in: the four ways, renewal, refusals.

use super::server::{End, error, ok, reply, start};
use super::{CLIENT, PASSWORD, block_on, client, entra, options, secrets, serve, token};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use groupshift::config::Auth;
use groupshift::graph::{FaultKind, Graph, Options};
use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// An RSA key (PKCS #8 and PKCS #1), its certificate in a chain, and an EC key; none where openssl is not installed.
struct Keys {
    pkcs8: PathBuf,
    pkcs1: PathBuf,
    certificate: PathBuf,
    /// As PKCS #1, for the check of a signature.
    public: Vec<u8>,
    ec: PathBuf,
    other: PathBuf,
}

fn openssl(dir: &Path, args: &[&str]) -> Option<Vec<u8>> {
    let out = Command::new("openssl").args(args).current_dir(dir).output().ok()?;
    assert!(out.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    Some(out.stdout)
}

fn keys(dir: &Path) -> Option<Keys> {
    openssl(dir, &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "key.pem"])?;
    openssl(dir, &["rsa", "-in", "key.pem", "-traditional", "-out", "pkcs1.pem"])?;
    let subject = ["-subj", "/CN=groupshift", "-days", "30"];
    openssl(dir, &[&["req", "-x509", "-key", "key.pem", "-out", "app.pem"], &subject[..]].concat())?;
    openssl(dir, &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ec.pem"])?;
    openssl(dir, &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "other.pem"])?;
    let public = openssl(dir, &["rsa", "-in", "key.pem", "-RSAPublicKey_out", "-outform", "DER"])?;
    let path = |name: &str| dir.join(name);
    Some(Keys {
        pkcs8: path("key.pem"),
        pkcs1: path("pkcs1.pem"),
        certificate: path("app.pem"),
        public,
        ec: path("ec.pem"),
        other: path("other.pem"),
    })
}

#[test]
fn a_certificate_signs_an_assertion_that_its_public_key_verifies() {
    let server = serve(|_, _| ok(json!({})));
    let Some(keys) = keys(server.folder.path()) else {
        println!("skipped: openssl is not installed");
        return;
    };
    // The certificate need not stand first in its file.
    let chain = server.folder.path().join("chain.pem");
    let both = [std::fs::read(&server.ca_file).unwrap(), std::fs::read(&keys.certificate).unwrap()].concat();
    std::fs::write(&chain, both).unwrap();
    for (key, certificate) in [(&keys.pkcs8, &keys.certificate), (&keys.pkcs1, &chain)] {
        let mut entra = entra(&server, Auth::Certificate);
        entra.certificate_file = Some(certificate.clone());
        entra.private_key_file = Some(key.clone());
        let graph = Graph::new(&entra, &secrets, options()).unwrap();
        block_on(graph.json("/v1.0/organization")).unwrap();
    }
    let der = openssl(server.folder.path(), &["x509", "-in", "app.pem", "-outform", "DER"]).unwrap();
    let thumbprint = B64.encode(ring::digest::digest(&ring::digest::SHA256, &der));
    let mut ids = Vec::new();
    for login in server.logins() {
        let form = login.form();
        assert_eq!(form["grant_type"], "client_credentials");
        assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        assert_eq!(form["scope"], "https://graph.microsoft.com/.default");
        assert!(!form.contains_key("client_secret"));
        let (signed, signature) = form["client_assertion"].rsplit_once('.').unwrap();
        UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &keys.public)
            .verify(signed.as_bytes(), &B64.decode(signature).unwrap())
            .unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let read = |text: &str| serde_json::from_slice::<Value>(&B64.decode(text).unwrap()).unwrap();
        let (header, claims) = (read(header), read(claims));
        assert_eq!(header, json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint }));
        assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some(CLIENT), Some(CLIENT)));
        assert_eq!(claims["aud"], format!("{}/contoso.test/oauth2/v2.0/token", server.url));
        let time = |name: &str| claims[name].as_i64().unwrap();
        let now = chrono::Utc::now().timestamp();
        assert!(time("nbf") <= now && time("iat") <= now && now < time("exp"), "{claims}");
        assert!((300..=600).contains(&(time("exp") - time("iat"))), "{claims}");
        ids.push(claims["jti"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1], "no assertion is used twice");
}

#[test]
fn keys_that_do_not_serve_are_refused_with_words() {
    let server = serve(|_, _| ok(json!({})));
    let Some(keys) = keys(server.folder.path()) else {
        println!("skipped: openssl is not installed");
        return;
    };
    for (key, words) in
        [(&keys.ec, "not an RSA key"), (&keys.other, "belongs to another key"), (&keys.certificate, "no private key")]
    {
        let mut entra = entra(&server, Auth::Certificate);
        entra.certificate_file = Some(keys.certificate.clone());
        entra.private_key_file = Some(key.clone());
        let error = Graph::new(&entra, &secrets, options()).err().unwrap();
        assert!(error.to_string().contains(words) && !error.hints.is_empty(), "{error} {:?}", error.hints);
    }
    assert!(server.logins().is_empty());
}

#[test]
fn a_secret_is_sent_in_the_body_alone_and_one_token_serves_many_requests() {
    let server = serve(|_, _| ok(json!({})));
    let graph = client(&server);
    block_on(async {
        let twelve = (0..12).map(|n| {
            let graph = graph.clone();
            async move { graph.json(&format!("/v1.0/x{n}")).await }
        });
        for result in futures_util::future::join_all(twelve).await {
            result.unwrap();
        }
    });
    let logins = server.logins();
    assert_eq!(logins.len(), 1, "requests at the same time sign in once");
    assert_eq!(logins[0].form()["client_secret"], PASSWORD);
    assert!(!logins[0].path.contains(PASSWORD));
    let seen = server.graph();
    assert_eq!(seen.len(), 12);
    let mut ids: Vec<&str> = seen.iter().map(|s| s.header("client-request-id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 12, "each request has its own id");
    for request in &seen {
        assert_eq!(request.header("authorization"), "Bearer token-1");
        assert!(request.header("user-agent").starts_with("groupshift/"));
    }
}

#[test]
fn a_refused_token_is_renewed_once() {
    // The first token is refused; with the second all is well.
    let server = serve(|seen, _| match seen.header("authorization") {
        "Bearer token-1" => error(401, "InvalidAuthenticationToken"),
        _ => ok(json!({ "id": 1 })),
    });
    let graph = client(&server);
    assert_eq!(block_on(graph.json("/v1.0/me")).unwrap()["id"], 1);
    // A write that was refused was not done, and goes out again with the new token as well.
    assert_eq!((server.logins().len(), server.graph().len()), (2, 2));

    let server = serve(|_, _| {
        error(401, "InvalidAuthenticationToken")
            .with("www-authenticate", "Bearer error=\"insufficient_claims\", claims=\"e30\"")
    });
    let fault = block_on(client(&server).json("/v1.0/me")).unwrap_err();
    assert_eq!((fault.kind, fault.status), (FaultKind::Unauthorized, Some(401)));
    assert!(fault.hint.unwrap().contains("Conditional Access"));
    assert_eq!((server.logins().len(), server.graph().len()), (2, 2), "once, not for ever");
}

#[test]
fn tokens_are_renewed_before_they_end_and_short_ones_are_used() {
    for (lasts, logins) in [(json!(3599), 1), (json!("3599"), 1), (json!(60), 1), (json!(0), 3)] {
        let server = start(move |seen, _| match seen.is_login() {
            true => ok(json!({ "access_token": "t", "expires_in": lasts.clone() })),
            false => ok(json!({})),
        });
        let graph = client(&server);
        for _ in 0..3 {
            block_on(graph.json("/v1.0/me")).unwrap();
        }
        assert_eq!(server.logins().len(), logins);
    }
}

#[test]
fn a_token_that_is_handed_in_is_used_as_it_is_and_not_renewed() {
    let server = serve(|_, _| error(401, "InvalidAuthenticationToken"));
    let graph = Graph::new(&entra(&server, Auth::Token), &secrets, options()).unwrap();
    let fault = block_on(graph.json("/v1.0/me")).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unauthorized);
    assert_eq!((server.logins().len(), server.graph().len()), (0, 1));
    assert_eq!(server.graph()[0].header("authorization"), "Bearer handed-in");

    let expired = format!("e30.{}.x", B64.encode(r#"{"exp":1}"#));
    let old = |_| Ok(secrecy::SecretString::from(expired.clone()));
    let error = Graph::new(&entra(&server, Auth::Token), &old, options()).err().unwrap();
    assert!(error.to_string().contains("expired"), "{error}");
}

#[test]
fn what_a_token_permits_is_read() {
    let claims = B64.encode(r#"{"roles":["Group.Read.All"],"tid":"t1","exp":4102444800}"#);
    let server = start(move |_, _| ok(json!({ "access_token": format!("e30.{claims}.x"), "expires_in": 3599 })));
    let claims = block_on(client(&server).sign_in()).unwrap().unwrap();
    assert_eq!((claims.permissions(), claims.is_delegated()), (vec!["Group.Read.All"], false));
}

#[test]
fn a_device_code_is_shown_waited_for_and_renewed_without_a_second_code() {
    let refuse = |word: &str, code: u32| {
        reply(400, json!({ "error": word, "error_description": format!("AADSTS{code}: wait"), "error_codes": [code] }))
    };
    let server = start(move |seen, _| match seen.path.rsplit('/').next().unwrap() {
        "devicecode" => ok(json!({ "device_code": "long-secret", "user_code": "ABC\u{1b}[31mDEF", "interval": 1,
            "verification_uri": "https://login.test/device", "expires_in": 900, "message": "…" })),
        "token" if seen.form()["grant_type"] == "refresh_token" => {
            assert_eq!(seen.form()["refresh_token"], "refresh-1");
            ok(json!({ "access_token": "second", "expires_in": 0 }))
        }
        "token" if seen.before == 0 => refuse("authorization_pending", 70_016),
        "token" => ok(json!({ "access_token": "first", "expires_in": 0, "refresh_token": "refresh-1" })),
        _ => ok(json!({})),
    });
    let shown = Arc::<Mutex<Vec<String>>>::default();
    let log = shown.clone();
    let show_code = Box::new(move |code: &groupshift::graph::DeviceCode| {
        log.lock().unwrap().push(format!("{} {} {}", code.address, code.code, code.expires_in.as_secs()));
    });
    let graph = Graph::new(&entra(&server, Auth::DeviceCode), &secrets, Options { show_code, ..options() }).unwrap();
    for _ in 0..3 {
        block_on(graph.json("/v1.0/me")).unwrap();
    }
    assert_eq!(*shown.lock().unwrap(), ["https://login.test/device ABC\\u{1b}[31mDEF 900"]);
    let tokens: Vec<String> = server.graph().iter().map(|s| s.header("authorization").to_owned()).collect();
    assert_eq!(tokens, ["Bearer first", "Bearer second", "Bearer second"], "the refresh token serves on");
    assert!(server.logins()[0].form()["scope"].contains("offline_access"));
}

#[test]
fn a_device_code_that_is_declined_or_slowed_down() {
    for (word, code, again) in
        [("slow_down", 70_999, true), ("authorization_declined", 0, false), ("expired_token", 70_020, false)]
    {
        let server = start(move |seen, _| match (seen.path.ends_with("devicecode"), seen.before) {
            (true, _) => ok(json!({ "device_code": "long-secret", "user_code": "A", "interval": 0,
                "verification_uri": "https://login.test/device" })),
            (_, 0) => {
                let codes: Vec<u32> = Some(code).filter(|c| *c > 0).into_iter().collect();
                reply(400, json!({ "error": word, "error_description": "said", "error_codes": codes }))
            }
            _ => ok(json!({ "access_token": "t", "expires_in": 3599 })),
        });
        let graph = Graph::new(&entra(&server, Auth::DeviceCode), &secrets, options()).unwrap();
        match block_on(graph.sign_in()) {
            Ok(_) => assert!(again, "{word}"),
            Err(fault) => {
                assert!(!again && fault.kind == FaultKind::SignIn, "{word}: {fault}");
                assert!(!fault.to_string().contains("long-secret"));
            }
        }
    }
}

#[test]
fn a_refusal_is_explained_and_the_secret_never_shown() {
    for (code, words) in [
        (7_000_222, "expired"),
        (7_000_215, "secret is wrong"),
        (700_016, "not known in this tenant"),
        (90_002, "no such tenant"),
        (65_001, "consented"),
        (53_003, "Conditional Access"),
        (50_076, "second factor"),
        (50_079, "second factor"),
        (700_027, "certificate is not registered"),
        (700_024, "not valid now"),
        (500_011, "does not know Microsoft Graph"),
        (70_019, "has expired"),
        (70_020, "not entered in time"),
        (99_999, "invalid_client"),
    ] {
        let server = start(move |_, _| {
            reply(
                401,
                json!({ "error": "invalid_client", "error_codes": [code], "trace_id": "trace-1",
                "timestamp": "2026-11-21 05:00:00Z",
                "error_description": format!("AADSTS{code}: said of '{PASSWORD}'.\r\nTrace ID: trace-1") }),
            )
        });
        let fault = block_on(client(&server).json("/v1.0/me")).unwrap_err();
        let text = format!("{fault} {:?} {fault:?}", fault.hint);
        assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::SignIn, Some(format!("AADSTS{code}").as_str())));
        assert!(text.contains(words) && text.contains("trace-1 at 2026-11-21"), "{text}");
        assert!(!text.contains(PASSWORD), "{text}");
        assert_eq!(server.logins().len(), 1, "a refusal is not repeated");
    }
}

#[test]
fn a_login_service_that_fails_for_a_moment_is_asked_again() {
    let server = start(|seen, _| match (seen.is_login(), seen.before) {
        (true, 0) => reply(503, json!({})).with("retry-after", "0.02"),
        (true, 1) => reply(200, json!({})).ending(End::Reset),
        (true, _) => token(seen),
        _ => ok(json!({})),
    });
    block_on(client(&server).json("/v1.0/me")).unwrap();
    assert_eq!(server.logins().len(), 3);
    for page in ["<html>sign in to the proxy</html>", "not JSON", ""] {
        let server = start(move |_, _| ok(json!({})).text(page));
        let fault = block_on(client(&server).json("/v1.0/me")).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Malformed, "{page}: {fault}");
    }
}
