//! Which AD objects name a group in their access list, as far as descriptors were collected.

use crate::directory::inventory::NONE;
use crate::directory::security::SecurityDescriptor;
use crate::predict::Forecast;
use rayon::prelude::*;

/// Sorted pairs.
pub struct Usage {
    /// (group object, descriptor).
    trustees: Vec<(u32, u32)>,
    /// (descriptor, object).
    objects: Vec<(u32, u32)>,
}

impl Usage {
    pub fn of(forecast: &Forecast<'_>) -> Self {
        let inventory = forecast.inventory();
        let mut trustees: Vec<(u32, u32)> = inventory
            .ad
            .descriptors
            .par_iter()
            .enumerate()
            .flat_map_iter(|(number, bytes)| {
                let Ok(descriptor) = SecurityDescriptor::parse(bytes) else { return Vec::new() };
                let object = |sid| forecast.index().ad_by_sid(inventory, inventory.sids.find(sid)?);
                let forecast_group = |object: &u32| {
                    let row = inventory.ad.objects[*object as usize].group;
                    row != NONE && forecast.position_of_ad(row).is_some()
                };
                let named = descriptor.aces().filter_map(|ace| object(&ace.trustee)).filter(forecast_group);
                named.map(|object| (object, number as u32)).collect()
            })
            .collect();
        trustees.par_sort_unstable();
        trustees.dedup();
        let mut objects: Vec<(u32, u32)> = match trustees.is_empty() {
            true => Vec::new(),
            false => {
                let all = inventory.ad.objects.par_iter().enumerate();
                all.filter(|(_, o)| o.security != NONE).map(|(i, o)| (o.security, i as u32)).collect()
            }
        };
        objects.par_sort_unstable();
        Usage { trustees, objects }
    }

    /// The objects whose access list names this group, by AD object numbers.
    pub fn named_by(&self, group: u32) -> impl Iterator<Item = u32> {
        let of = |pairs: &[(u32, u32)], key: u32| {
            let start = pairs.partition_point(|p| p.0 < key);
            (start, start + pairs[start..].partition_point(|p| p.0 == key))
        };
        let (from, to) = of(&self.trustees, group);
        self.trustees[from..to].iter().flat_map(move |(_, descriptor)| {
            let (from, to) = of(&self.objects, *descriptor);
            self.objects[from..to].iter().map(|p| p.1)
        })
    }
}
