//! The Graph client against a scripted service over HTTPS: signing in, repeating what may be repeated, batches, lists,
//! and every fault that an answer can have.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "graph_client/batch.rs"]
mod batch;
#[path = "graph_client/faults.rs"]
mod faults;
#[path = "graph_client/lists.rs"]
mod lists;
#[path = "graph_client/oracle.rs"]
mod oracle;
#[path = "graph_client/server.rs"]
mod server;
#[path = "graph_client/sign_in.rs"]
mod sign_in;

use groupshift::config::{Auth, Entra, Secret};
use groupshift::graph::{Graph, Options};
use secrecy::SecretString;
use serde_json::{Value, json};
use server::{Reply, Seen, Server, ok};
use std::time::Duration;

pub const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
pub const PASSWORD: &str = "hunter2-secret~value";

pub fn entra(server: &Server, auth: Auth) -> Entra {
    Entra {
        tenant_id: Some("contoso.test".to_owned()),
        client_id: Some(CLIENT.to_owned()),
        auth,
        login_url: Some(server.url.clone()),
        graph_url: Some(server.url.clone()),
        ca_file: Some(server.ca_file.clone()),
        ..Entra::default()
    }
}

pub fn options() -> Options {
    Options {
        budget_percent: 100,
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_millis(400),
        answer_timeout: Duration::from_millis(900),
        ..Options::default()
    }
}

pub fn secrets(secret: Secret) -> groupshift::error::Result<SecretString> {
    Ok(SecretString::from(match secret {
        Secret::GraphToken => "handed-in".to_owned(),
        _ => PASSWORD.to_owned(),
    }))
}

/// A client that signs in with a secret.
pub fn client(server: &Server) -> Graph {
    client_with(server, options())
}

pub fn client_with(server: &Server, options: Options) -> Graph {
    Graph::new(&entra(server, Auth::Secret), &secrets, options).unwrap()
}

/// The login service's answer, one token after the other: `token-1`, `token-2`, …
pub fn token(seen: &Seen) -> Reply {
    ok(json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": format!("token-{}", seen.before + 1) }))
}

/// A server whose login service always works.
pub fn serve(script: impl Fn(&Seen, &str) -> Reply + Send + Sync + 'static) -> Server {
    server::start(move |seen, own| if seen.is_login() { token(seen) } else { script(seen, own) })
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn group(id: &str) -> Value {
    json!({ "id": id })
}
