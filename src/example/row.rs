//! The shape of the group tables.

use crate::directory::GroupType;
use crate::report::model::Verdict;

/// One written-back group.
pub struct Row {
    /// Its displayName in Entra.
    pub name: &'static str,
    pub era: Era,
    pub members: &'static [Who],
    pub traits: &'static [Trait],
    /// The rules that must be found, besides C01 and C14 of every group that migrates.
    pub shows: &'static [&'static str],
    pub verdict: Verdict,
}

/// How Connect named the AD group.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// `Group_<object id>`, before the option was changed.
    Numbered,
    /// `<display name>_<last twelve digits>`.
    Named,
}

/// Members of a group, in the cloud.
#[derive(Clone, Copy, PartialEq)]
pub enum Who {
    Department(&'static str),
    Site(&'static str),
    At(&'static str, &'static str),
    /// Every n-th person of the company, from the k-th on.
    Every(usize, usize),
    /// A group of these tables.
    Group(&'static str),
    /// A group of `AD_ONLY`.
    AdGroup(&'static str),
    /// The n-th of the contractors without an AD account.
    CloudOnly(usize),
    /// The n-th user of the other forest.
    OtherForest(usize),
    /// The n-th user that was synchronised before Connect wrote object identifiers.
    NoIdentifier(usize),
    /// So many of the shop floor's badge accounts.
    Badges(u32),
    Device,
    ServicePrincipal,
    Contact,
}

/// What is unusual about a group.
#[derive(Clone, Copy, PartialEq)]
pub enum Trait {
    /// Dynamic membership by department.
    Dynamic,
    Paused,
    /// A Microsoft 365 group, written back as this type (`null` is Graph's default).
    Microsoft365(Option<&'static str>),
    MailEnabledSecurity,
    DistributionList,
    RoleAssignable,
    ManagementRestricted,
    Synced,
    CloudManaged,
    /// `writebackConfiguration.isEnabled`, where it is not true.
    Writeback(Option<bool>),
    SoftDeleted,
    /// There is no such group in Entra (any more).
    NotInEntra,
    NotInAd,
    /// No entry of the assessment: neither written back nor meant to be.
    NotAssessed,
    Type(GroupType),
    AdMail,
    /// `adminDescription` as it stands; `{id}` is the group's object id.
    AdminDescription(Option<&'static str>),
    /// EDOI as it stands; `{id}` is the group's object id, `{other}` another one.
    Edoi(&'static str),
    /// Its AD name was made from this former displayName.
    FormerName(&'static str),
    /// The whole CN, where Connect did not make it.
    Cn(&'static str),
    /// No value in the extension property that keeps its CN.
    CnNotKept,
    /// Another container than the writeback unit, by its relative name below the domain.
    Below(&'static str),
    Nickname(&'static str),
    /// A second AD group with the same adminDescription, in the retired unit.
    Copied,
    /// Members that AD lacks, counted from the first.
    Lost(usize),
    /// Members that only AD has.
    Added(&'static [Who]),
    AdminCount,
    Protected,
    AgentDenied,
    ObjectSoa,
    Rid(u32),
    NotInScope,
}

impl Row {
    pub const fn new(name: &'static str, era: Era, members: &'static [Who]) -> Self {
        Row { name, era, members, traits: &[], shows: &[], verdict: Verdict::Migrate }
    }
    pub const fn with(self, traits: &'static [Trait]) -> Self {
        Row { traits, ..self }
    }
    pub const fn shows(self, shows: &'static [&'static str]) -> Self {
        Row { shows, ..self }
    }
    pub const fn fix(self, shows: &'static [&'static str]) -> Self {
        Row { shows, verdict: Verdict::Fix, ..self }
    }
    pub const fn review(self, shows: &'static [&'static str]) -> Self {
        Row { shows, verdict: Verdict::Review, ..self }
    }
    pub const fn exclude(self, shows: &'static [&'static str]) -> Self {
        Row { shows, verdict: Verdict::Exclude, ..self }
    }
    pub fn has(&self, wanted: Trait) -> bool {
        self.traits.contains(&wanted)
    }
    pub fn find<T>(&self, pick: impl Fn(&Trait) -> Option<T>) -> Option<T> {
        self.traits.iter().find_map(pick)
    }
}

/// A group that lives in AD.
pub struct AdRow {
    pub name: &'static str,
    pub group_type: i32,
    /// Container below the domain.
    pub below: &'static str,
    pub members: &'static [Who],
    /// Whether Connect synchronises it to Entra.
    pub synced: bool,
    /// A well-known SID, where it has one.
    pub sid: Option<&'static str>,
}
