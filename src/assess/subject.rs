//! One group under assessment, and the sink that rules report into.

use super::cloud::Projection;
use super::context::Context;
use super::members::MemberView;
use super::truth::Truth;
use crate::directory::inventory::{AdGroup, AdObject, EntraGroup, NONE, Tri};
use crate::directory::{Anchor, AnchorText, Text};
use crate::report::model::{FindingStatus, Severity, Verdict};
use serde_json::{Value, json};
use std::cell::OnceCell;

/// One row of an assessment: an AD group, an Entra group, or both, joined by the anchor. Rows or `NONE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub ad: u32,
    pub entra: u32,
}

/// What is known of the Entra side of an entry.
#[derive(Clone, Copy)]
pub enum EntraSide<'a> {
    Known(&'a EntraGroup),
    /// The anchor names a group that is not among those collected.
    Gone,
    /// Entra's groups are not in the input, or not all of them.
    NotCollected,
    /// Nothing says which Entra group it would be.
    NoAnchor,
}

/// A group with what the rules ask of it.
pub struct Subject<'a> {
    pub cx: &'a Context<'a>,
    pub entry: Entry,
    pub ad: Option<(&'a AdGroup, &'a AdObject)>,
    pub entra: EntraSide<'a>,
    pub admin_description: AnchorText,
    pub edoi: AnchorText,
    /// The anchor that the group is matched by.
    pub anchor: Option<Anchor>,
    pub members: MemberView,
    /// Whether evidence is wanted, or only the outcome.
    pub detailed: bool,
    projection: OnceCell<Option<Projection>>,
}

impl<'a> Subject<'a> {
    pub fn new(cx: &'a Context<'a>, entry: Entry, detailed: bool, scratch: &mut Vec<u32>) -> Self {
        let inventory = cx.inventory;
        let ad = inventory.ad.groups.get(entry.ad as usize).map(|g| (g, inventory.ad_object(g)));
        let read = |text: Text| AnchorText::read(inventory.text.get(text));
        let admin_description = ad.map_or(AnchorText::Empty, |(g, _)| read(g.admin_description));
        let edoi = ad.map_or(AnchorText::Empty, |(g, _)| read(g.edoi));
        let entra_group = inventory.entra.groups.get(entry.entra as usize);
        let anchor = match entra_group {
            Some(g) => Some(Anchor(inventory.entra_object(g).id)),
            None => admin_description.anchor().or(edoi.anchor()),
        };
        let entra = match (entra_group, anchor) {
            (Some(g), _) => EntraSide::Known(g),
            (None, None) => EntraSide::NoAnchor,
            (None, Some(_)) if inventory.entra.has_all("groups") => EntraSide::Gone,
            (None, Some(_)) => EntraSide::NotCollected,
        };
        let members = MemberView::build(inventory, &cx.members, entry.ad, entry.entra, detailed, scratch);
        Subject {
            cx,
            entry,
            ad,
            entra,
            admin_description,
            edoi,
            anchor,
            members,
            detailed,
            projection: OnceCell::new(),
        }
    }

    /// What the Cloud Sync job would make of the group; asked by several rules, evaluated once.
    pub fn projection(&self) -> Option<&Projection> {
        let project = || self.cx.cloud.project(self.cx.inventory, self.entry.ad, self.entry.entra);
        self.projection.get_or_init(project).as_ref()
    }

    pub fn text(&self, text: Text) -> Option<&'a str> {
        self.cx.inventory.text.get(text)
    }
    pub fn dn(&self) -> Option<&'a str> {
        self.ad.and_then(|(_, o)| self.cx.inventory.text.get(o.dn))
    }
    pub fn entra_group(&self) -> Option<&'a EntraGroup> {
        match self.entra {
            EntraSide::Known(g) => Some(g),
            _ => None,
        }
    }
    pub fn in_ad(&self) -> bool {
        self.entry.ad != NONE
    }
    /// A question about the Entra group: open where Entra was not collected, "no" where there is no such group.
    pub fn ask(&self, question: impl Fn(&EntraGroup) -> Truth) -> Truth {
        match self.entra {
            EntraSide::Known(g) => question(g),
            EntraSide::NotCollected => Truth::Maybe,
            EntraSide::Gone | EntraSide::NoAnchor => Truth::No,
        }
    }
    /// The same for a property that is a truth value.
    pub fn is(&self, property: impl Fn(&EntraGroup) -> Tri) -> Truth {
        self.ask(|g| Truth::is_true(property(g)))
    }
    /// "Entra knows this group": so that negated questions do not hold for a group that is not there.
    pub fn known(&self) -> Truth {
        self.ask(|_| Truth::Yes)
    }
    pub fn unified(&self) -> Truth {
        self.is(|g| g.unified)
    }
    pub fn mail_enabled(&self) -> Truth {
        self.is(|g| g.mail_enabled)
    }
    pub fn security_enabled(&self) -> Truth {
        self.is(|g| g.security_enabled)
    }
    /// A security group of Entra: security-enabled, not mail-enabled, not Microsoft 365.
    pub fn entra_security(&self) -> Truth {
        self.known() & self.security_enabled() & !self.mail_enabled() & !self.unified()
    }
    pub fn universal(&self) -> Truth {
        match self.ad {
            None => Truth::No,
            Some((g, _)) => g.group_type.map_or(Truth::Maybe, |t| Truth::of(t.is_universal())),
        }
    }
    pub fn ad_security(&self) -> Truth {
        match self.ad {
            None => Truth::No,
            Some((g, _)) => g.group_type.map_or(Truth::Maybe, |t| Truth::of(t.is_security())),
        }
    }
    pub fn ad_distribution(&self) -> Truth {
        Truth::of(self.in_ad()) & !self.ad_security()
    }

    /// Why a question about this group stays open, from the properties it rests on (Graph names, or `groupType`).
    pub fn open(&self, what: &str, properties: &[(&'static str, Tri)]) -> Detail {
        if let (EntraSide::NotCollected, Some(anchor)) = (self.entra, self.anchor) {
            let (how, add) = match self.cx.inventory.entra.has("groups") {
                true => ("not whole in the input, and it is not among those read", "Export all pages of"),
                false => ("not in the input", "Add"),
            };
            return Detail::new(format!("{what}: Entra's groups are {how}"))
                .evidence(json!({ "objectId": anchor.0, "missing": ["entra/groups*.json"] }))
                .remedy(format!("{add} entra/groups*.json (Graph: GET /groups with $select) to the exported files, or collect the tenant live."));
        }
        let mut missing: Vec<&str> = properties.iter().filter(|(_, t)| *t == Tri::Absent).map(|(p, _)| *p).collect();
        if self.ad.is_some_and(|(g, _)| g.group_type.is_none()) {
            missing.push("groupType");
        }
        missing.dedup();
        Detail::new(format!("{what}: the input has no {}", list(&missing)))
            .evidence(json!({ "missing": missing }))
            .remedy(format!("Export the object again with {}.", list(&missing)))
    }
}

/// "a, b and c".
pub fn list(items: &[&str]) -> String {
    match items {
        [] => "such value".to_owned(),
        [one] => (*one).to_owned(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// What a finding says.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    pub message: String,
    pub evidence: Value,
    /// In place of the rule's own remedy, or for an open question, what would settle it.
    pub remedy: Option<String>,
}

impl Detail {
    pub fn new(message: impl Into<String>) -> Self {
        Detail { message: message.into(), evidence: json!({}), remedy: None }
    }
    pub fn evidence(mut self, evidence: Value) -> Self {
        self.evidence = evidence;
        self
    }
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// What a rule said.
#[derive(Debug, Clone, PartialEq)]
pub struct Raised {
    pub status: FindingStatus,
    pub severity: Severity,
    pub verdict: Verdict,
    /// Empty where only the outcome was wanted.
    pub detail: Option<Detail>,
}

/// Takes what one rule says of one group.
pub struct Sink {
    detailed: bool,
    severity: Severity,
    verdict: Verdict,
    /// The verdict of the rule while it is open.
    open_verdict: Verdict,
    pub raised: Option<Raised>,
}

impl Sink {
    pub fn new(detailed: bool, severity: Severity, verdict: Verdict, open_verdict: Verdict) -> Self {
        Sink { detailed, severity, verdict, open_verdict, raised: None }
    }
    /// The rule's condition holds.
    pub fn found(&mut self, detail: impl FnOnce() -> Detail) {
        self.found_as(self.severity, self.verdict, detail);
    }
    /// The rule's condition holds, in a way that weighs otherwise than usual.
    pub fn found_as(&mut self, severity: Severity, verdict: Verdict, detail: impl FnOnce() -> Detail) {
        let detail = self.detailed.then(detail);
        self.raised = Some(Raised { status: FindingStatus::Found, severity, verdict, detail });
    }
    /// The input cannot tell.
    pub fn unknown(&mut self, detail: impl FnOnce() -> Detail) {
        self.unknown_as(self.open_verdict, detail);
    }
    pub fn unknown_as(&mut self, verdict: Verdict, detail: impl FnOnce() -> Detail) {
        let detail = self.detailed.then(detail);
        self.raised = Some(Raised { status: FindingStatus::Unknown, severity: self.severity, verdict, detail });
    }
    /// Found, open or silent by a three-valued condition.
    pub fn decide(&mut self, condition: Truth, found: impl FnOnce() -> Detail, open: impl FnOnce() -> Detail) {
        match condition {
            Truth::Yes => self.found(found),
            Truth::Maybe => self.unknown(open),
            Truth::No => {}
        }
    }
}
