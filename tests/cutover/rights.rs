//! Accounts that may little: what they can, is done; what they cannot, is said before anything is written, and goes on when
//! it is granted.

use super::directory::ROOT;
use super::lab::{Lab, differences};
use super::world::seed::grant;
use super::world::{self, VAULT};

const STAMP_ATTRIBUTE: &str = "bd29bf90-66ad-40e1-887b-10df070419a6";

fn sid(lab: &Lab, account: &str) -> String {
    let found = lab.controller.search(ROOT, &format!("(userPrincipalName={account})"), &["objectSid"]);
    let value = found.lines().find_map(|l| l.strip_prefix("objectSid:: ")).unwrap();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, value).unwrap();
    groupshift::directory::Sid::from_bytes(&bytes).unwrap().to_string()
}

#[test]
fn one_ace_stamps_verifies_and_rolls_back() {
    let Some(mut lab) = Lab::as_user(world::WRITER) else { return };
    lab.plan("documented");
    let fresh = lab.dump();
    // What AdminSDHolder protects, and what inherits nothing, the one right does not reach: said before anything is written.
    lab.begin().code(4).says(&["may not write msDS-ExternalDirectoryObjectId", "2"]);
    assert_eq!(differences(&fresh, &lab.dump()), Vec::<String>::new());
    let stamper = sid(&lab, world::WRITER);
    for name in [VAULT, "Sealed"] {
        grant(&lab.controller, &lab.world.group(name).dn(), &format!("(OA;;WP;{STAMP_ATTRIBUTE};;{stamper})"));
    }
    let fresh = lab.dump();
    // Members and names it could not bring back: --yes has been given, and it is written down.
    lab.resume(&[]).code(4).says(&["member rollback unavailable"]);
    assert!(lab.waits().unwrap().contains("taging"), "{:?}", lab.waits());
    assert_eq!(differences(&fresh, &lab.dump()).len(), 11);
    assert!(lab.status().to_string().contains("rollback"));
    lab.rollback_all().code(0);
    assert_eq!(differences(&fresh, &lab.dump()), Vec::<String>::new());
}

#[test]
fn a_right_that_goes_missing_stops_the_run_and_comes_back() {
    let Some(mut lab) = Lab::new() else { return };
    lab.plan("documented");
    let fresh = lab.dump();
    // Between the check of the rights and the stamps somebody denies one: when the tenant is asked for the groups'
    // snapshots, the checks are over.
    let admin = "S-1-1-0";
    let finance = lab.world.group("Finance").dn();
    let (denied, dn) = (format!("(OD;;WP;{STAMP_ATTRIBUTE};;{admin})"), finance.clone());
    let (url, conf) = (format!("ldaps://{}", lab.controller.address), lab.controller.folder.join("etc/smb.conf"));
    let dsacl = move |what: &str| {
        let output = std::process::Command::new("samba-tool")
            .args(["dsacl", what, &format!("--objectdn={dn}"), &format!("--sddl={denied}"), "-H", &url])
            .args([
                "-U",
                &format!("administrator%{}", super::directory::PASSWORD),
                "--option=tls verify peer = ca_only",
                "-s",
            ])
            .arg(&conf)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let deny = dsacl.clone();
    let mut secrets = false;
    lab.state.with(|t| {
        t.before = Some(Box::new(move |path, _| {
            // Secrets are read when the job is kept, right after the groups.
            if path.contains("/synchronization/secrets") && !std::mem::replace(&mut secrets, true) {
                deny("set");
            }
        }));
    });
    lab.begin().code(4).says(&["may not", &finance]);
    let stamped = differences(&fresh, &lab.dump()).iter().filter(|l| l.contains("msDS-External")).count();
    assert_eq!(stamped, 10, "the others are stamped");
    dsacl("delete");
    lab.resume(&[]).code(4);
    assert!(lab.waits().unwrap().contains("taging"), "{:?}", lab.waits());
    assert_eq!(differences(&fresh, &lab.dump()).len(), 11);
    lab.rollback_all().code(0);
    assert_eq!(differences(&fresh, &lab.dump()), Vec::<String>::new());
}
