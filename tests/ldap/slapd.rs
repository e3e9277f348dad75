//! Against OpenLDAP's server, which signs in by client certificate as Samba does not. Left out where it is not
//! installed.

use crate::support::{BASE, BOTH, drain};
use crate::wire::tls;
use groupshift::config::{Ad, Bind, Settings};
use groupshift::ldap::{Connector, FaultKind, Scope, Search};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Server {
    child: Child,
    url: String,
    tls: tls::Tls,
    /// Its data; goes with it.
    _dir: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start() -> Option<Server> {
    let program = Path::new("/usr/sbin/slapd");
    if !program.exists() {
        println!("skipped: slapd is not installed");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let tls = tls::make(dir.path(), tls::Certificate::Good);
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let config = format!(
        "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n\
         TLSCACertificateFile {}\nTLSCertificateFile {}\nTLSCertificateKeyFile {}\nTLSVerifyClient try\n\
         pidfile {}\ndatabase mdb\nsuffix {BASE}\ndirectory {}\nmaxsize 10485760\naccess to * by users read by * none\n",
        tls.ca_file.display(),
        tls.server_certificate.display(),
        tls.server_key.display(),
        dir.path().join("pid").display(),
        data.display()
    );
    let file = dir.path().join("slapd.conf");
    std::fs::write(&file, config).unwrap();
    let mut ldif = format!("dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: contoso\no: Contoso\n\n");
    for n in 0..25 {
        ldif += &format!("dn: cn=r{n},{BASE}\nobjectClass: organizationalRole\ncn: r{n}\n\n");
    }
    std::fs::write(dir.path().join("in.ldif"), ldif).unwrap();
    let added =
        Command::new("/usr/sbin/slapadd").arg("-f").arg(&file).arg("-l").arg(dir.path().join("in.ldif")).output();
    let added = added.unwrap();
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("ldaps://127.0.0.1:{port}");
    let child =
        Command::new(program).args(["-d", "0", "-h", &url, "-f"]).arg(&file).stderr(Stdio::null()).spawn().unwrap();
    let server = Server { child, url, tls, _dir: dir };
    for _ in 0..100 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(server);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("slapd did not start");
}

#[tokio::test]
async fn a_certificate_signs_in_to_a_real_server() {
    let Some(server) = start() else { return };
    let ad = Ad {
        url: Some(server.url.clone()),
        bind: Bind::External,
        ca_file: Some(server.tls.ca_file.clone()),
        client_certificate_file: Some(server.tls.client_certificate.clone()),
        client_key_file: Some(server.tls.client_key.clone()),
        ..Settings::default().ad
    };
    let connector = Connector::new(&ad, || panic!("no password is needed")).unwrap();
    for by in BOTH {
        let session = by.connect(&connector).await.unwrap();
        assert_eq!(session.who_am_i().await.unwrap(), "dn:cn=svc-groupshift");
        let search = Search::new(BASE, Scope::Subtree, "(objectClass=organizationalRole)", &["cn"]).page(10);
        let (entries, end) = drain(session.search(search)).await;
        let end = end.unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!((entries.len(), end.ending().unwrap().pages), (25, 3));
    }

    // A password goes to the same server, and is refused in words.
    let ad = Ad { bind: Bind::Simple, user: Some(format!("cn=nobody,{BASE}")), ..ad };
    let connector = Connector::new(&ad, || Ok("wrong".into())).unwrap();
    let fault = connector.connect().await.err().unwrap();
    assert_eq!(fault.kind, FaultKind::Credentials, "{fault}");
}
