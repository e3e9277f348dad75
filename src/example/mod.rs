//! The built-in example tenant of `demo`: Fabrikam Industries, twelve sites, a forest, a tenant, two Connect servers,
//! as the files that an administrator would have exported. The same bytes every time.
//!
//! `people` and `groups` are the tables, `staff` and `tenant` make objects of them; `ad`, `entra`, `cloud_sync` and
//! `connect` write each their format; `expected` is what an assessment must find.

mod access;
mod ad;
mod cloud_sync;
mod connect;
mod connect_rules;
mod connect_state;
mod entra;
mod expected;
mod groups;
mod ldif;
mod people;
mod row;
mod staff;
mod tenant;

#[cfg(test)]
mod tests;

pub use expected::{Expectation, expected, expected_gates};

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::SystemTime;
use tenant::Tenant;

/// When the example was collected: later than every date in its files.
pub const COLLECTED: &str = "2026-11-20T17:00:00Z";

/// The folder that the export's own files lie in, below a Connect server's.
const CONNECT_EXPORT: &str = "Exported-ServerConfiguration";

/// Writes the example as an offline export into `dir`, which is made where it is missing.
pub fn write(dir: &Path) -> Result<()> {
    export(dir, false)
}

/// The same after somebody put the standby server's rules right, as the assessment asks: a plan of it can be executed.
pub fn write_mended(dir: &Path) -> Result<()> {
    export(dir, true)
}

fn export(dir: &Path, mended: bool) -> Result<()> {
    let tenant = Tenant::build();
    file(dir, "ad/groups.ldf", |out| ad::groups(out, &tenant))?;
    file(dir, "ad/users.ldif", |out| ad::users(out, &tenant))?;
    file(dir, "entra/groups-v1.json", |out| entra::groups_v1(out, &tenant))?;
    file(dir, "entra/groups-beta.json", |out| entra::groups_beta(out, &tenant))?;
    file(dir, "entra/deletedItems.json", |out| entra::deleted_items(out, &tenant))?;
    file(dir, "entra/users.json", |out| entra::users(out, &tenant))?;
    for (path, value) in [
        ("entra/organization.json", entra::organization()),
        ("entra/onPremisesSynchronization.json", entra::on_premises_synchronization()),
        ("entra/subscribedSkus.json", entra::subscribed_skus()),
        ("cloudsync/servicePrincipal.json", cloud_sync::service_principal()),
        ("cloudsync/jobs.json", cloud_sync::jobs()),
        ("cloudsync/schema.json", cloud_sync::schema()),
        ("cloudsync/appRoleAssignedTo.json", cloud_sync::assignments(&tenant)),
        ("cloudsync/agents.json", cloud_sync::agents()),
    ] {
        file(dir, path, |out| entra::pretty(out, &value))?;
    }
    for server in connect::SERVERS.map(|server| connect::Server { mended, ..server }) {
        let server = &server;
        let own = format!("connect/{}", server.name);
        let export = format!("{own}/{CONNECT_EXPORT}");
        bytes(dir, &format!("{own}/connect-state.json"), &connect_state::state(server))?;
        bytes(dir, &format!("{export}/GlobalSettings/MV.xml"), connect::global_settings(server).as_bytes())?;
        for (name, text) in connect::connectors(server) {
            bytes(dir, &format!("{export}/Connectors/{name}"), text.as_bytes())?;
        }
        for (name, text) in connect::rules(server) {
            bytes(dir, &format!("{export}/SynchronizationRules/{name}"), text.as_bytes())?;
        }
        if !server.staging {
            let person = tenant.people.iter().find_map(|p| p.dn.as_deref()).unwrap_or(tenant::ROOT);
            bytes(dir, &format!("{own}/csexport.xml"), connect::pending_exports(person).as_bytes())?;
        }
    }
    Ok(())
}

fn bytes(dir: &Path, path: &str, content: &[u8]) -> Result<()> {
    file(dir, path, |out| out.write_all(content))
}

/// Makes a file and its folders, and has `fill` write it.
fn file(dir: &Path, path: &str, fill: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>) -> Result<()> {
    let path = path.split('/').fold(dir.to_owned(), |path, part| path.join(part));
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|e| Error::io("make this folder", parent, e))?;
    }
    let wrong = |e| Error::io("write this file", &path, e);
    let mut out = BufWriter::with_capacity(1 << 18, File::create(&path).map_err(wrong)?);
    fill(&mut out).and_then(|()| out.flush()).map_err(wrong)?;
    // A bundle notes when each file was written; the example's are of one moment, so its bundle is the same every time.
    out.get_ref().set_modified(collected()).map_err(wrong)
}

/// `COLLECTED` as the file system knows it.
fn collected() -> SystemTime {
    chrono::DateTime::parse_from_rfc3339(COLLECTED).map_or(SystemTime::UNIX_EPOCH, SystemTime::from)
}
