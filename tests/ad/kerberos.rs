//! Sign-in with a ticket of the domain's own KDC, in place of a password.

use crate::{Run, directory, world};
use directory::{HOST, Template, start};

#[test]
fn a_ticket_signs_in_and_reads_what_a_password_does() {
    let Some(controller) = start(Template::World) else { return };
    let Some(ticket) = controller.ticket(world::READER) else { return };
    let by_password = Run::new(&controller.config(world::READER));
    by_password.ok(&["collect", "--out", "bundle"]);
    let catalog = format!("global_catalog_url = \"{}\"\n", controller.global_catalog());
    for (url, more) in [
        (format!("ldaps://{HOST}"), catalog.replace(&controller.address, HOST)),
        (format!("ldap://{HOST}"), String::new()),
    ] {
        let ca = controller.ca_file.display();
        let mut run = Run::new(&format!("[ad]\nurl = \"{url}\"\nbind = \"gssapi\"\nca_file = \"{ca}\"\n{more}"));
        run.password = String::new();
        run.variables = ticket.clone();
        run.ok(&["collect", "--out", "bundle"]);
        assert_eq!(run.data("bundle"), by_password.data("bundle"), "{url}");

        let none = run.dir.path().join("no-tickets").display().to_string();
        run.variables.iter_mut().find(|(name, _)| *name == "KRB5CCNAME").unwrap().1 = format!("FILE:{none}");
        let refused = run.go(&["collect", "--out", "other"]);
        assert_eq!(refused.code, 1, "{}", refused.err);
        assert!(refused.err.contains("Kerberos") && refused.err.contains("kinit"), "{}", refused.err);
        assert!(!run.dir.path().join("other").exists());
    }
}
