//! The members that a group will have: Entra's direct members held against AD's, each with what becomes of it and why.

use super::matching::Action;
use super::points::Point;
use super::{Forecast, Outcome};
use crate::directory::inventory::{AdClass, Completeness, NONE};
use crate::predict::members::{Counterpart, Sort};

/// What becomes of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Fate {
    /// In AD, and stays.
    Kept,
    /// In AD, and stays where membership of on-premises users is provisioned; nobody said whether it is.
    KeptIfOption,
    /// Not in AD yet, will be.
    Added,
    /// Not in AD yet; may come, for the reason given.
    MaybeAdded,
    /// In AD, and no Entra member stands for it: goes, at the latest when the Entra group next changes.
    Lost,
    /// In AD, and stands for an Entra member that the job does not write: may go at the first update.
    MaybeLost,
    /// In AD, and the input tells not whether an Entra member stands for it.
    Open,
    /// An Entra member that is not in AD and is not written.
    NotWritten,
}

impl Fate {
    pub fn as_str(self) -> &'static str {
        match self {
            Fate::Kept => "kept",
            Fate::KeptIfOption => "kept-if-option",
            Fate::Added => "added",
            Fate::MaybeAdded => "maybe-added",
            Fate::Lost => "lost",
            Fate::MaybeLost => "maybe-lost",
            Fate::Open => "open",
            Fate::NotWritten => "not-written",
        }
    }
}

/// Why a member is not written, or may not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Why {
    NoAccount,
    NoIdentifier,
    OtherForest,
    SyncedGroup,
    MailGroup,
    OtherType,
    ChildOutOfScope,
    ChildUnmatched,
    OptionOff,
    OptionUnknown,
    NotInEntra,
    UnknownMember,
    ScopeOpen,
    AdListPartial,
}

impl Why {
    /// The published name.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::NoAccount => "no-ad-account",
            Why::NoIdentifier => "no-on-premises-identifier",
            Why::OtherForest => "other-forest",
            Why::SyncedGroup => "synced-group",
            Why::MailGroup => "mail-group",
            Why::OtherType => "other-type",
            Why::ChildOutOfScope => "nested-group-out-of-scope",
            Why::ChildUnmatched => "nested-group-unmatched",
            Why::OptionOff => "membership-option-off",
            Why::OptionUnknown => "membership-option-unknown",
            Why::NotInEntra => "not-in-entra",
            Why::UnknownMember => "unknown-member",
            Why::ScopeOpen => "scope-open",
            Why::AdListPartial => "ad-list-partial",
        }
    }
    /// In words, to follow the member's name.
    pub fn words(self) -> &'static str {
        match self {
            Why::NoAccount => "has no AD account",
            Why::NoIdentifier => "has no onPremisesObjectIdentifier",
            Why::OtherForest => "its onPremisesObjectIdentifier is no object of this forest",
            Why::SyncedGroup => "is a group synchronised from AD, which the job does not write as a member",
            Why::MailGroup => "is a Microsoft 365 or mail-enabled group, which the job does not provision",
            Why::OtherType => "is a device, service principal, contact or the like, which the job does not write",
            Why::ChildOutOfScope => "is a nested group outside the job's scope",
            Why::ChildUnmatched => "is a nested group whose own match is undecided",
            Why::OptionOff => "is an on-premises user, and their membership is not provisioned",
            Why::OptionUnknown => "is an on-premises user, and whether their membership is provisioned is not known",
            Why::NotInEntra => "is no member of the Entra group",
            Why::UnknownMember => "is described on one side only",
            Why::ScopeOpen => "whether the job takes the group is open",
            Why::AdListPartial => "AD's member list is not whole in the input",
        }
    }
}

/// One member: its AD object and its Entra object, or `NONE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberLine {
    pub ad: u32,
    pub entra: u32,
    pub fate: Fate,
    pub why: Option<Why>,
}

/// How many members meet which fate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Including those that stay only where the option is on.
    pub kept: u32,
    pub kept_if_option: u32,
    pub added: u32,
    pub maybe_added: u32,
    pub lost: u32,
    pub maybe_lost: u32,
    pub open: u32,
    pub not_written: u32,
}

impl Counts {
    /// Those that go only under one reading of an open point.
    pub fn perhaps_lost(&self) -> u64 {
        u64::from(self.maybe_lost) + u64::from(self.open) + u64::from(self.kept_if_option)
    }
    fn take(&mut self, fate: Fate) {
        match fate {
            Fate::Kept => self.kept += 1,
            Fate::KeptIfOption => {
                self.kept += 1;
                self.kept_if_option += 1;
            }
            Fate::Added => self.added += 1,
            Fate::MaybeAdded => self.maybe_added += 1,
            Fate::Lost => self.lost += 1,
            Fate::MaybeLost => self.maybe_lost += 1,
            Fate::Open => self.open += 1,
            Fate::NotWritten => self.not_written += 1,
        }
    }
}

/// What the job makes of one Entra member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Write {
    Yes,
    /// An on-premises user while the option is not known.
    IfOption,
    No(Why),
    /// The input does not tell.
    Open,
}

/// An Entra member with the AD object it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Expected {
    ad: u32,
    write: Write,
    entra: u32,
}

impl Forecast<'_> {
    /// The members of the group at this position: by AD object number, those without one last.
    pub fn members(&self, position: usize) -> Vec<MemberLine> {
        let mut lines = Vec::new();
        self.each_member(&self.outcomes[position], &mut Vec::new(), &mut |line| lines.push(line));
        lines
    }
    /// The same for many groups, without a list; those that simply stay are visited too.
    pub fn visit_members(&self, position: usize, visit: &mut dyn FnMut(MemberLine)) {
        self.each_member(&self.outcomes[position], &mut Vec::new(), visit);
    }

    /// AD objects that stand for the direct members of an AD group's Entra group, whether the job writes them or not.
    pub fn counterparts_of(&self, ad: u32) -> hashbrown::HashSet<u32> {
        let entra = self.position_of_ad(ad).map_or(NONE, |p| self.outcomes[p].entra);
        let members = self.inventory.entra.members.row(entra as usize);
        let own = |member: &u32| match self.map.counterpart(*member) {
            Counterpart::Object(object) => Some(object),
            Counterpart::Nobody | Counterpart::Open => None,
        };
        members.iter().filter_map(own).collect()
    }

    pub(super) fn count_members(&self, outcome: &mut Outcome, scratch: &mut Vec<Expected>) {
        let mut counts = Counts::default();
        let mut points = outcome.points;
        self.each_member(outcome, scratch, &mut |line| {
            counts.take(line.fate);
            match (line.fate, line.why) {
                (Fate::KeptIfOption, _) | (_, Some(Why::OptionUnknown)) => points.add(Point::MemberOption),
                (Fate::Open, _) | (_, Some(Why::UnknownMember | Why::AdListPartial)) => points.add(Point::Input),
                (_, Some(Why::ScopeOpen)) => points.add(Point::Scope),
                (Fate::MaybeLost, _) => points.add(Point::FirstUpdate),
                _ => {}
            }
        });
        if outcome.action.writes() && !self.entra_list_is_whole(outcome.entra) {
            points.add(Point::Input);
        }
        outcome.members = counts;
        outcome.points = points;
    }

    fn entra_list_is_whole(&self, entra: u32) -> bool {
        self.inventory.entra.groups.get(entra as usize).is_some_and(|g| g.members == Completeness::Complete)
    }

    fn each_member(&self, outcome: &Outcome, scratch: &mut Vec<Expected>, visit: &mut dyn FnMut(MemberLine)) {
        let inventory = self.inventory;
        let actual: &[u32] = inventory.ad.members.row(outcome.ad as usize);
        if !outcome.action.writes() {
            return actual.iter().for_each(|&ad| {
                visit(MemberLine { ad, entra: NONE, fate: Fate::Kept, why: None });
            });
        }
        scratch.clear();
        let members = inventory.entra.members.row(outcome.entra as usize);
        scratch.extend(members.iter().map(|&entra| self.expect(entra)));
        scratch.sort_unstable();
        let ad_whole = match inventory.ad.groups.get(outcome.ad as usize) {
            Some(group) => group.members == Completeness::Complete,
            None => true,
        };
        let certain = Certain {
            scope: outcome.action != Action::Open,
            ad_whole,
            // A member of which the input tells too little may be any of those that AD has.
            comparable: self.entra_list_is_whole(outcome.entra)
                && !scratch.iter().any(|e| e.ad == NONE && e.write == Write::Open),
        };
        let (mut i, mut j) = (0, 0);
        while i < scratch.len() || j < actual.len() {
            match (scratch.get(i), actual.get(j)) {
                (Some(e), Some(&a)) if e.ad == a => {
                    visit(certain.both(*e));
                    // Two Entra members may stand for one object; the one that is written comes first.
                    while scratch.get(i).is_some_and(|e| e.ad == a) {
                        i += 1;
                    }
                    j += 1;
                }
                (Some(e), a) if a.is_none_or(|a| e.ad < *a) => {
                    visit(certain.only_entra(*e));
                    let ad = e.ad;
                    i += 1;
                    while ad != NONE && scratch.get(i).is_some_and(|e| e.ad == ad) {
                        i += 1;
                    }
                }
                (_, Some(&a)) => {
                    let missing = inventory.ad.objects[a as usize].class == AdClass::Missing;
                    visit(certain.only_ad(a, missing));
                    j += 1;
                }
                (_, None) => break,
            }
        }
    }

    fn expect(&self, entra: u32) -> Expected {
        let ad = match self.map.counterpart(entra) {
            Counterpart::Object(id) => id,
            Counterpart::Nobody | Counterpart::Open => NONE,
        };
        let no = |why| Expected { ad, write: Write::No(why), entra };
        match self.map.sort(entra) {
            Sort::Provisionable => match self.option {
                Some(true) => Expected { ad, write: Write::Yes, entra },
                Some(false) => no(Why::OptionOff),
                None => Expected { ad, write: Write::IfOption, entra },
            },
            Sort::CloudUser => no(Why::NoAccount),
            Sort::NoIdentifier => no(Why::NoIdentifier),
            Sort::ForeignIdentifier => no(Why::OtherForest),
            Sort::SyncedGroup => no(Why::SyncedGroup),
            Sort::MailGroup => no(Why::MailGroup),
            Sort::OtherType => no(Why::OtherType),
            Sort::CloudGroup => self.expect_child(entra, ad),
            Sort::OpenUser | Sort::OpenGroup | Sort::OpenKind => Expected { ad, write: Write::Open, entra },
        }
    }

    /// A nested group is written where the job has it: as the AD group that it matches.
    fn expect_child(&self, entra: u32, ad: u32) -> Expected {
        let row = self.inventory.entra.objects[entra as usize].detail;
        let Some(link) = self.links.get(row as usize) else { return Expected { ad, write: Write::Open, entra } };
        let own = || self.inventory.ad.groups.get(link.ad as usize).map_or(NONE, |g| g.object);
        let (ad, write) = match link.action {
            Action::Update | Action::Stamp => (own(), Write::Yes),
            Action::Create | Action::CreateBeside => (NONE, Write::Yes),
            Action::OutOfScope | Action::Gone | Action::Bystander => (ad, Write::No(Why::ChildOutOfScope)),
            Action::Duplicates | Action::Undecided => (ad, Write::No(Why::ChildUnmatched)),
            // Kept from being written itself, it is in AD and in scope all the same where it has a match.
            Action::Untouched | Action::Open => (ad, Write::Open),
        };
        Expected { ad, write, entra }
    }
}

/// What is certain about a group, and so about its members.
struct Certain {
    scope: bool,
    ad_whole: bool,
    comparable: bool,
}

impl Certain {
    fn both(&self, e: Expected) -> MemberLine {
        let (fate, why) = match e.write {
            Write::Yes => (Fate::Kept, None),
            Write::IfOption => (Fate::KeptIfOption, Some(Why::OptionUnknown)),
            Write::No(why) => (Fate::MaybeLost, Some(why)),
            Write::Open => (Fate::Open, Some(Why::UnknownMember)),
        };
        MemberLine { ad: e.ad, entra: e.entra, fate, why }
    }
    fn only_entra(&self, e: Expected) -> MemberLine {
        let (fate, why) = match e.write {
            Write::Yes if !self.scope => (Fate::MaybeAdded, Some(Why::ScopeOpen)),
            Write::Yes if !self.ad_whole && e.ad != NONE => (Fate::MaybeAdded, Some(Why::AdListPartial)),
            Write::Yes => (Fate::Added, None),
            Write::IfOption => (Fate::MaybeAdded, Some(Why::OptionUnknown)),
            Write::No(why) => (Fate::NotWritten, Some(why)),
            Write::Open => (Fate::MaybeAdded, Some(Why::UnknownMember)),
        };
        MemberLine { ad: e.ad, entra: e.entra, fate, why }
    }
    fn only_ad(&self, ad: u32, missing: bool) -> MemberLine {
        let (fate, why) = match () {
            () if missing || !self.comparable => (Fate::Open, Why::UnknownMember),
            () if !self.scope => (Fate::MaybeLost, Why::ScopeOpen),
            () => (Fate::Lost, Why::NotInEntra),
        };
        MemberLine { ad, entra: NONE, fate, why: Some(why) }
    }
}
