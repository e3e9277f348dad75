//! A synthetic tenant of any size as the files an administrator would have exported. Nothing is kept in memory: each
//! group's members follow from the seed and the group's number, on the AD side and on the Entra side alike.

mod ad;
mod entra;
mod plan;
#[cfg(test)]
mod tests;
mod text;

pub use ad::Written;
pub use plan::{Plan, Size};
use std::io;
use std::path::Path;

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Summary {
    pub ad: Written,
    pub entra: Written,
    pub cloud_sync_bytes: u64,
    pub faulty: u64,
}

/// How the files are to look.
#[derive(Debug, Clone, Copy, Default)]
pub struct Form {
    /// Groups and users as JSON Lines instead of Graph response bodies.
    pub json_lines: bool,
    /// Without `cloudsync/`.
    pub no_cloud_sync: bool,
}

/// Writes the tenant into `dir`, which must be empty or absent. The two sides are written at the same time.
pub fn generate(plan: &Plan, dir: &Path, form: Form) -> io::Result<Summary> {
    if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the output folder is not empty"));
    }
    let [ad_dir, entra_dir, cloud_dir] = ["ad", "entra", "cloudsync"].map(|name| dir.join(name));
    std::fs::create_dir_all(&ad_dir)?;
    std::fs::create_dir_all(&entra_dir)?;
    let (ad, entra) = std::thread::scope(|scope| {
        let ad = scope.spawn(|| ad::write(plan, &ad_dir));
        let entra = entra::write(plan, &entra_dir, form.json_lines);
        (ad.join(), entra)
    });
    let ad = ad.map_err(|_| io::Error::other("the thread that writes the AD side has stopped"))??;
    let mut cloud_sync_bytes = 0;
    if !form.no_cloud_sync {
        std::fs::create_dir_all(&cloud_dir)?;
        cloud_sync_bytes = entra::write_cloud_sync(plan, &cloud_dir)?;
    }
    let faulty = (0..plan.size.groups).filter(|number| plan.fault(*number).is_some()).count() as u64;
    Ok(Summary { ad, entra: entra?, cloud_sync_bytes, faulty })
}
