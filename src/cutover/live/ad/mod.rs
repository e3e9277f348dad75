//! Active Directory itself: one pinned controller over a few connections, the other controllers and catalogs each asked
//! by its own name, and the whole look. A write is sent once; what was sent and not answered is in doubt, and the engine
//! looks what became of it.
//!
//! Objects are named by `<GUID=…>`, which every controller takes in any request (MS-ADTS 3.1.1.3.1.2.4), so that a rename
//! in between changes nothing. `lines` holds the connections, `whole` reads objects, `forest` looks beyond the pinned
//! controller, `write` and `revive` change things, `refusal` says why a write came back; `observer` is the look.

mod forest;
mod lines;
mod observer;
mod refusal;
mod revive;
mod rights;
mod whole;
mod write;

pub use observer::{LiveObserver, Telling};

use crate::collect::live::ad::discover::{self, Forest};
use crate::collect::live::ad::link;
use crate::collect::live::ad::{Dialer, Pool, check_domain};
use crate::config::{self, Config, Secret};
use crate::cutover::port::{Carrier, Change, Controller, Directory, ObjectState, Pin, Rights, Written};
use crate::directory::{Dn, ObjectGuid};
use crate::error::{Error, Place, Result};
use crate::ldap::Connector;
use lines::Lines;

/// What a controller whose copy is read-only says of itself (LDAP_CAP_ACTIVE_DIRECTORY_PARTIAL_SECRETS_OID).
const READ_ONLY: &str = "1.2.840.113556.1.4.1920";

/// One domain, by the controller that the run is pinned to.
pub struct LiveDirectory {
    lines: Lines,
    forest: Forest,
    ad: config::Ad,
}

impl LiveDirectory {
    /// Signs in at the controller of the configuration, or at `controller` by the same scheme and port, and stays with it.
    pub async fn connect(config: &Config, controller: Option<&str>) -> Result<LiveDirectory> {
        let ad = &config.settings.ad;
        let who = ad.user.as_deref().unwrap_or("the AD account");
        let connector = Connector::new(ad, || config.fetch(Secret::AdPassword, who))?;
        let connector = match controller {
            Some(host) => connector.host(host)?,
            None => connector,
        };
        LiveDirectory::over(config, connector).await
    }

    /// The same over a connector that is there already.
    pub async fn over(config: &Config, connector: Connector) -> Result<LiveDirectory> {
        let mut dialer = Dialer { connector, pin: None };
        let forest = Pool::one(dialer.clone())
            .again(async |session| {
                let forest = discover::forest(session).await?;
                let root = session.root_dse(&["supportedCapabilities"]).await?;
                if root.texts("supportedCapabilities").any(|oid| oid == READ_ONLY) {
                    return Err(Error::usage(format!(
                        "{} is a read-only domain controller",
                        forest.controller.dns_name
                    ))
                    .at(Place::default().object(session.server()))
                    .hint("Name a writable controller of the domain in [ad] url.")
                    .into());
                }
                Ok(forest)
            })
            .await?;
        check_domain(config, &forest, dialer.connector.address())?;
        dialer.pin = Some(forest.pin());
        let ad = config.settings.ad.clone();
        let lines = Lines::new(dialer, &forest.controller.dns_name, ad.connections as usize);
        Ok(LiveDirectory { lines, forest, ad })
    }

    /// What connects to the pinned controller, for others who read from it.
    pub fn connector(&self) -> &Connector {
        &self.lines.dialer.connector
    }
    /// The controller and its database, as a reader is pinned to it.
    pub fn reader_pin(&self) -> link::Pin {
        self.forest.pin()
    }
    fn domain(&self) -> &str {
        self.forest.domain()
    }
}

impl Directory for LiveDirectory {
    async fn pin(&self) -> Result<Pin> {
        let usn = self.lines.again(async |session| discover::highest_usn(session).await).await?;
        let controller = &self.forest.controller;
        Ok(Pin {
            controller: controller.dns_name.clone(),
            invocation_id: controller.invocation_id,
            highest_committed_usn: usn,
            domain: Dn::parse(self.domain()).ok().and_then(|dn| dn.dns_domain()).unwrap_or_default(),
            naming_context: self.domain().to_owned(),
        })
    }
    async fn read(&self, guids: &[ObjectGuid]) -> Result<Vec<Option<ObjectState>>> {
        self.read_whole(guids).await
    }
    async fn find(&self, dn: &str) -> Result<Option<ObjectState>> {
        self.find_whole(dn).await
    }
    async fn carriers(&self, anchors: &[String]) -> Result<Vec<(String, Carrier)>> {
        self.search_forest(anchors).await
    }
    async fn controllers(&self) -> Result<Vec<Controller>> {
        self.list_controllers().await
    }
    async fn stamps_on(&self, controller: &Controller, guids: &[ObjectGuid]) -> Result<Vec<Option<String>>> {
        self.ask_stamps(controller, guids).await
    }
    async fn rights(&self, guids: &[ObjectGuid]) -> Result<Vec<Rights>> {
        self.effective_rights(guids).await
    }
    async fn modify(&self, guid: ObjectGuid, changes: &[Change]) -> Written {
        self.change(guid, changes).await
    }
    async fn rename(&self, guid: ObjectGuid, rdn: &str, parent: &str) -> Written {
        self.name(guid, rdn, parent).await
    }
    async fn deleted(&self, guid: ObjectGuid) -> Result<Option<ObjectState>> {
        self.tombstone(guid).await
    }
    async fn reanimate(&self, guid: ObjectGuid, dn: &str) -> Written {
        self.bring_back(guid, dn).await
    }
    async fn create(&self, dn: &str, attributes: &[(String, Vec<Vec<u8>>)]) -> Written<ObjectGuid> {
        self.make(dn, attributes).await
    }
}

/// The object of this objectGUID, as a request names it.
fn named(guid: ObjectGuid) -> String {
    format!("<GUID={guid}>")
}
