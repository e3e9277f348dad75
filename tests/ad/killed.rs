//! A controller that ends while it is read, and a test process that ends while its controller runs.

use crate::{Run, directory, world};
use directory::{Controller, Template, start};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A way to the controller on which what it has answered is counted.
struct Gauge {
    port: u16,
    answered: Arc<AtomicU64>,
    reached: mpsc::Receiver<()>,
}

impl Gauge {
    /// Tells through `reached` as soon as `limit` bytes were answered.
    fn new(address: &str, limit: u64) -> Gauge {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answered = Arc::new(AtomicU64::new(0));
        let (tell, reached) = mpsc::channel();
        let (count, address) = (answered.clone(), address.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect((address.as_str(), 636)) else { continue };
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || carry(from, to, |_| {}));
                let (count, tell) = (count.clone(), tell.clone());
                thread::spawn(move || {
                    carry(server, client, |bytes| {
                        let before = count.fetch_add(bytes, Ordering::SeqCst);
                        if before < limit && before + bytes >= limit {
                            let _ = tell.send(());
                        }
                    });
                });
            }
        });
        Gauge { port, answered, reached }
    }

    fn config(&self, controller: &Controller) -> String {
        let ca = controller.ca_file.display();
        // The certificate names localhost, too.
        format!("[ad]\nurl = \"ldaps://localhost:{}\"\nuser = \"{}\"\nca_file = \"{ca}\"\n", self.port, world::READER)
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, mut passed: impl FnMut(u64)) {
    let mut buffer = [0; 2048];
    while let Ok(bytes @ 1..) = from.read(&mut buffer) {
        passed(bytes as u64);
        if to.write_all(&buffer[..bytes]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn a_controller_that_is_killed_leaves_a_clear_error_and_no_bundle() {
    let Some(mut controller) = start(Template::World) else { return };
    let gauge = Gauge::new(&controller.address, u64::MAX);
    let whole = Run::new(&gauge.config(&controller));
    whole.ok(&["collect", "--out", "bundle"]);
    let all = gauge.answered.load(Ordering::SeqCst);
    // Early, in the middle, late; the last time it comes back, which may be soon enough.
    for (percent, returns) in [(15, false), (50, false), (85, false), (50, true)] {
        let gauge = Gauge::new(&controller.address, all * percent / 100);
        let run = Run::new(&gauge.config(&controller));
        let mut command = run.command(&["collect", "--out", "bundle"]);
        let mut program = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        gauge.reached.recv_timeout(Duration::from_secs(30)).unwrap();
        controller.kill();
        if returns {
            controller.boot();
        }
        let killed = Instant::now();
        let mut said = String::new();
        program.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let code = program.wait().unwrap().code();
        let took = killed.elapsed();
        if !returns {
            controller.boot();
        }
        if returns && code == Some(0) {
            assert_eq!(run.data("bundle"), whole.data("bundle"));
            continue;
        }
        assert_eq!(code, Some(1), "after {percent} %: {said}");
        assert!(said.contains(&format!("ldaps://localhost:{}", gauge.port)) && said.contains("hint:"), "{said}");
        assert!(!run.dir.path().join("bundle").exists(), "after {percent} %");
        assert!(took < Duration::from_secs(30), "after {percent} %: {took:?}");
    }
    // Nothing of that has harmed the directory: it is read as before.
    let gauge = Gauge::new(&controller.address, u64::MAX);
    let run = Run::new(&gauge.config(&controller));
    run.ok(&["collect", "--out", "bundle"]);
    assert_eq!(run.data("bundle"), whole.data("bundle"));
}

/// Started by the test below, in a process of its own.
#[test]
#[ignore = "holds a controller until it is killed"]
fn holds_a_controller() {
    let Some(controller) = start(Template::Empty) else { return };
    println!("\nholding {} {}", controller.address, controller.folder.display());
    thread::sleep(Duration::from_secs(120));
    panic!("nobody ended this process");
}

#[test]
fn a_controller_ends_with_its_process_and_its_folder_is_cleared_away() {
    if !directory::available() {
        return;
    }
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::holds_a_controller", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find(|line| line.starts_with("holding ")).expect("a controller");
    let (address, folder) = line["holding ".len()..].split_once(' ').unwrap();
    assert!(TcpStream::connect((address, 636)).is_ok());
    holder.kill().unwrap();
    holder.wait().unwrap();
    let begun = Instant::now();
    while TcpStream::connect((address, 636)).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the controller of a killed process goes on");
        thread::sleep(Duration::from_millis(50));
    }
    let _next = start(Template::Empty);
    assert!(!Path::new(folder).exists(), "the next start clears away what was left");
}
