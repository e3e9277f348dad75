//! Times an assessment or an audit of a bundle, without reports but with every finding or failure made once:
//! `audit-time assess BUNDLE`, `audit-time audit BUNDLE`. Seconds and peak memory go to standard output, as JSON; each
//! is measured in a process of its own.

use groupshift::assess::{AboutBundle, Assessed, Settings};
use groupshift::audit::{self, Evidence, Input, View as _};
use groupshift::bundle;
use groupshift::report::model::View as _;
use rayon::prelude::*;
use serde_json::json;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, path] = arguments.as_slice() else { return Err("audit-time assess|audit BUNDLE".into()) };
    let path = Path::new(path);
    let began = Instant::now();
    let (opened, inventory) = bundle::open(path)?;
    let read = began.elapsed();
    let about = AboutBundle::of(&opened);
    let began = Instant::now();
    let (groups, found, judged) = match what.as_str() {
        "assess" => {
            let settings = Settings::default();
            let assessed = Assessed::run(&inventory, &settings, about)?;
            let judged = began.elapsed();
            let all: u64 = (0..assessed.len()).into_par_iter().map(|i| assessed.group(i).findings.len() as u64).sum();
            (assessed.len() as u64, all, judged)
        }
        _ => {
            let (settings, evidence) = (audit::Settings::default(), Evidence::read(path, &opened)?);
            let input = Input { inventory: &inventory, settings: &settings, about, evidence: &evidence, former: None };
            let audited = audit::audit(input)?;
            let judged = began.elapsed();
            let all: u64 = (0..audited.checks())
                .map(|check| {
                    let n = audited.check(check).failed as usize;
                    (0..n)
                        .into_par_iter()
                        .map(|i| u64::from(!audited.failure(check, i).message.is_empty()))
                        .sum::<u64>()
                })
                .sum();
            (audited.groups() as u64, all, judged)
        }
    };
    let rendered = began.elapsed();
    let line = json!({
        "what": what, "groups": groups, "found": found, "readSeconds": read.as_secs_f64(), "judgedSeconds": judged.as_secs_f64(),
        "renderedSeconds": rendered.as_secs_f64(), "peakKilobytes": peak(),
    });
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// The process's peak, where the system tells it by name.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
