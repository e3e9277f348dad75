//! A short look before anything is collected: can the controller be reached and read, what is the environment, and what
//! may this account do with the groups. Nothing is written.

use super::discover;
use super::feed::Feed;
use super::link;
use super::names::ANY;
use super::pool::Pool;
use super::{Reader, catalog, security};
use crate::directory::inventory::{Controller, Inventory, NONE};
use crate::error::Result;
use crate::ldap::{Control, Entry, SdParts};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// Groups whose effective rights are asked for one by one, at most.
const MOST_ASKED: usize = 200;
/// What a group needs for the gates, without its members.
const OUTLINE: &[&str] = &[
    "objectClass",
    "objectGUID",
    "objectSid",
    "sAMAccountName",
    "groupType",
    "adminDescription",
    "adminCount",
    "msDS-ExternalDirectoryObjectId",
    "nTSecurityDescriptor",
];

/// Ports of a domain controller that the provisioning agent uses.
const AGENT_PORTS: [u16; 2] = [389, 3268];
/// How long a port may take to answer.
const PORT_PATIENCE: Duration = Duration::from_secs(5);

/// What the account may do with one group. Groups with the same access list are asked about once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    pub dn: String,
    /// Groups with the same access list, this one included.
    pub groups: usize,
    /// Lower case names of the attributes that the account may write.
    pub attributes: Vec<String>,
}

/// What was seen.
pub struct Probe {
    /// Environment, container and the groups in it, without members.
    pub inventory: Inventory,
    pub controller: Controller,
    pub address: String,
    pub account: String,
    /// The account as the controller names it.
    pub who: Option<String>,
    pub protected: bool,
    pub skew_seconds: i64,
    /// The ports that the agent uses, and whether they answer here.
    pub ports: Vec<(u16, bool)>,
    /// What the account was not shown.
    pub hidden: Vec<String>,
    /// Objects that carry an anchor in the whole forest, or why the Global Catalog could not be asked.
    pub carriers: Result<u64>,
    /// The container, and who named it.
    pub container: Option<(String, &'static str)>,
    pub groups: usize,
    /// Groups whose access list is hidden.
    pub without_list: usize,
    pub effective: Vec<Effective>,
    /// Groups that could not be asked about: there are too many different access lists, or they went meanwhile.
    pub not_asked: usize,
    /// Whether groups may be created in the container, which a move back into it needs.
    pub may_create: Option<bool>,
}

impl Reader<'_> {
    /// Looks. `entra` tells what Entra names as the container.
    pub async fn probe(self, entra: watch::Receiver<Option<Option<String>>>) -> Result<Probe> {
        let ad = &self.config.settings.ad;
        let mut pool = Pool::one(self.dialer.clone());
        let forest = pool.again(async |session| discover::forest(session).await).await?;
        self.check(&forest, &|_| {})?;
        pool.dialer.pin = Some(forest.pin());
        let pool = &pool;
        let connector = &self.dialer.connector;
        let who = pool.again(async |session| Ok(session.who_am_i().await?)).await.ok();
        let mut ports = Vec::new();
        for port in AGENT_PORTS {
            let host = connector.host_name().trim_matches(['[', ']']);
            let open = timeout(PORT_PATIENCE, TcpStream::connect((host, port))).await;
            ports.push((port, matches!(open, Ok(Ok(_)))));
        }
        let mut feed = Feed::new(PathBuf::from(connector.address()));
        let mut around = discover::surroundings(pool, &forest).await?;
        around.give(&mut feed)?;
        let carriers = catalog::carriers(connector, ad, &forest).await.map(|c| c.count());
        if carriers.is_ok() {
            feed.inventory.ad.environment.global_catalog_searched = true;
        }
        let container = security::named(pool, &forest, ad.writeback_ou.as_deref(), entra).await?;
        let base = container.as_ref().map_or(forest.domain(), |(dn, _)| dn);
        // Where nothing names the container, the anchors lead to it.
        let filter = match container {
            Some(_) => "(objectCategory=group)",
            None => "(&(objectCategory=group)(|(adminDescription=Group_*)(msDS-ExternalDirectoryObjectId=Group_*)))",
        };
        let list = Control::SdFlags(SdParts::OwnerGroupDacl);
        let found = pool.all(link::below(base, filter, OUTLINE, 500).with(list.clone())).await?;
        let groups = found.len();
        for read in found {
            feed.refresh(None, read)?;
        }
        let container = container.or_else(|| security::parent_of_most(&feed, &forest));
        if let Some((dn, _)) = &container {
            let above = link::below(dn, "(|(objectClass=organizationalUnit)(objectClass=container))", ANY, 500);
            for mut read in pool.all(above.with(list)).await? {
                if !read.guid.is_nil() {
                    read.values_by_range = 0;
                    feed.refresh(None, read)?;
                }
            }
        }
        feed.builder.settle(&mut feed.inventory);
        let mut inventory = feed.inventory;
        feed.builder.finish(&mut inventory);
        inventory.ad.present = true;
        inventory.ad.environment.controller = Some(forest.controller.clone());
        let (representatives, without_list) = representatives(&inventory);
        let (mut effective, mut not_asked) = (Vec::new(), 0);
        for (dn, groups) in representatives {
            let found = match effective.len() < MOST_ASKED {
                true => pool.read(&dn, &["allowedAttributesEffective"], &[]).await?,
                false => None,
            };
            match found {
                Some(entry) => {
                    effective.push(Effective { dn, groups, attributes: lower(&entry, "allowedAttributesEffective") });
                }
                // Too many, or gone meanwhile.
                None => not_asked += groups,
            }
        }
        let may_create = match &container {
            None => None,
            Some((dn, _)) => {
                let entry = pool.read(dn, &["allowedChildClassesEffective"], &[]).await?;
                entry.map(|e| lower(&e, "allowedChildClassesEffective").iter().any(|c| c == "group"))
            }
        };
        Ok(Probe {
            address: connector.address().to_owned(),
            account: connector.account(),
            protected: connector.uses_tls(),
            controller: forest.controller,
            skew_seconds: forest.skew_seconds,
            ports,
            hidden: around.hidden,
            inventory,
            who,
            carriers,
            container,
            groups,
            without_list,
            effective,
            not_asked,
            may_create,
        })
    }
}

fn lower(entry: &Entry, name: &str) -> Vec<String> {
    let mut out: Vec<String> = entry.texts(name).map(str::to_ascii_lowercase).collect();
    out.sort_unstable();
    out
}

/// One group for each distinct access list, and how many share it; how many groups show none. Groups without a list
/// that can be seen are each asked about.
fn representatives(inventory: &Inventory) -> (Vec<(String, usize)>, usize) {
    let mut by_list: BTreeMap<u32, (u32, usize)> = BTreeMap::new();
    let mut out = Vec::new();
    let mut without = 0;
    for (row, group) in inventory.ad.groups.iter().enumerate() {
        let object = inventory.ad_object(group);
        let anchored = !group.admin_description.is_none() || !group.edoi.is_none();
        if object.group != row as u32 || !anchored {
            continue;
        }
        match object.security {
            NONE => {
                without += 1;
                out.push((inventory.dn(group.object).to_owned(), 1));
            }
            list => by_list.entry(list).or_insert((group.object, 0)).1 += 1,
        }
    }
    let lists = by_list.into_values().map(|(object, groups)| (inventory.dn(object).to_owned(), groups));
    out.splice(0..0, lists);
    (out, without)
}
