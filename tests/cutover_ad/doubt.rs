//! Connections that break around a write, through a proxy that cuts them: what was sent and not answered is in doubt, is
//! not sent again, and reading finds out what became of it.

use crate::directory::{ADMIN, Controller, PASSWORD, Template, start};
use crate::support::*;
use crate::world::World;
use groupshift::cutover::live::ad::LiveDirectory;
use groupshift::cutover::port::{Directory, Refusal, STAMP};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of the next bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    No,
    /// A request does not arrive.
    Request,
    /// A request arrives, and its answer does not.
    Answer,
}

struct Proxy {
    port: u16,
    cut: Arc<Mutex<Cut>>,
    to: Arc<Mutex<String>>,
    /// Ends every connection that is open.
    end: tokio::sync::broadcast::Sender<()>,
}

impl Proxy {
    async fn to(controller: &Controller) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(Mutex::new(Cut::No));
        let to = Arc::new(Mutex::new(controller.address.clone()));
        let (end, _) = tokio::sync::broadcast::channel(4);
        let (acting, target, ending) = (cut.clone(), to.clone(), end.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let target = target.lock().unwrap().clone();
                tokio::spawn(between(client, target, acting.clone(), ending.subscribe()));
            }
        });
        Proxy { port, cut, to, end }
    }
    /// The server's certificate names `localhost` too.
    fn config(&self, controller: &Controller) -> groupshift::config::Config {
        let ad = controller.config(ADMIN).replace(&controller.ldaps(), &format!("ldaps://localhost:{}", self.port));
        // The catalog's address begins like the controller's.
        let ad = ad.replace(&format!("localhost:{}:3269", self.port), &format!("{}:3269", controller.address));
        config(&tempfile::tempdir_in(&controller.folder).unwrap().keep(), &ad, PASSWORD)
    }
}

async fn between(
    client: TcpStream,
    target: String,
    cut: Arc<Mutex<Cut>>,
    mut end: tokio::sync::broadcast::Receiver<()>,
) {
    let Ok(server) = TcpStream::connect((target.as_str(), 636)).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (mut request, mut answer) = ([0; 16384], [0; 16384]);
    loop {
        tokio::select! {
            read = from_client.read(&mut request) => match read {
                Ok(n) if n > 0 && *cut.lock().unwrap() != Cut::Request => {
                    if to_server.write_all(&request[..n]).await.is_err() { return }
                }
                _ => return,
            },
            read = from_server.read(&mut answer) => match read {
                Ok(n) if n > 0 && *cut.lock().unwrap() != Cut::Answer => {
                    if to_client.write_all(&answer[..n]).await.is_err() { return }
                }
                _ => return,
            },
            _ = end.recv() => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_without_an_answer_is_in_doubt_and_looking_tells() {
    let Some(controller) = start(Template::World) else { return };
    let proxy = Proxy::to(&controller).await;
    let directory = LiveDirectory::connect(&proxy.config(&controller), None).await.unwrap();
    let sales = guid_of(&controller, "Sales");
    let anchor = World::v2().group("Sales").anchor();
    for (cut, arrived) in [(Cut::Request, false), (Cut::Answer, true)] {
        assert_eq!(stamp_of(&directory, sales).await, None);
        *proxy.cut.lock().unwrap() = cut;
        let fault = directory.modify(sales, &[add(STAMP, &anchor)]).await.unwrap_err();
        *proxy.cut.lock().unwrap() = Cut::No;
        assert_eq!(fault.refusal, Refusal::Doubt, "{}", fault.error);
        // The server may still be at it when the connection has gone.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let there = stamp_of(&directory, sales).await;
        assert_eq!(there.is_some(), arrived, "{cut:?}: {there:?}");
        if arrived {
            directory.modify(sales, &[delete(STAMP, &anchor)]).await.unwrap();
        }
    }
    // The same of a rename and of a new group.
    let before = directory.read(&[sales]).await.unwrap().remove(0).unwrap();
    let parent = before.dn.split_once(',').unwrap().1.to_owned();
    let dn = format!("CN=Made in doubt,{parent}");
    let group = [("objectClass".to_owned(), vec![b"group".to_vec()])];
    *proxy.cut.lock().unwrap() = Cut::Answer;
    let made = directory.create(&dn, &group).await;
    *proxy.cut.lock().unwrap() = Cut::No;
    assert_eq!(refused(made), Refusal::Doubt);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(directory.find(&dn).await.unwrap().is_some());
}

/// Connections that ended while nothing was on its way cost nothing: the write goes out once, on a new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_ended_at_rest_is_replaced_without_a_doubt() {
    let Some(mut controller) = start(Template::World) else { return };
    let proxy = Proxy::to(&controller).await;
    let directory = LiveDirectory::connect(&proxy.config(&controller), None).await.unwrap();
    let sales = guid_of(&controller, "Sales");
    let anchor = World::v2().group("Sales").anchor();
    for round in 0..3 {
        directory.modify(sales, &[add(STAMP, &anchor)]).await.unwrap_or_else(|f| panic!("{round}: {}", f.error));
        proxy.end.send(()).unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        directory.modify(sales, &[delete(STAMP, &anchor)]).await.unwrap_or_else(|f| panic!("{round}: {}", f.error));
    }
    // The controller ends and comes back: it is the same database.
    controller.kill();
    let gone = directory.modify(sales, &[add(STAMP, &anchor)]).await.unwrap_err();
    assert!(matches!(gone.refusal, Refusal::Busy | Refusal::Doubt), "{}", gone.error);
    controller.boot();
    assert_eq!(stamp_of(&directory, sales).await, None);
    directory.modify(sales, &[add(STAMP, &anchor)]).await.unwrap();
}

/// The address leads to another database: nothing is read from it, and nothing written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_database_behind_the_address_is_refused() {
    let (Some(controller), Some(other)) = (start(Template::World), start(Template::Empty)) else { return };
    let proxy = Proxy::to(&controller).await;
    let config = proxy.config(&controller);
    let sales = guid_of(&controller, "Sales");
    // Both authorities are trusted here, so that it is the pin that refuses.
    let both = format!(
        "{}{}",
        std::fs::read_to_string(&controller.ca_file).unwrap(),
        std::fs::read_to_string(&other.ca_file).unwrap()
    );
    std::fs::write(&controller.ca_file, both).unwrap();
    let directory = LiveDirectory::connect(&config, None).await.unwrap();
    *proxy.to.lock().unwrap() = other.address.clone();
    proxy.end.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let error = directory.read(&[sales]).await.unwrap_err();
    assert!(error.to_string().contains("pinned to") && !error.hints.is_empty(), "{error}");
    let fault = directory.modify(sales, &[add(STAMP, "Group_x")]).await.unwrap_err();
    assert_eq!(fault.refusal, Refusal::Busy, "nothing was sent: {}", fault.error);
    *proxy.to.lock().unwrap() = controller.address.clone();
    assert_eq!(stamp_of(&directory, sales).await, None);
}
