//! What there is: the controller, its domain and forest, the schema, and the few objects that gates ask about. They are
//! read as entries and mean what they mean in an exported file.

use super::feed::{Batch, Feed};
use super::link::{self, Pin, Read, Trouble};
use super::names::{ANY, CONTROLLER};
use super::pool::Pool;
use crate::directory::inventory::Controller;
use crate::directory::{Dn, ObjectGuid};
use crate::error::{Error, Place, Result};
use crate::ldap::{Control, ReadSession, Scope, SdParts, Search};
use futures_util::future::try_join_all;

/// The controller and the forest that it belongs to.
#[derive(Debug, Clone)]
pub struct Forest {
    pub controller: Controller,
    pub configuration: String,
    pub schema: String,
    /// The controller's clock, and how far it is from ours.
    pub time: String,
    pub skew_seconds: i64,
    /// Whether the controller says that it limits how much one answer holds, as Active Directory does.
    pub limits_answers: bool,
}

impl Forest {
    /// DN of the domain that is read.
    pub fn domain(&self) -> &str {
        &self.controller.default_naming_context
    }
    pub fn pin(&self) -> Pin {
        Pin { ds_service_name: self.controller.ds_service_name.clone(), invocation_id: self.controller.invocation_id }
    }
    /// Whether an object lies in the domain that is read.
    pub fn holds(&self, dn: &Dn) -> bool {
        let domain = Dn::parse(self.domain()).ok();
        dn.domain_root().map(|d| d.key()) == domain.map(|d| d.key())
    }
}

/// Reads the root DSE.
pub async fn forest(session: &ReadSession) -> Result<Forest, Trouble> {
    let root = session
        .root_dse(&[
            "defaultNamingContext",
            "configurationNamingContext",
            "schemaNamingContext",
            "dsServiceName",
            "dnsHostName",
            "highestCommittedUSN",
            "currentTime",
            "domainFunctionality",
            "forestFunctionality",
            "domainControllerFunctionality",
            "isGlobalCatalogReady",
            "isSynchronized",
            "supportedLDAPPolicies",
        ])
        .await?;
    let needed = |name: &str| {
        root.text(name).map(str::to_owned).ok_or_else(|| {
            Error::failed(format!("the server's root DSE has no {name}: it is no Active Directory domain controller"))
                .at(Place::default().object(session.server()))
                .hint("Put the address of a domain controller into [ad] url; a Global Catalog port goes into global_catalog_url.")
        })
    };
    let flag = |name: &str| root.text(name).is_some_and(|v| v.eq_ignore_ascii_case("TRUE"));
    if root.text("isSynchronized").is_some() && !flag("isSynchronized") {
        return Err(Error::failed("the domain controller has not finished its first replication")
            .at(Place::default().object(session.server()))
            .hint("Wait until it has, or name another controller in [ad] url.")
            .into());
    }
    let domain = needed("defaultNamingContext")?;
    let ds_service_name = root.text("dsServiceName").unwrap_or_default().to_owned();
    let invocation_id = link::invocation(session, &ds_service_name).await?;
    let time = root.text("currentTime").unwrap_or_default().to_owned();
    Ok(Forest {
        controller: Controller {
            dns_name: root.text("dnsHostName").unwrap_or_default().to_owned(),
            ds_service_name,
            invocation_id,
            highest_committed_usn: usn(needed("highestCommittedUSN")?)?,
            default_naming_context: domain,
            domain_level: root.number("domainFunctionality"),
            forest_level: root.number("forestFunctionality"),
            controller_level: root.number("domainControllerFunctionality"),
            global_catalog: flag("isGlobalCatalogReady"),
        },
        configuration: needed("configurationNamingContext")?,
        schema: needed("schemaNamingContext")?,
        skew_seconds: skew(&time),
        time,
        limits_answers: root.texts("supportedLDAPPolicies").any(|name| name.eq_ignore_ascii_case("MaxPageSize")),
    })
}

/// How far the controller's database has got.
pub async fn highest_usn(session: &ReadSession) -> Result<u64, Trouble> {
    let root = session.root_dse(&["highestCommittedUSN"]).await?;
    Ok(usn(root.text("highestCommittedUSN").unwrap_or_default().to_owned())?)
}

fn usn(text: String) -> Result<u64> {
    text.trim().parse().map_err(|_| Error::failed(format!("the server's highestCommittedUSN is {text:?}, no number")))
}

fn skew(time: &str) -> i64 {
    let digits = time.get(..14).unwrap_or_default();
    match chrono::NaiveDateTime::parse_from_str(digits, "%Y%m%d%H%M%S") {
        Ok(theirs) => (theirs.and_utc() - chrono::Utc::now()).num_seconds(),
        Err(_) => 0,
    }
}

/// A domain of the forest, by its crossRef.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    pub dn: String,
    pub dns_name: String,
}

/// What was found besides, for the certificate and the steps that follow.
#[derive(Default)]
pub struct Surroundings {
    pub domains: Vec<Domain>,
    pub hidden: Vec<String>,
    read: Vec<Read>,
}

impl Surroundings {
    /// Hands the entries on; they say more of a controller's account than the scan does. Returns how many there are.
    pub fn give(&mut self, feed: &mut Feed) -> Result<u64> {
        let read = std::mem::take(&mut self.read);
        let count = read.len() as u64;
        for read in read {
            match read.guid.is_nil() {
                true => feed.take(Batch::of(feed.builder.keys(), None, None, [read]))?,
                false => feed.refresh(None, read)?,
            }
        }
        Ok(count)
    }
}

/// Reads schema, partitions, controllers, Recycle Bin, enforcement policy and AdminSDHolder: many small questions, all
/// asked at once over one connection.
pub async fn surroundings(pool: &Pool, forest: &Forest) -> Result<Surroundings> {
    let mut out = Surroundings::default();
    let (domain, configuration) = (forest.domain(), forest.configuration.as_str());
    let partitions = format!("CN=Partitions,{configuration}");
    let features = format!("CN=Optional Features,CN=Directory Service,CN=Windows NT,CN=Services,{configuration}");
    let policies = format!("CN=SOA-Policies,CN=System,{domain}");
    let descriptor = [Control::SdFlags(SdParts::OwnerGroupDacl)];
    let searches = [
        Search::new(&forest.schema, Scope::Base, "(objectClass=*)", &["objectClass", "objectGUID", "objectVersion"])
            .unpaged(),
        Search::new(
            &forest.schema,
            Scope::OneLevel,
            "(|(lDAPDisplayName=msDS-ExternalDirectoryObjectId)(lDAPDisplayName=msDS-ObjectSoa))",
            &["objectClass", "objectGUID", "lDAPDisplayName"],
        ),
        crossrefs(configuration),
        Search::new(
            &features,
            Scope::OneLevel,
            "(cn=Recycle Bin Feature)",
            &["objectClass", "objectGUID", "msDS-OptionalFeatureGUID", "msDS-EnabledFeatureBL"],
        ),
        link::below(
            domain,
            "(&(objectCategory=computer)(|(primaryGroupID=516)(primaryGroupID=521)))",
            CONTROLLER,
            1000,
        ),
        Search::new(&format!("CN=System,{domain}"), Scope::Base, "(objectClass=*)", &["objectClass", "objectGUID"])
            .unpaged(),
        Search::new(&policies, Scope::Subtree, "(objectClass=*)", &["objectClass", "objectGUID", "msDS-Settings"]),
        Search::new(
            &format!("CN=AdminSDHolder,CN=System,{domain}"),
            Scope::Base,
            "(objectClass=*)",
            &["objectClass", "objectGUID", "nTSecurityDescriptor"],
        )
        .unpaged()
        .with(descriptor[0].clone()),
    ];
    let deleted = format!("CN=Deleted Objects,{domain}");
    let (found, deleted) = pool
        .again(async |session| {
            let ask = |search: &Search| or_none(link::all(session, search.clone()));
            let deleted = async { Ok(session.read(&deleted, ANY, vec![Control::ShowDeleted]).await?) };
            tokio::try_join!(try_join_all(searches.iter().map(ask)), deleted)
        })
        .await?;
    for (search, mut read) in searches.iter().zip(found) {
        if search.base == partitions {
            out.domains = read.iter().filter_map(|r| crossref(&r.entry)).collect();
        }
        out.read.append(&mut read);
    }
    if out.domains.is_empty() {
        out.hidden.push("the forest's partitions (crossRef objects): other domains may exist unseen".to_owned());
    }
    if deleted.is_none() {
        out.hidden
            .push("the deleted objects of the domain: whether a deleted group still waits there is unknown".to_owned());
    }
    Ok(out)
}

/// A base that is not there has nothing below it.
async fn or_none<T: Default>(work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    match work.await {
        Err(Trouble::Fault(fault)) if fault.is_missing() => Ok(T::default()),
        other => other,
    }
}

/// The domains of the forest; none where the account may not see them.
pub async fn domains(pool: &Pool, forest: &Forest) -> Result<Vec<Domain>> {
    let found = pool.all(crossrefs(&forest.configuration)).await?;
    Ok(found.iter().filter_map(|read| crossref(&read.entry)).collect())
}

fn crossrefs(configuration: &str) -> Search {
    Search::new(
        &format!("CN=Partitions,{configuration}"),
        Scope::OneLevel,
        "(objectClass=crossRef)",
        &["objectClass", "objectGUID", "nCName", "nETBIOSName", "dnsRoot", "systemFlags"],
    )
}

/// The domain that a crossRef stands for; other partitions (schema, DNS) are none.
fn crossref(entry: &crate::collect::ldif::Entry) -> Option<Domain> {
    let text = |name: &str| entry.get(name).next().and_then(|v| std::str::from_utf8(v).ok()).map(str::to_owned);
    let flags: i64 = text("systemFlags")?.parse().ok()?;
    // FLAG_CR_NTDS_NC and FLAG_CR_NTDS_DOMAIN: a domain of this forest, none that a trust or an application made.
    (flags & 3 == 3).then_some(())?;
    Some(Domain { dn: text("nCName")?, dns_name: text("dnsRoot")? })
}

/// The GUID of an object by its name; none where it is not there or hidden.
pub async fn guid_of(pool: &Pool, dn: &str) -> Result<Option<ObjectGuid>> {
    let entry = pool.read(dn, &["objectGUID"], &[]).await?;
    Ok(entry.map(|e| e.bytes("objectGUID").and_then(ObjectGuid::from_ad_bytes).unwrap_or_default()))
}
