//! The trend as a picture: one bar an audit, failing checks over open ones, and the same numbers as a table.

use super::super::document::Point;
use crate::report::html::text::{moment, thousands};
use serde_json::{Value, json};

/// Audits that are drawn; the last ones.
const DRAWN: usize = 60;
/// Height of the picture.
const HEIGHT: f64 = 96.0;

/// `null` where there is nothing to compare with.
pub(super) fn trend(points: &[Point]) -> Value {
    if points.len() < 2 {
        return Value::Null;
    }
    let points = &points[points.len().saturating_sub(DRAWN)..];
    let most = points.iter().map(|p| p.checks.fail + p.checks.unknown).max().unwrap_or(0).max(1) as f64;
    let width = 100.0 / points.len() as f64;
    let round = |n: f64| (n * 100.0).round() / 100.0;
    let bars: Vec<Value> = points
        .iter()
        .enumerate()
        .map(|(at, p)| {
            let (fail, open) = (p.checks.fail as f64 / most * HEIGHT, p.checks.unknown as f64 / most * HEIGHT);
            json!({
                "x": round(at as f64 * width + width * 0.1), "width": round(width * 0.8),
                "failY": round(HEIGHT - fail), "fail": round(fail), "openY": round(HEIGHT - fail - open), "open": round(open),
                "title": format!("{}: {} fail, {} not known, {} groups not as they should be", moment(&p.created), p.checks.fail, p.checks.unknown, p.groups_failing),
            })
        })
        .collect();
    let rows: Vec<Value> = points
        .iter()
        .rev()
        .map(|p| {
            json!({
                "when": moment(&p.created), "fail": p.checks.fail, "unknown": p.checks.unknown, "pass": p.checks.pass,
                "groups": thousands(p.groups), "failing": thousands(p.groups_failing), "failures": thousands(p.failed()),
                "ids": p.failing.join(", "),
            })
        })
        .collect();
    let (first, last) = (&points[0], &points[points.len() - 1]);
    json!({
        "bars": bars, "rows": rows, "height": HEIGHT, "count": points.len(),
        "text": format!(
            "{} audits from {} to {}: failing checks went from {} to {}, groups not as they should be from {} to {}.",
            points.len(), moment(&first.created), moment(&last.created), first.checks.fail, last.checks.fail,
            thousands(first.groups_failing), thousands(last.groups_failing)
        ),
    })
}
