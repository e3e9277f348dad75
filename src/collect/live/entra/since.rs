//! Going on from a former bundle: the delta links it keeps, and when they may be used. A link is opaque and holds no
//! secret (it names a moment, and needs a token like any request); it is followed only on the configured host.

use super::plan::Way;
use super::queries;
use crate::bundle::{RawFile, files, read};
use crate::collect::live::Base;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// From where the changes of one collection are read next time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// `groups` or `users`.
    pub collection: String,
    /// The tenant's id.
    pub tenant: Option<String>,
    /// The properties that the link brings.
    pub select: String,
    /// `lists` where members were read group by group, else `delta`.
    pub way: String,
    pub link: String,
}

impl Link {
    pub fn way(&self) -> Way {
        if self.way == "lists" { Way::Lists } else { Way::Delta }
    }
}

/// The links of a bundle, where it can be gone on from, else the reason why not.
pub struct Start {
    pub groups: std::result::Result<Link, String>,
    pub users: std::result::Result<Link, String>,
}

pub fn start(base: &Base, tenant: Option<&str>, extensions: &BTreeSet<String>) -> Result<Start> {
    let listed = base.manifest.files.iter().any(|f| f.name == files::ENTRA_DELTA);
    let links = if listed { load(base)? } else { Vec::new() };
    let selects = |version: &str| queries::group_select(version, extensions);
    let check = |collection: &str, selects: &[String]| {
        let Some(link) = links.iter().find(|l| l.collection == collection) else {
            return Err("the bundle keeps no place to go on from".to_owned());
        };
        if tenant.is_none() || link.tenant.as_deref() != tenant {
            return Err("the bundle is of another tenant, or it is not known of which".to_owned());
        }
        if !selects.contains(&link.select) {
            return Err("other properties are needed now than the bundle was made with".to_owned());
        }
        let short = |p: &crate::bundle::Part| p.partition == collection || p.partition == "group members";
        if base.manifest.certificate.parts.iter().any(|p| short(p) && p.shortfall.is_some()) {
            return Err(format!("the bundle's {collection} are not whole"));
        }
        Ok(link.clone())
    };
    Ok(Start {
        groups: check("groups", &[selects("beta"), selects("v1.0")]),
        users: check("users", &[queries::USER.to_owned()]),
    })
}

fn load(base: &Base) -> Result<Vec<Link>> {
    let mut out = Vec::new();
    read::records::<crate::bundle::Owned<Link>>(&base.dir.join(files::ENTRA_DELTA), |link| {
        out.push(link);
        Ok(())
    })?;
    Ok(out)
}

/// The file of the bundle that keeps the links.
pub fn keep(links: &[Link]) -> Result<Option<RawFile>> {
    if links.is_empty() {
        return Ok(None);
    }
    let mut raw = RawFile::new(files::ENTRA_DELTA)?;
    for link in links {
        raw.push(link)?;
    }
    Ok(Some(raw))
}
