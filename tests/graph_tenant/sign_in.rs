//! Sign-ins of a whole collection: each way, tokens that end on the way, refusals.

use super::tenant::Tenant;
use super::tenant::collecting::{Run, config_with, example_of, run_with};
use super::tenant::login::Login;
use super::tenant::server::{Server, start};
use groupshift::collect::offline::Collected;
use serde_json::json;
use std::path::Path;
use std::process::Command;

fn tenant(login: Login) -> Server {
    let dir = example_of(&["0"]);
    let mut tenant = Tenant::load(dir.path());
    tenant.login = Some(login);
    start(tenant)
}

fn with_secret(server: &Server, dir: &Path) -> Run {
    std::fs::write(dir.join("secret"), "a-secret").unwrap();
    let auth = format!("auth = \"secret\"\nclient_secret_file = {}", json!(dir.join("secret").to_string_lossy()));
    run_with(&config_with(server, dir, &auth), None, false)
}

fn login() -> Login {
    Login { secret: Some("a-secret".to_owned()), ..Login::default() }
}

fn counts(collected: &Collected) -> (usize, usize) {
    let entra = &collected.inventory.entra;
    (entra.groups.len(), entra.users.len())
}

#[test]
fn tokens_that_end_on_the_way_are_renewed() {
    let dir = tempfile::tempdir().unwrap();
    let server = tenant(login());
    let whole = with_secret(&server, dir.path()).result.unwrap();
    let requests = server.tenant.lock().unwrap().requests.len();
    assert_eq!(server.tenant.lock().unwrap().login.as_ref().unwrap().signed_in, 1);
    // After a few requests; beside one another many of them are refused at once, and one sign-in serves them all.
    server.tenant.lock().unwrap().login = Some(Login { requests_per_token: Some(20), ..login() });
    let renewed = with_secret(&server, dir.path()).result.unwrap();
    let signed_in = server.tenant.lock().unwrap().login.as_ref().unwrap().signed_in;
    assert!(signed_in >= 2 && signed_in <= requests / 4, "{signed_in} sign-ins for {requests} requests");
    assert_eq!(counts(&renewed), counts(&whole));
    // A service that takes no token at all is an error, not a loop.
    server.tenant.lock().unwrap().login = Some(Login { requests_per_token: Some(0), ..login() });
    let error = with_secret(&server, dir.path()).result.err().unwrap();
    assert!(error.message.contains("InvalidAuthenticationToken"), "{error}");
}

#[test]
fn refusals_of_the_sign_in_end_the_collection_and_are_explained() {
    let dir = tempfile::tempdir().unwrap();
    for (number, words) in [
        (7000222, "The provided client secret keys are expired."),
        (65001, "The user or administrator has not consented to use the application."),
        (90002, "Tenant not found."),
        (53003, "Access has been blocked by Conditional Access policies."),
    ] {
        let server = tenant(Login { refusal: Some((number, words)), ..login() });
        let error = with_secret(&server, dir.path()).result.err().unwrap();
        let text = format!("{error} {:?}", error.hints);
        assert!(text.contains(&format!("AADSTS{number}")) && !error.hints.is_empty(), "{text}");
        assert!(!text.contains("a-secret"), "{text}");
        assert!(server.tenant.lock().unwrap().requests.is_empty(), "asked without a token");
    }
}

#[test]
fn a_device_code_is_shown_while_the_collection_waits() {
    let dir = tempfile::tempdir().unwrap();
    let server = tenant(Login { device: Some(1), requests_per_token: Some(20), ..Login::default() });
    let run = run_with(&config_with(&server, dir.path(), "auth = \"device-code\""), None, false);
    let shown = run.notes.iter().filter(|n| n.contains("ABCD-EFGH") && n.contains("https://login.test/device")).count();
    assert_eq!(shown, 1, "{:?} {:#?}", run.result.err(), run.notes);
    // Renewed with the refresh token, without a second code.
    assert!(run.result.is_ok(), "{:?}", run.result.err());
    assert!(server.tenant.lock().unwrap().login.as_ref().unwrap().signed_in >= 2);
}

#[test]
fn a_certificate_signs_in() {
    let dir = tempfile::tempdir().unwrap();
    let openssl = |args: &[&str]| {
        let out = Command::new("openssl").args(args).current_dir(dir.path()).output().ok()?;
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        Some(out.stdout)
    };
    let made = openssl(&[
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "app.pem", "-subj", "/CN=app",
        "-days", "30",
    ]);
    if made.is_none() {
        println!("skipped: openssl is not installed");
        return;
    }
    let public = openssl(&["rsa", "-in", "key.pem", "-RSAPublicKey_out", "-outform", "DER"]).unwrap();
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "other.pem"]).unwrap();
    let other = openssl(&["rsa", "-in", "other.pem", "-RSAPublicKey_out", "-outform", "DER"]).unwrap();
    let quoted = |name: &str| json!(dir.path().join(name).to_string_lossy()).to_string();
    let auth = format!(
        "auth = \"certificate\"\ncertificate_file = {}\nprivate_key_file = {}",
        quoted("app.pem"),
        quoted("key.pem")
    );
    for (key, admitted) in [(public, true), (other, false)] {
        let server = tenant(Login { key: Some(key), ..Login::default() });
        let run = run_with(&config_with(&server, dir.path(), &auth), None, false);
        assert_eq!(run.result.is_ok(), admitted, "{:?}", run.result.err());
    }
}
