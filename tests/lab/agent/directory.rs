//! The agent's hands in AD: one connection a cycle, signed in with an account of its own.

use groupshift::directory::{ObjectGuid, escape_value, split};
use groupshift::ldap::{escape, guid_filter};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapResult, Mod, Scope, SearchEntry};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

const ROOT: &str = super::super::directory::ROOT;
const STAMP: &str = "msDS-ExternalDirectoryObjectId";
const READ: [&str; 10] = [
    "objectGUID",
    "objectSid",
    STAMP,
    "adminDescription",
    "displayName",
    "description",
    "sAMAccountName",
    "member",
    "groupType",
    "objectClass",
];

/// Where to, and as whom.
pub struct Hands {
    url: String,
    user: String,
    password: String,
    tls: Arc<rustls::ClientConfig>,
}

/// A connection.
pub struct Hand {
    ldap: Ldap,
}

/// A group as the agent reads it.
#[derive(Debug, Clone, Default)]
pub struct Found {
    pub dn: String,
    pub stamp: Option<String>,
    pub texts: BTreeMap<String, String>,
    pub members: Vec<String>,
}

impl Found {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
    pub fn parent(&self) -> String {
        split(&self.dn).map(|(_, parent)| parent.into_owned()).unwrap_or_default()
    }
    pub fn cn(&self) -> String {
        split(&self.dn).map(|(cn, _)| cn.into_owned()).unwrap_or_default()
    }
    pub fn has(&self, member: &str) -> bool {
        self.members.iter().any(|m| groupshift::directory::same_dn(m, member))
    }
}

type Done<T = ()> = Result<T, String>;

fn set(value: &str) -> HashSet<Vec<u8>> {
    HashSet::from([value.as_bytes().to_vec()])
}

fn judged(what: &str, result: Result<LdapResult, ldap3::LdapError>) -> Done {
    match result.map_err(|e| format!("{what}: {e}"))? {
        LdapResult { rc: 0, .. } => Ok(()),
        other => Err(format!("{what}: {} {}", other.rc, other.text)),
    }
}

impl Hands {
    pub fn new(url: &str, user: &str, password: &str, ca_file: &Path) -> Hands {
        let tls = groupshift::tls::client_config(Some(ca_file), None).unwrap();
        Hands { url: url.to_owned(), user: user.to_owned(), password: password.to_owned(), tls }
    }

    pub async fn reach(&self) -> Done<Hand> {
        let settings =
            LdapConnSettings::new().set_config(self.tls.clone()).set_conn_timeout(std::time::Duration::from_secs(5));
        let (connection, mut ldap) =
            LdapConnAsync::with_settings(settings, &self.url).await.map_err(|e| format!("connect: {e}"))?;
        ldap3::drive!(connection);
        judged("sign in", ldap.simple_bind(&self.user, &self.password).await)?;
        Ok(Hand { ldap })
    }
}

impl Hand {
    async fn search(&mut self, base: &str, scope: Scope, filter: &str) -> Done<Vec<Found>> {
        let answer = self.ldap.search(base, scope, filter, READ.to_vec()).await.map_err(|e| format!("search: {e}"))?;
        // 32: there is no such object.
        if answer.1.rc == 32 {
            return Ok(Vec::new());
        }
        let (entries, _) = answer.success().map_err(|e| format!("search: {e}"))?;
        Ok(entries.into_iter().filter(|e| !e.is_ref()).map(SearchEntry::construct).map(found).collect())
    }

    /// Groups of the domain that carry the stamp.
    pub async fn by_stamp(&mut self, anchor: &str) -> Done<Vec<Found>> {
        self.search(ROOT, Scope::Subtree, &format!("(&(objectClass=group)({STAMP}={}))", escape(anchor))).await
    }
    /// Groups of the domain that somebody anchored so; the agent does not match by it, but knows whom a member stands for.
    pub async fn by_admin_description(&mut self, anchor: &str) -> Done<Vec<Found>> {
        self.search(ROOT, Scope::Subtree, &format!("(&(objectClass=group)(adminDescription={}))", escape(anchor))).await
    }
    pub async fn by_guid(&mut self, guid: ObjectGuid) -> Done<Option<Found>> {
        Ok(self.search(ROOT, Scope::Subtree, &guid_filter(guid)).await?.pop())
    }
    pub async fn by_sid(&mut self, sid: &str) -> Done<Option<Found>> {
        Ok(self.search(ROOT, Scope::Subtree, &format!("(objectSid={})", escape(sid))).await?.pop())
    }
    pub async fn read(&mut self, dn: &str) -> Done<Option<Found>> {
        Ok(self.search(dn, Scope::Base, "(objectClass=*)").await?.pop())
    }

    pub async fn rename(&mut self, dn: &str, cn: &str, parent: &str) -> Done {
        let result = self.ldap.modifydn(dn, &format!("CN={}", escape_value(cn)), true, Some(parent)).await;
        judged(&format!("rename {dn}"), result)
    }
    pub async fn write(&mut self, dn: &str, attribute: &str, value: &str) -> Done {
        judged(
            &format!("write {attribute} of {dn}"),
            self.ldap.modify(dn, vec![Mod::Replace(attribute, HashSet::from([value]))]).await,
        )
    }
    pub async fn relate(&mut self, dn: &str, add: &[String], remove: &[String]) -> Done {
        let list = |names: &[String]| names.iter().map(|n| n.clone().into_bytes()).collect::<HashSet<Vec<u8>>>();
        let mut changes = Vec::new();
        if !add.is_empty() {
            changes.push(Mod::Add(b"member".to_vec(), list(add)));
        }
        if !remove.is_empty() {
            changes.push(Mod::Delete(b"member".to_vec(), list(remove)));
        }
        if changes.is_empty() {
            return Ok(());
        }
        judged(&format!("members of {dn}"), self.ldap.modify(dn, changes).await)
    }
    pub async fn create(&mut self, dn: &str, attributes: &[(&str, &str)]) -> Done {
        let mut list = vec![(b"objectClass".to_vec(), set("group")), (b"groupType".to_vec(), set("-2147483640"))];
        list.extend(attributes.iter().map(|(name, value)| (name.as_bytes().to_vec(), set(value))));
        judged(&format!("create {dn}"), self.ldap.add(dn, list).await)
    }
    pub async fn delete(&mut self, dn: &str) -> Done {
        judged(&format!("delete {dn}"), self.ldap.delete(dn).await)
    }
}

fn found(entry: SearchEntry) -> Found {
    let texts =
        entry.attrs.iter().filter_map(|(k, v)| Some((k.clone(), v.first()?.clone()))).collect::<BTreeMap<_, _>>();
    let stamp = entry.attrs.iter().find(|(k, _)| k.eq_ignore_ascii_case(STAMP)).and_then(|(_, v)| v.first().cloned());
    let members = entry.attrs.get("member").cloned().unwrap_or_default();
    Found { dn: entry.dn, stamp, texts, members }
}
