//! Accounts and groups by their SIDs: what they are called, who stands behind a group, and who may write the groups.

use super::settings::Settings;
use crate::assess;
use crate::directory::Sid;
use crate::directory::inventory::{AdClass, Completeness, Inventory, NONE, SidRef};
use hashbrown::HashSet;

/// What an account has to do with the governed groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The account of the provisioning agent.
    Agent,
    /// Administrators of the domain and the system itself.
    Administrator,
    /// Named in the configuration.
    Approved,
    /// The account of a Connect server.
    Connect,
    /// A group whose members are all approved.
    ByMembers,
    /// None of these.
    Other,
    /// The agent's account is not known, and this may be it.
    Unclear,
}

pub struct Principals<'a> {
    inventory: &'a Inventory,
    index: std::sync::Arc<crate::predict::index::Index>,
    agent: Option<(String, Sid)>,
    approved: HashSet<Sid>,
    /// Entries of `approved_writers` that name no account of the input.
    pub unresolved: Vec<String>,
    connect: HashSet<Sid>,
    /// A server names its account, and the input has no such account: an unknown SID may be it.
    connect_unresolved: bool,
    /// Domain parts of the accounts that the input describes: those of this forest.
    domains: HashSet<u32>,
}

/// Well-known SIDs that are the same everywhere.
const WELL_KNOWN: [(&str, &str, bool); 21] = [
    ("S-1-1-0", "Everyone", false),
    ("S-1-3-0", "CREATOR OWNER", false),
    ("S-1-3-4", "OWNER RIGHTS", false),
    ("S-1-5-2", "NETWORK", false),
    ("S-1-5-4", "INTERACTIVE", false),
    ("S-1-5-7", "ANONYMOUS LOGON", false),
    ("S-1-5-9", "ENTERPRISE DOMAIN CONTROLLERS", true),
    ("S-1-5-10", "SELF (the group's own members)", false),
    ("S-1-5-11", "Authenticated Users", false),
    ("S-1-5-18", "SYSTEM", true),
    ("S-1-5-19", "LOCAL SERVICE", false),
    ("S-1-5-20", "NETWORK SERVICE", false),
    ("S-1-5-32-544", "BUILTIN\\Administrators", true),
    ("S-1-5-32-545", "BUILTIN\\Users", false),
    ("S-1-5-32-546", "BUILTIN\\Guests", false),
    ("S-1-5-32-548", "BUILTIN\\Account Operators", true),
    ("S-1-5-32-549", "BUILTIN\\Server Operators", false),
    ("S-1-5-32-550", "BUILTIN\\Print Operators", false),
    ("S-1-5-32-551", "BUILTIN\\Backup Operators", false),
    ("S-1-5-32-554", "BUILTIN\\Pre-Windows 2000 Compatible Access", false),
    ("S-1-5-32-560", "BUILTIN\\Windows Authorization Access Group", false),
];

/// Relative ids of a domain, and whether they are administrators of it.
const OF_A_DOMAIN: [(u32, &str, bool); 14] = [
    (498, "Enterprise Read-only Domain Controllers", false),
    (500, "Administrator", true),
    (502, "krbtgt", false),
    (512, "Domain Admins", true),
    (513, "Domain Users", false),
    (514, "Domain Guests", false),
    (515, "Domain Computers", false),
    (516, "Domain Controllers", true),
    (517, "Cert Publishers", false),
    (518, "Schema Admins", true),
    (519, "Enterprise Admins", true),
    (520, "Group Policy Creator Owners", false),
    (526, "Key Admins", false),
    (527, "Enterprise Key Admins", false),
];

impl<'a> Principals<'a> {
    pub fn build(cx: &assess::Context<'a>, settings: &Settings) -> Self {
        let inventory = cx.inventory;
        let named = |text: &str| -> Option<Sid> {
            if let Some(sid) = Sid::parse(text) {
                return Some(sid);
            }
            let sam = text.rsplit('\\').next().unwrap_or(text).split('@').next().unwrap_or(text);
            let is = |t| inventory.text.get(t).is_some_and(|s: &str| s.eq_ignore_ascii_case(sam));
            let object = inventory.ad.objects.iter().find(|o| o.class != AdClass::Missing && is(o.sam_account_name))?;
            inventory.sids.get(object.sid)
        };
        let (mut approved, mut unresolved) = (HashSet::new(), Vec::new());
        for text in &settings.approved_writers {
            match named(text.trim()) {
                Some(sid) => drop(approved.insert(sid)),
                None => unresolved.push(text.clone()),
            }
        }
        let accounts = inventory.connect.iter().flat_map(|s| s.connectors.iter().flatten()).filter(|c| c.is_ad());
        let accounts: Vec<Option<Sid>> = accounts.filter_map(|c| Some(named(c.account.as_deref()?))).collect();
        let connect_unresolved = accounts.contains(&None);
        let mut connect: HashSet<Sid> = accounts.into_iter().flatten().collect();
        for object in inventory.ad.objects.iter().filter(|o| o.class == AdClass::User) {
            let sam = inventory.text.get(object.sam_account_name).unwrap_or("");
            if sam.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("MSOL_")) {
                connect.extend(inventory.sids.get(object.sid));
            }
        }
        let described = |class| {
            matches!(class, AdClass::Group | AdClass::User | AdClass::Computer | AdClass::ManagedServiceAccount)
        };
        let domains = inventory
            .ad
            .objects
            .iter()
            .filter(|o| described(o.class) && o.sid.is_some())
            .map(|o| o.sid.domain)
            .collect();
        Principals {
            inventory,
            index: cx.index.clone(),
            agent: cx.agent.clone(),
            approved,
            unresolved,
            connect,
            connect_unresolved,
            domains,
        }
    }

    pub fn agent(&self) -> Option<&(String, Sid)> {
        self.agent.as_ref()
    }
    pub fn is_agent(&self, sid: Option<&Sid>, name: Option<&str>) -> Option<bool> {
        let (known, agent) = self.agent.as_ref()?;
        match (sid, name) {
            (Some(sid), _) => Some(sid == agent),
            (None, Some(name)) => {
                let last = |text: &str| text.rsplit('\\').next().unwrap_or(text).to_lowercase();
                Some(
                    last(name) == last(known)
                        || self.object(agent).and_then(|o| self.account(o)).is_some_and(|a| last(name) == last(a)),
                )
            }
            (None, None) => Some(false),
        }
    }

    fn object(&self, sid: &Sid) -> Option<u32> {
        let found: SidRef = self.inventory.sids.find(sid)?;
        self.index.ad_by_sid(self.inventory, found)
    }
    fn account(&self, object: u32) -> Option<&'a str> {
        self.inventory.text.get(self.inventory.ad.objects.get(object as usize)?.sam_account_name)
    }
    /// Whether the input has an object of this SID.
    pub fn is_known(&self, sid: &Sid) -> bool {
        well_known(sid).is_some() || self.object(sid).is_some()
    }

    /// `Everyone`, an account name, or the SID where nothing names it.
    pub fn name(&self, sid: &Sid) -> String {
        if let Some((name, _)) = well_known(sid) {
            return name.to_owned();
        }
        match self.object(sid).and_then(|o| self.account(o).or_else(|| Some(self.inventory.dn(o)))) {
            Some(name) => name.to_owned(),
            None => sid.to_string(),
        }
    }

    pub fn standing(&self, sid: &Sid) -> Standing {
        match self.by_itself(sid) {
            Standing::Other => match self.people(sid) {
                Some((people, true)) if !people.is_empty() => {
                    let fine = |person: &u32| {
                        let sid = self.inventory.sids.get(self.inventory.ad.objects[*person as usize].sid);
                        sid.is_some_and(|s| {
                            !matches!(self.by_itself(&s), Standing::Other | Standing::Unclear | Standing::Connect)
                        })
                    };
                    if people.iter().all(fine) { Standing::ByMembers } else { Standing::Other }
                }
                _ => Standing::Other,
            },
            standing => standing,
        }
    }

    fn by_itself(&self, sid: &Sid) -> Standing {
        if self.agent.as_ref().is_some_and(|(_, agent)| agent == sid) {
            return Standing::Agent;
        }
        if self.approved.contains(sid) {
            return Standing::Approved;
        }
        if self.connect.contains(sid) {
            return Standing::Connect;
        }
        match well_known(sid) {
            Some((_, true)) => return self.administrators(sid),
            Some((_, false)) => return Standing::Other,
            None => {}
        }
        let class = self.object(sid).map(|o| self.inventory.ad.objects[o as usize].class);
        match (self.agent.is_some(), class) {
            (_, None) if self.connect_unresolved => Standing::Unclear,
            (false, None | Some(AdClass::ManagedServiceAccount | AdClass::Missing)) => Standing::Unclear,
            _ => Standing::Other,
        }
    }

    /// A well-known group of administrators: of this forest, and Account Operators only while nobody is in it.
    fn administrators(&self, sid: &Sid) -> Standing {
        if sid.is_domain_account() {
            let own = self.inventory.sids.find(sid).is_some_and(|s| self.domains.contains(&s.domain));
            return match (own || self.domains.is_empty(), sid.rid()) {
                (true, _) => Standing::Administrator,
                // Those of the whole forest belong to its root domain, which need not be in the input.
                (false, Some(518 | 519)) => Standing::Unclear,
                (false, _) => Standing::Other,
            };
        }
        let is_operators = sid.is_builtin() && sid.rid() == Some(548);
        match self.people(sid) {
            Some((people, _)) if is_operators && !people.is_empty() => Standing::Other,
            _ => Standing::Administrator,
        }
    }

    /// How many people stand behind a group, through any depth; `None` for an account, or where a list is not whole.
    pub fn behind(&self, sid: &Sid) -> Option<u64> {
        self.people(sid).filter(|(_, whole)| *whole).map(|(people, _)| people.len() as u64)
    }

    fn people(&self, sid: &Sid) -> Option<(HashSet<u32>, bool)> {
        let ad = &self.inventory.ad;
        let row = ad.objects.get(self.object(sid)? as usize)?.group;
        if row == NONE {
            return None;
        }
        let (mut out, mut seen, mut open) = (HashSet::<u32>::new(), HashSet::<u32>::from_iter([row]), vec![row]);
        let mut whole = true;
        while let Some(row) = open.pop() {
            whole &= ad.groups[row as usize].members == Completeness::Complete;
            for &member in ad.members.row(row as usize) {
                match ad.objects[member as usize].group {
                    NONE => drop(out.insert(member)),
                    child => {
                        if seen.insert(child) {
                            open.push(child);
                        }
                    }
                }
            }
        }
        Some((out, whole))
    }
}

/// Name of a SID that means the same everywhere, and whether it is an administrator's.
pub fn well_known(sid: &Sid) -> Option<(&'static str, bool)> {
    if sid.is_domain_account() {
        let rid = sid.rid()?;
        return OF_A_DOMAIN.iter().find(|(r, ..)| *r == rid).map(|(_, name, admin)| (*name, *admin));
    }
    let text = sid.to_string();
    WELL_KNOWN.iter().find(|(known, ..)| *known == text).map(|(_, name, admin)| (*name, *admin))
}

/// A group that the system made: built in, or with a relative id below 1000.
pub fn is_of_the_system(sid: &Sid) -> bool {
    sid.is_builtin() || sid.is_domain_account() && sid.rid().is_some_and(|rid| rid < 1000)
}
