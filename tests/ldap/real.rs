//! Against a real domain controller, where the environment names one: GROUPSHIFT_TEST_AD_URL, _CA, _USER, _PASSWORD
//! (and for Kerberos a ticket in the session, with the feature `gssapi`). It is only read from.

use crate::support::{BOTH, Connection, drain};
#[cfg(feature = "gssapi")]
use groupshift::config::Bind;
use groupshift::config::{Ad, Settings};
use groupshift::ldap::{Connector, Control, FaultKind, Scope, SdParts, Search};
use secrecy::SecretString;

fn variable(name: &str) -> Option<String> {
    std::env::var(format!("GROUPSHIFT_TEST_AD_{name}")).ok()
}

fn settings() -> Option<Ad> {
    let ad = Ad {
        url: variable("URL"),
        ca_file: variable("CA").map(Into::into),
        user: variable("USER"),
        ..Settings::default().ad
    };
    if ad.url.is_none() {
        println!("skipped: GROUPSHIFT_TEST_AD_URL names no domain controller");
    }
    ad.url.is_some().then_some(ad)
}

async fn read(session: &Connection) {
    let root = session.root_dse(&["defaultNamingContext", "configurationNamingContext"]).await.unwrap();
    let base = root.text("defaultNamingContext").unwrap().to_owned();
    let search =
        Search::new(&base, Scope::Subtree, "(objectClass=group)", &["objectSid", "nTSecurityDescriptor", "member"])
            .with(Control::SdFlags(SdParts::OwnerGroupDacl))
            .page(7);
    let (groups, end) = drain(session.search(search.clone())).await;
    let end = end.unwrap_or_else(|fault| panic!("{fault}"));
    assert!(groups.len() > 20 && end.ending().unwrap().pages > 2, "{} groups", groups.len());
    assert!(groups.iter().all(|g| g.bytes("objectSid").is_some() && g.bytes("nTSecurityDescriptor").is_some()));
    // In one page, and in one answer, it is the same.
    for other in [search.clone().page(1000), search.unpaged()] {
        assert_eq!(session.all(other).await.unwrap().entries.len(), groups.len());
    }
    let extended =
        Search::new(&base, Scope::Base, "(objectClass=*)", &["objectGUID"]).unpaged().with(Control::ExtendedDn);
    assert!(session.all(extended).await.unwrap().entries[0].dn.starts_with("<GUID="));
    let deleted = Search::new(&base, Scope::Subtree, "(isDeleted=TRUE)", &["isDeleted"]).with(Control::ShowDeleted);
    session.all(deleted).await.unwrap();
    assert!(session.read(&format!("OU=nowhere,{base}"), &[], vec![]).await.unwrap().is_none());
    let fault =
        session.all(Search::new(&format!("OU=nowhere,{base}"), Scope::Subtree, "(cn=*)", &[])).await.unwrap_err();
    assert!(fault.is_missing(), "{fault}");
}

#[tokio::test]
async fn a_real_controller_is_read_over_tls() {
    let Some(ad) = settings() else { return };
    let connector = Connector::new(&ad, || Ok(SecretString::from(variable("PASSWORD").unwrap()))).unwrap();
    for by in BOTH {
        let session = by.connect(&connector).await.unwrap();
        read(&session).await;
        let who = session.who_am_i().await.unwrap();
        assert!(who.starts_with("u:"), "{who}");
    }

    let clear = ad.url.as_deref().unwrap().replace("ldaps://", "ldap://").replace(":636", "");
    let starttls = Ad { url: Some(clear), starttls: true, ..ad.clone() };
    let connector = Connector::new(&starttls, || Ok(SecretString::from(variable("PASSWORD").unwrap()))).unwrap();
    for by in BOTH {
        read(&by.connect(&connector).await.unwrap()).await;
    }

    let wrong = Connector::new(&ad, || Ok("Not-The-Password-1".into())).unwrap().connect().await.err().unwrap();
    assert_eq!(wrong.kind, FaultKind::Credentials, "{wrong}");
    println!("{wrong}");
}

#[cfg(feature = "gssapi")]
#[tokio::test]
async fn a_ticket_signs_in() {
    let Some(ad) = settings() else { return };
    let Some(host) = variable("HOST") else {
        println!("skipped: GROUPSHIFT_TEST_AD_HOST names no controller for Kerberos");
        return;
    };
    for scheme in ["ldap", "ldaps"] {
        let ad = Ad { url: Some(format!("{scheme}://{host}")), bind: Bind::Gssapi, ..ad.clone() };
        let connector = Connector::new(&ad, || panic!("no password is needed")).unwrap();
        assert!(connector.uses_tls());
        for by in BOTH {
            let session = by.connect(&connector).await.unwrap_or_else(|fault| panic!("{fault} {:?}", fault.hint));
            println!("{scheme}: {}", session.who_am_i().await.unwrap());
            read(&session).await;
        }
    }
}
