//! The trend across audits: one line of JSON an audit, in `audits.jsonl` of the store's folder. It never holds an audit
//! back: a line that cannot be read is passed over and counted, and a folder that cannot be written to is said.

use super::document::Point;
use crate::error::{Error, Result};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;

pub const FILE: &str = "audits.jsonl";
/// A longer line is none of ours.
const MAX_LINE: usize = 1 << 20;

/// What the file held.
#[derive(Debug, Default)]
pub struct History {
    /// Oldest state first.
    pub points: Vec<Point>,
    /// Lines that are no audit of this program.
    pub unreadable: u64,
}

/// Reads the history of the folder; an empty one where there is none.
pub fn read(store: &Path) -> Result<History> {
    let path = store.join(FILE);
    let mut out = History::default();
    let file = match std::fs::File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(out),
        Err(e) => return Err(Error::io("read the audits of before from", &path, e)),
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let n = std::io::Read::take(&mut reader, MAX_LINE as u64)
            .read_until(b'\n', &mut line)
            .map_err(|e| Error::io("read the audits of before from", &path, e))?;
        if n == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Point>(&line) {
            Ok(point) => {
                // The same state audited again takes the place of what was said of it before.
                out.points.retain(|known| !known.is_of_same(&point));
                out.points.push(point);
            }
            Err(_) => out.unreadable += 1,
        }
    }
    out.points.sort_by(|a, b| a.created.cmp(&b.created));
    Ok(out)
}

/// The audits of the same domain and tenant up to this one, which stands last; those of later states are left out.
pub fn up_to(history: &History, now: &Point) -> Vec<Point> {
    let same =
        |p: &&Point| p.domain == now.domain && p.tenant == now.tenant && !p.is_of_same(now) && p.created <= now.created;
    let mut points: Vec<Point> = history.points.iter().filter(same).cloned().collect();
    points.push(now.clone());
    points
}

/// Adds an audit; the folder must be there. A line goes out in one piece.
pub fn add(store: &Path, point: &Point) -> Result<()> {
    let path = store.join(FILE);
    let mut line =
        serde_json::to_vec(point).map_err(|e| Error::failed(format!("cannot keep this audit for the trend: {e}")))?;
    line.push(b'\n');
    let fail = |e| Error::io("keep this audit for the trend in", &path, e);
    let mut options = OpenOptions::new();
    options.create(true).append(true).read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&path).map_err(fail)?;
    // A line that was cut by a crash must not swallow this one.
    if !ends_whole(&mut file).map_err(fail)? {
        line.insert(0, b'\n');
    }
    file.write_all(&line).and_then(|()| file.sync_all()).map_err(fail)
}

fn ends_whole(file: &mut std::fs::File) -> std::io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0u8];
    file.read_exact(&mut last)?;
    Ok(last[0] == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::model::{AgainstKind, CheckCounts, SeverityCounts};

    fn point(created: &str, sha: &str, fail: u64) -> Point {
        Point {
            created: created.to_owned(),
            bundle_sha256: sha.to_owned(),
            domain: Some("contoso.com".to_owned()),
            tenant: None,
            against: AgainstKind::Nothing,
            against_sha256: None,
            groups: 3,
            groups_failing: fail,
            groups_unknown: 0,
            checks: CheckCounts { fail, ..CheckCounts::default() },
            failures: SeverityCounts::default(),
            worst: None,
            failing: Vec::new(),
        }
    }

    #[test]
    fn keeps_sorts_and_replaces() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path()).unwrap().points.is_empty());
        for (created, sha, fail) in [("2026-11-21", "b", 2), ("2026-11-20", "a", 1), ("2026-11-21", "b", 5)] {
            add(dir.path(), &point(created, sha, fail)).unwrap();
        }
        let history = read(dir.path()).unwrap();
        assert_eq!(history.points, [point("2026-11-20", "a", 1), point("2026-11-21", "b", 5)]);
        let now = point("2026-11-22", "c", 0);
        assert_eq!(up_to(&history, &now).len(), 3);
        // The same state again is one point, and a later one does not show in an earlier page.
        assert_eq!(up_to(&history, &point("2026-11-21", "b", 7)).len(), 2);
        assert_eq!(up_to(&history, &point("2026-11-20", "a", 7)).len(), 1);
        let other = Point { domain: Some("fabrikam.com".to_owned()), ..now };
        assert_eq!(up_to(&history, &other).len(), 1);
    }

    #[test]
    fn a_cut_line_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        add(dir.path(), &point("2026-11-20", "a", 1)).unwrap();
        let path = dir.path().join(FILE);
        let mut text = std::fs::read(&path).unwrap();
        text.extend_from_slice(b"{\"created\":\"2026-1");
        std::fs::write(&path, &text).unwrap();
        add(dir.path(), &point("2026-11-21", "b", 2)).unwrap();
        let history = read(dir.path()).unwrap();
        assert_eq!((history.points.len(), history.unreadable), (2, 1));
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_that_says_so() {
        let error = add(Path::new("/nonexistent/groupshift"), &point("2026-11-20", "a", 1)).unwrap_err();
        assert!(error.to_string().contains("audits.jsonl"), "{error}");
    }
}
