//! Does Connect still look after a container? Of the containers chosen in a partition the longest name that holds it
//! decides (gate E8).

use crate::directory::Dn;
use crate::directory::connect::{ConnectServer, Connector, Partition};

/// Whether a container is in the scope of a server's AD connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerScope {
    Included {
        /// What decides, in words.
        by: String,
        /// Containers below it that are excluded.
        except: Vec<String>,
    },
    Excluded {
        by: String,
    },
    Unknown {
        why: String,
    },
}

fn unknown(why: impl Into<String>) -> ContainerScope {
    ContainerScope::Unknown { why: why.into() }
}

fn excluded(by: impl Into<String>) -> ContainerScope {
    ContainerScope::Excluded { by: by.into() }
}

/// Judges the container `ou`, a distinguished name.
pub fn container_scope(server: &ConnectServer, ou: &str) -> ContainerScope {
    let target = match Dn::parse(ou) {
        Ok(dn) if dn.dns_domain().is_some() => dn,
        Ok(_) => return unknown(format!("{ou:?} names no domain")),
        Err(error) => return unknown(format!("{ou:?}: {error}")),
    };
    let Some(connectors) = &server.connectors else {
        return unknown("the connectors of this server were not given");
    };
    let ad: Vec<&Connector> = connectors.iter().filter(|c| c.is_ad()).collect();
    if ad.is_empty() {
        return unknown("no AD connector is among the connectors that were given");
    }
    let forest = server.writeback_forest.value().and_then(|f| f.as_deref());
    let in_forest = |c: &&&Connector| match (forest, c.forest.as_deref()) {
        (Some(wanted), Some(own)) => wanted.trim_end_matches('.').eq_ignore_ascii_case(own.trim_end_matches('.')),
        // Where one of the two is not known, the partition decides.
        _ => true,
    };
    let candidates: Vec<&&Connector> = ad.iter().filter(in_forest).collect();
    if candidates.is_empty() {
        let forest = forest.unwrap_or_default();
        return unknown(format!("groups are written back to the forest {forest}, and no AD connector given is of it"));
    }
    if candidates.iter().any(|c| c.partitions.is_none()) {
        return unknown("the partitions of an AD connector were not given");
    }
    let mut best: Option<(&Connector, &Partition, usize)> = None;
    for connector in &candidates {
        for partition in connector.partitions.iter().flatten() {
            let Ok(dn) = Dn::parse(&partition.dn) else {
                return unknown(format!(
                    "the partition {:?} of {:?} has no readable name",
                    partition.dn, connector.name
                ));
            };
            let depth = dn.rdns().len();
            if target.is_within(&dn) && best.is_none_or(|(_, _, other)| depth > other) {
                best = Some((connector, partition, depth));
            }
        }
    }
    match best {
        Some((connector, partition, _)) => in_partition(connector, partition, &target),
        None => {
            let names: Vec<String> = candidates.iter().map(|c| format!("{:?}", c.name)).collect();
            excluded(format!("no partition of {} holds it", names.join(", ")))
        }
    }
}

fn in_partition(connector: &Connector, partition: &Partition, target: &Dn) -> ContainerScope {
    let place = format!("the partition {} of {:?}", partition.dn, connector.name);
    match partition.selected {
        Some(true) => {}
        Some(false) => return excluded(format!("{place} is not selected")),
        None => return unknown(format!("whether {place} is selected is not known")),
    }
    if let Some(classes) = partition.object_classes.as_ref().filter(|c| !c.is_empty())
        && !classes.iter().any(|c| c.eq_ignore_ascii_case("group"))
    {
        return excluded(format!("the object class group is not chosen in {place}"));
    }
    let (Some(inclusions), Some(exclusions)) = (&partition.inclusions, &partition.exclusions) else {
        return unknown(format!("the containers chosen in {place} were not given"));
    };
    let mut except = Vec::new();
    // The longest name that holds the container, in RDNs: which one, and whether it includes.
    let mut best: Option<(usize, &str, bool)> = None;
    let lists = [(inclusions, true), (exclusions, false)];
    for (name, includes) in lists.into_iter().flat_map(|(list, includes)| list.iter().map(move |n| (n, includes))) {
        let Ok(dn) = Dn::parse(name) else {
            return unknown(format!("{name:?}, chosen in {place}, is no distinguished name"));
        };
        let depth = dn.rdns().len();
        if target.is_within(&dn) {
            match best {
                Some((other, _, was)) if other == depth && was != includes => {
                    return unknown(format!("{name} is both included and excluded in {place}"));
                }
                Some((other, ..)) if other >= depth => {}
                _ => best = Some((depth, name, includes)),
            }
        } else if !includes && dn.is_within(target) {
            except.push(name.clone());
        }
    }
    match best {
        Some((_, name, true)) => ContainerScope::Included { by: format!("the inclusion of {name} in {place}"), except },
        Some((_, name, false)) => excluded(format!("the exclusion of {name} in {place}")),
        None if inclusions.is_empty() => ContainerScope::Included { by: format!("{place}, which is whole"), except },
        None => unknown(format!("neither an inclusion nor an exclusion in {place} holds it")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{partition, server};
    use super::*;
    use crate::directory::connect::Origin;

    fn short(scope: &ContainerScope) -> (char, &str) {
        match scope {
            ContainerScope::Included { by, .. } => ('i', by),
            ContainerScope::Excluded { by } => ('x', by),
            ContainerScope::Unknown { why } => ('?', why),
        }
    }

    #[test]
    fn containers() {
        let inclusions =
            ["OU=Corp,DC=contoso,DC=com", "OU=Keep,OU=Old,OU=Corp,DC=contoso,DC=com", "OU=Both,DC=contoso,DC=com"];
        let exclusions = ["DC=contoso,DC=com", "OU=Old,OU=Corp,DC=contoso,DC=com", "OU=Both,DC=contoso,DC=com"];
        for (ou, want, says) in [
            ("OU=Corp,DC=contoso,DC=com", 'i', "inclusion of OU=Corp,DC=contoso,DC=com"),
            ("ou=writeback, OU=corp,dc=Contoso,dc=COM", 'i', "inclusion of OU=Corp"),
            ("OU=Old,OU=Corp,DC=contoso,DC=com", 'x', "exclusion of OU=Old"),
            ("OU=x,OU=Old,OU=Corp,DC=contoso,DC=com", 'x', "exclusion of OU=Old"),
            ("OU=y,OU=Keep,OU=Old,OU=Corp,DC=contoso,DC=com", 'i', "inclusion of OU=Keep"),
            ("OU=Other,DC=contoso,DC=com", 'x', "exclusion of DC=contoso,DC=com"),
            ("OU=NotCorp,DC=contoso,DC=com", 'x', "exclusion of DC=contoso,DC=com"),
            ("OU=Both,DC=contoso,DC=com", '?', "both included and excluded"),
            ("OU=Corp,DC=fabrikam,DC=com", 'x', "no partition"),
            ("OU=Corp", '?', "names no domain"),
            ("Corp", '?', "not a distinguished name"),
        ] {
            let mut server = server();
            server.connectors.as_mut().unwrap()[0].partitions =
                Some(vec![partition("DC=contoso,DC=com", &inclusions, &exclusions)]);
            let found = container_scope(&server, ou);
            assert_eq!(short(&found).0, want, "{ou}: {found:?}");
            assert!(short(&found).1.contains(says), "{ou}: {found:?}");
        }
    }

    #[test]
    fn what_is_excluded_below_is_told() {
        let mut server = server();
        let below = "OU=Not,OU=Corp,DC=contoso,DC=com";
        server.connectors.as_mut().unwrap()[0].partitions =
            Some(vec![partition("DC=contoso,DC=com", &["DC=contoso,DC=com"], &[below, "OU=Else,DC=contoso,DC=com"])]);
        let found = container_scope(&server, "OU=Corp,DC=contoso,DC=com");
        assert!(matches!(&found, ContainerScope::Included { except, .. } if except == &[below]), "{found:?}");
    }

    #[test]
    fn partitions_and_connectors() {
        let ou = "OU=Corp,DC=contoso,DC=com";
        type Change = fn(&mut ConnectServer);
        fn part(server: &mut ConnectServer) -> &mut Partition {
            &mut server.connectors.as_mut().unwrap()[0].partitions.as_mut().unwrap()[0]
        }
        let cases: [(&str, Change, char, &str); 13] = [
            ("as it is", |_| {}, 'i', "inclusion"),
            ("not selected", |s| part(s).selected = Some(false), 'x', "not selected"),
            ("selection unknown", |s| part(s).selected = None, '?', "selected is not known"),
            ("no groups", |s| part(s).object_classes = Some(vec!["user".into()]), 'x', "object class group"),
            ("classes not given", |s| part(s).object_classes = None, 'i', "inclusion"),
            ("containers not given", |s| part(s).inclusions = None, '?', "were not given"),
            ("whole partition", |s| *part(s) = partition("DC=contoso,DC=com", &[], &[]), 'i', "whole"),
            (
                "no list holds it",
                |s| *part(s) = partition("DC=contoso,DC=com", &["OU=A,DC=contoso,DC=com"], &[]),
                '?',
                "neither",
            ),
            ("no connectors", |s| s.connectors = None, '?', "connectors of this server"),
            ("no AD connector", |s| drop(s.connectors.as_mut().unwrap().remove(0)), '?', "no AD connector"),
            ("no partitions", |s| s.connectors.as_mut().unwrap()[0].partitions = None, '?', "partitions"),
            ("unreadable partition", |s| part(s).dn = "contoso.com".into(), '?', "no readable name"),
            (
                "another forest",
                |s| s.writeback_forest.observe(Some("fabrikam.com".into()), Origin::State, None),
                '?',
                "forest fabrikam.com",
            ),
        ];
        for (what, change, want, says) in cases {
            let mut server = server();
            change(&mut server);
            let found = container_scope(&server, ou);
            assert_eq!(short(&found).0, want, "{what}: {found:?}");
            assert!(short(&found).1.contains(says), "{what}: {found:?}");
        }
    }

    #[test]
    fn the_child_domain_has_its_own_partition() {
        let mut server = server();
        let parts = server.connectors.as_mut().unwrap()[0].partitions.as_mut().unwrap();
        let mut child = partition("DC=emea,DC=contoso,DC=com", &["DC=emea,DC=contoso,DC=com"], &[]);
        child.selected = Some(false);
        parts.push(child);
        let found = container_scope(&server, "OU=Corp,DC=emea,DC=contoso,DC=com");
        assert_eq!(short(&found).0, 'x', "{found:?}");
    }
}
