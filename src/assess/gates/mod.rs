//! The registry of environment gates: E1–E15, C19 and C37. All are always listed; unknown is never pass.

mod ad;
mod connect;
mod limits;
mod tenant;

use super::context::Context;
use super::settings::Accepted;
use crate::error::{Error, Result};
use crate::report::model::{Attestation, Gate, GateStatus, Severity, Summary};
use serde_json::{Value, json};

/// One gate.
pub struct GateRule {
    pub id: &'static str,
    pub title: &'static str,
    pub condition: &'static str,
    pub why: &'static str,
    pub remedy: &'static str,
    pub severity: Severity,
    /// Commands or steps held back.
    pub blocks: &'static [&'static str],
    pub sources: &'static [&'static str],
    /// Whether somebody's word may pass it while it cannot be observed.
    pub attestable: bool,
    pub check: fn(&GateContext<'_>) -> Outcome,
}

/// What a gate may look at: the context and the groups' summary.
pub struct GateContext<'a> {
    pub cx: &'a Context<'a>,
    pub summary: &'a Summary,
    /// Groups that the plan would bring into scope (`migrate` and `fix`), and their direct memberships in Entra;
    /// `None` where a member list is missing.
    pub to_move: u64,
    pub links_to_move: Option<u64>,
}

/// What a gate's check saw.
pub struct Outcome {
    pub status: GateStatus,
    pub message: String,
    pub evidence: Value,
    /// In place of the gate's own remedy; for `unknown`, what would settle it.
    pub remedy: Option<String>,
}

impl Outcome {
    fn new(status: GateStatus, message: impl Into<String>) -> Self {
        Outcome { status, message: message.into(), evidence: json!({}), remedy: None }
    }
    pub fn pass(message: impl Into<String>) -> Self {
        Self::new(GateStatus::Pass, message)
    }
    pub fn fail(message: impl Into<String>) -> Self {
        Self::new(GateStatus::Fail, message)
    }
    pub fn not_applicable(message: impl Into<String>) -> Self {
        Self::new(GateStatus::NotApplicable, message)
    }
    /// `settle` says what would answer it.
    pub fn unknown(message: impl Into<String>, settle: impl Into<String>) -> Self {
        Outcome { remedy: Some(settle.into()), ..Self::new(GateStatus::Unknown, message) }
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

/// All gates: E1–E15, then C19 and C37.
pub fn all() -> &'static [GateRule] {
    static GATES: std::sync::LazyLock<Vec<GateRule>> = std::sync::LazyLock::new(|| {
        let mut gates = Vec::new();
        gates.extend(tenant::gates());
        gates.extend(ad::gates());
        gates.extend(connect::gates());
        gates.extend(limits::gates());
        gates.sort_by_key(|g| (!g.id.starts_with('E'), g.id[1..].parse::<u32>().unwrap_or(0)));
        gates
    });
    &GATES
}

/// Judges every gate and applies what was attested.
pub fn judge(gcx: &GateContext<'_>) -> Result<Vec<Gate>> {
    let accepted = &gcx.cx.settings.accepted;
    for wish in accepted {
        check_wish(wish)?;
    }
    all().iter().map(|rule| one(rule, gcx, accepted.iter().find(|a| a.gate.eq_ignore_ascii_case(rule.id)))).collect()
}

fn check_wish(wish: &Accepted) -> Result<()> {
    let may: Vec<&str> = all().iter().filter(|g| g.attestable).map(|g| g.id).collect();
    let known = all().iter().find(|g| g.id.eq_ignore_ascii_case(&wish.gate));
    match known {
        None => Err(Error::usage(format!("--accept {}: there is no such gate", wish.gate))
            .hint(format!("Gates that can be attested: {}.", may.join(", ")))),
        Some(gate) if !gate.attestable => {
            Err(Error::usage(format!("--accept {}: this gate is observed, not attested", gate.id))
                .hint(format!("Only what cannot be observed from here can be attested: {}.", may.join(", "))))
        }
        Some(gate) if wish.reason.trim().is_empty() => {
            Err(Error::usage(format!("--accept {}: a reason is missing", gate.id))
                .hint(format!("Say why: --accept \"{}=who checked what\".", gate.id)))
        }
        Some(_) => Ok(()),
    }
}

fn one(rule: &GateRule, gcx: &GateContext<'_>, accepted: Option<&Accepted>) -> Result<Gate> {
    let seen = (rule.check)(gcx);
    let mut gate = Gate {
        id: rule.id.to_owned(),
        title: rule.title.to_owned(),
        status: seen.status,
        severity: rule.severity,
        blocks: rule.blocks.iter().map(|b| (*b).to_owned()).collect(),
        message: seen.message,
        remediation: match seen.status {
            GateStatus::Pass | GateStatus::NotApplicable => seen.remedy.unwrap_or_default(),
            _ => seen.remedy.unwrap_or_else(|| rule.remedy.to_owned()),
        },
        evidence: seen.evidence,
        attested: None,
        sources: rule.sources.iter().map(|s| (*s).to_owned()).collect(),
    };
    if let Some(wish) = accepted {
        match gate.status {
            GateStatus::Unknown => {
                gate.message = format!("Attested: {}. Seen from here: {}", wish.reason.trim(), gate.message);
                gate.status = GateStatus::Pass;
                gate.attested = Some(Attestation { reason: wish.reason.trim().to_owned(), by: wish.by.clone() });
            }
            GateStatus::Fail => {
                return Err(Error::usage(format!(
                    "--accept {}: the gate was observed to fail: {}",
                    gate.id, gate.message
                ))
                .hint(gate.remediation));
            }
            GateStatus::Pass | GateStatus::NotApplicable => {} // observed, which is better
        }
    }
    Ok(gate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_is_whole() {
        let ids: Vec<&str> = all().iter().map(|g| g.id).collect();
        let want: Vec<String> = (1..=15).map(|i| format!("E{i}")).chain(["C19".to_owned(), "C37".to_owned()]).collect();
        assert_eq!(ids, want);
        for gate in all() {
            assert!(!gate.blocks.is_empty() && !gate.sources.is_empty(), "{}", gate.id);
            for source in gate.sources {
                assert!(crate::assess::sources::title(source).is_some(), "{}: {source}", gate.id);
            }
        }
        let attestable: Vec<&str> = all().iter().filter(|g| g.attestable).map(|g| g.id).collect();
        assert_eq!(attestable, ["E2", "E12", "E14", "E15"]);
    }
}
