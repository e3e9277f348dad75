//! Tickets of the controller's own KDC, for a program that is started with the variables returned here. The
//! controller's name is made known to that program alone (nss_wrapper), not to the machine.

use super::{Controller, HOST, PASSWORD, REALM, ROOT};
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

const PRELOADED: &str = "libnss_wrapper.so";

/// What a process needs in its environment to use a ticket.
pub type Environment = Vec<(&'static str, String)>;

impl Controller {
    /// A ticket of an account; `None`, having said why, where there can be none here.
    pub fn ticket(&self, user: &str) -> Option<Environment> {
        let preloads = Command::new("true").env("LD_PRELOAD", PRELOADED).output().is_ok_and(|o| o.stderr.is_empty());
        let missing = match Command::new("klist").arg("-V").output() {
            Err(_) => Some("kinit (krb5-user)"),
            Ok(_) if !preloads => Some("libnss-wrapper"),
            Ok(_) => None,
        };
        if let Some(missing) = missing {
            println!("skipped: no sign-in by Kerberos here ({missing} is missing; ./tests/run installs it)");
            return None;
        }
        let folder = &self.folder;
        let (config, hosts, cache) = (folder.join("krb5.conf"), folder.join("hosts"), folder.join("tickets"));
        let text = format!(
            "[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\ndns_lookup_realm = false\n\
             dns_canonicalize_hostname = false\nrdns = false\n\
             [realms]\n{REALM} = {{\nkdc = {address}\n}}\n[domain_realm]\n.contoso.test = {REALM}\n",
            address = self.address
        );
        fs::write(&config, text).unwrap();
        fs::write(&hosts, format!("{} {HOST}\n", self.address)).unwrap();
        // A controller of AD registers this itself; Samba's does it by a script of its own.
        if !self.search(ROOT, "(cn=DC1)", &["servicePrincipalName"]).contains(&format!(" ldap/{HOST}\n")) {
            self.modify(&format!(
                "dn: CN=DC1,OU=Domain Controllers,{ROOT}\nchangetype: modify\nadd: servicePrincipalName\n\
                 servicePrincipalName: ldap/{HOST}\n-\n\n"
            ));
        }
        let environment = vec![
            ("KRB5_CONFIG", config.display().to_string()),
            ("KRB5CCNAME", format!("FILE:{}", cache.display())),
            ("LD_PRELOAD", PRELOADED.to_owned()),
            ("NSS_WRAPPER_HOSTS", hosts.display().to_string()),
        ];
        let name = user.split('@').next().unwrap();
        let mut kinit = Command::new("kinit")
            .arg(format!("{name}@{REALM}"))
            .envs(environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        kinit.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
        let output = kinit.wait_with_output().unwrap();
        assert!(output.status.success(), "kinit: {}", String::from_utf8_lossy(&output.stderr));
        Some(environment)
    }
}
