//! The Cloud Sync job as an assessment sees it: is there one, whom does it take in, what would it make of a group.

use super::settings::{ScopeMode, Settings};
use super::subject::Subject;
use crate::directory::ObjectGuid;
use crate::directory::inventory::{EntraGroup, Inventory, Tri};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Whether a job provisions Entra groups to AD.
pub enum Job {
    /// The input does not tell.
    NotCollected,
    /// There is none.
    None,
    /// There is one, whose mappings the input lacks.
    NoSchema(String),
    /// There is one.
    Known,
}

/// One predicted value of an existing group.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicted {
    Value(String),
    /// Left as it is.
    Unchanged,
    Unknown {
        candidates: Vec<String>,
        reason: String,
    },
    Error(String),
}

pub struct Projection {
    pub cn: Predicted,
    pub parent: Predicted,
    /// `None` where the job does not map it.
    pub sam_account_name: Option<Predicted>,
}
pub struct CloudView {
    pub job: Job,
}
impl CloudView {
    pub fn build(_: &Inventory, _: &Settings) -> Self {
        CloudView { job: Job::NotCollected }
    }
    pub fn has_job(&self) -> bool {
        false
    }
    pub fn in_scope(&self, _: &Inventory, _: u32) -> Option<Option<bool>> {
        None
    }
    pub fn project(&self, _: &Subject<'_>) -> Option<Projection> {
        None
    }
    pub fn expression(&self, _: &str) -> Option<String> {
        None
    }
    pub fn to_ad_jobs(&self) -> Option<Vec<Value>> {
        None
    }
    pub fn domain(&self) -> Option<String> {
        None
    }
}
