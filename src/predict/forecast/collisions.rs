//! Whose new name is taken already, by an object of AD or by another group that gets the same.

use super::Forecast;
use crate::directory::KeyWriter;
use crate::directory::inventory::NONE;
use hashbrown::HashMap;
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

/// Who takes a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// An AD object.
    Object(u32),
    /// The group at this position gets the same name.
    Position(u32),
}

/// The groups whose new name somebody has, or gets too: the second of two would fail, or be named otherwise.
pub(super) fn find(forecast: &Forecast<'_>) -> Vec<(u32, Taken)> {
    let renamed: Vec<u32> = (0..forecast.outcomes.len() as u32)
        .into_par_iter()
        .filter(|&i| {
            let outcome = &forecast.outcomes[i as usize];
            outcome.action.writes() && (outcome.ad == NONE || outcome.changes.new_dn())
        })
        .collect();
    if renamed.is_empty() {
        return Vec::new();
    }
    let new: Vec<(u64, u32)> = renamed
        .par_iter()
        .map_init(KeyWriter::default, |keys, &i| {
            let outcome = &forecast.outcomes[i as usize];
            let projected = forecast.projection(outcome, forecast.now(outcome.ad).as_ref())?;
            let dn = projected.dn();
            Some((xxh3_64(keys.key(dn.text()?.as_bytes())?), i))
        })
        .flatten()
        .collect();
    let mut by_key: HashMap<u64, u32> = HashMap::with_capacity(new.len());
    let mut out = Vec::new();
    for (key, i) in &new {
        if let Some(first) = by_key.get(key) {
            out.push((*i, Taken::Position(*first)));
        } else {
            by_key.insert(*key, *i);
        }
    }
    let objects = &forecast.inventory.ad.objects;
    let taken: Vec<(u32, Taken)> = (0..objects.len() as u32)
        .into_par_iter()
        .map_init(KeyWriter::default, |keys, object| {
            let key = xxh3_64(keys.key(forecast.inventory.dn(object).as_bytes())?);
            let position = *by_key.get(&key)?;
            let other = objects[object as usize].group;
            let own = forecast.outcomes[position as usize].ad;
            // A name that its owner leaves is free only in the right order; the service's order is not known.
            (other == NONE || other != own).then_some((position, Taken::Object(object)))
        })
        .flatten()
        .collect();
    out.extend(taken);
    out.sort_by_key(|(i, _)| *i);
    out.dedup_by_key(|(i, _)| *i);
    out
}
