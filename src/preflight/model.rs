//! The published form of a preflight (`groupshift/preflight/v1`).

use crate::report::model::{Gate, GateStatus, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub const PREFLIGHT_SCHEMA: &str = "groupshift/preflight/v1";

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// `ad.sign-in`, `entra.permission`…: stable.
    pub id: String,
    pub status: GateStatus,
    pub severity: Severity,
    /// Commands that this holds back, or does only in part.
    pub blocks: Vec<String>,
    pub tried: String,
    pub message: String,
    /// What to do; empty where nothing is to be done.
    pub remediation: String,
    pub evidence: serde_json::Value,
}

/// Whether a command can run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommandState {
    pub command: String,
    pub ready: GateStatus,
    /// Checks and gates that hold it back, by id.
    pub held_back_by: Vec<String>,
}

/// A preflight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preflight {
    pub schema: String,
    pub checks: Vec<Check>,
    pub gates: Vec<Gate>,
    pub commands: Vec<CommandState>,
}

impl Preflight {
    /// Whether something failed at or above `limit`; with `unknown_too`, also what could not be told.
    pub fn reaches(&self, limit: Severity, unknown_too: bool) -> bool {
        let counts = |status: GateStatus, severity: Severity| {
            severity >= limit && (status == GateStatus::Fail || unknown_too && status == GateStatus::Unknown)
        };
        self.checks.iter().any(|c| counts(c.status, c.severity))
            || self.gates.iter().any(|g| counts(g.status, g.severity))
    }
}
