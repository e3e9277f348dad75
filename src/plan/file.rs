//! `plan.json` as bytes: one way to write it, so that its hash means something, and a reader that refuses a plan that
//! was edited.

use super::model::{PLAN_SCHEMA, Plan};
use crate::bundle::write::hex;
use crate::error::{Error, Place, Result};
use sha2::{Digest, Sha256};
use std::path::Path;

/// The bytes of `plan.json`.
pub fn canonical(plan: &Plan) -> Result<Vec<u8>> {
    let mut bytes =
        serde_json::to_vec_pretty(plan).map_err(|e| Error::failed(format!("cannot write the plan: {e}")).source(e))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// SHA-256 of the plan's bytes with its own hash left empty.
pub fn hash(plan: &Plan) -> Result<String> {
    if plan.sha256.is_empty() {
        return Ok(hex(&Sha256::digest(canonical(plan)?)));
    }
    let bare = Plan { sha256: String::new(), ..plan.clone() };
    Ok(hex(&Sha256::digest(canonical(&bare)?)))
}

/// Reads a plan; one that is not byte for byte what was written is refused.
pub fn read(path: &Path) -> Result<Plan> {
    from_bytes(&std::fs::read(path).map_err(|e| Error::io("read the plan", path, e))?, path)
}

/// The same from its bytes; `path` says where they came from.
pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Plan> {
    let head: Option<String> = serde_json::from_slice::<serde_json::Value>(bytes)
        .ok()
        .and_then(|v| v.get("schema")?.as_str().map(str::to_owned));
    if let Some(other) = head.as_deref().filter(|s| *s != PLAN_SCHEMA) {
        return Err(Error::input(
            Place::file(path),
            format!("the schema is {other:?}, this program reads {PLAN_SCHEMA:?}"),
        )
        .hint("Use the version of groupshift that made the plan, or plan again."));
    }
    let edited = |what: String| {
        Error::input(Place::file(path), what)
            .hint("Plan again from the bundle, and put what should differ into waves.toml or decisions.toml.")
    };
    let plan: Plan =
        serde_json::from_slice(bytes).map_err(|e| edited(format!("this is no plan of this program: {e}")))?;
    if canonical(&plan)? != bytes {
        return Err(edited("the plan was edited: it is not written as this program writes it".to_owned()));
    }
    let real = hash(&plan)?;
    if real != plan.sha256 {
        return Err(edited(format!("the plan was edited: its SHA-256 is {real}, and it says {}", plan.sha256)));
    }
    Ok(plan)
}
