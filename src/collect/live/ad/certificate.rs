//! What the certificate says of a scan: for each partition what was expected and read, and what the account may not see.

use super::partition::Partition;
use super::settling::Settled;
use crate::bundle::Part;

/// Names listed before the rest is counted.
const NAMED: usize = 5;

fn part(partition: String) -> Part {
    Part { source: "ad".to_owned(), partition, ..Part::default() }
}

/// The partitions one by one, then each sort as a whole.
pub fn parts(
    partitions: &[Partition],
    read: &[u64],
    settled: &Settled,
    values_by_range: u64,
    memberships: u64,
) -> Vec<Part> {
    let mut out = Vec::new();
    for (number, partition) in partitions.iter().enumerate() {
        let read = read.get(number).copied().unwrap_or(0);
        out.push(Part { expected: Some(partition.expected), read, ..part(partition.name()) });
    }
    out.sort_by(|a, b| a.partition.cmp(&b.partition));
    for (kind, expected, read) in &settled.counts {
        out.push(Part { expected: Some(*expected), read: *read, ..part(kind.name().to_owned()) });
    }
    out.push(Part {
        read: memberships,
        values_by_range,
        hidden: hidden_names("members of groups", &settled.unseen),
        shortfall: settled.shortfall.clone(),
        ..part("member lists".to_owned())
    });
    out
}

/// A sentence about what is hidden; none where nothing is.
pub fn hidden_names(what: &str, names: &[String]) -> Vec<String> {
    if names.is_empty() {
        return Vec::new();
    }
    let first: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = if names.len() > NAMED { "; …" } else { "" };
    vec![format!("{what}: {} ({}{more})", names.len(), first.join("; "))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_things_are_named_and_counted() {
        assert_eq!(hidden_names("x", &[]), [""; 0]);
        let names: Vec<String> = (0..7).map(|n| format!("CN={n}")).collect();
        assert_eq!(hidden_names("x", &names), ["x: 7 (CN=0; CN=1; CN=2; CN=3; CN=4; …)"]);
    }
}
