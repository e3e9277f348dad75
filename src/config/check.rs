//! What no key can tell for itself: rules between keys. Above all, credentials never travel unprotected.

use super::keys::{Bind, Key, find};
use super::kind::Url;
use super::{Config, Origin};
use crate::error::Error;

/// Ports on which a domain controller answers as Global Catalog.
const GLOBAL_CATALOG_PORTS: [u16; 2] = [3268, 3269];

/// The errors; oddities go into the configuration's warnings.
pub fn check(config: &mut Config) -> Vec<Error> {
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    connections(config, &mut problems, &mut warnings);
    client_certificate(config, &mut problems);
    secrets(config, &mut problems);
    // A limit is overridden alone: the warning before it keeps its share of it, unless it is set as well.
    if config.origin("policy", "warn_group_members") == Some(&Origin::Default) {
        let policy = &mut config.settings.policy;
        policy.warn_group_members = (policy.max_group_members / 10 * 9 + policy.max_group_members % 10 * 9 / 10).max(1);
    }
    let policy = &config.settings.policy;
    if policy.warn_group_members > policy.max_group_members {
        problems.push(
            at(
                config,
                "policy",
                "warn_group_members",
                format!(
                    "the warning begins at {} members, above the limit of {} (policy.max_group_members)",
                    policy.warn_group_members, policy.max_group_members
                ),
            )
            .hint("Lower warn_group_members, or raise max_group_members."),
        );
    }
    config.warnings.append(&mut warnings);
    problems
}

fn connections(config: &Config, problems: &mut Vec<Error>, warnings: &mut Vec<String>) {
    let ad = &config.settings.ad;
    let mut plain = 0;
    let urls = [("url", &ad.url), ("global_catalog_url", &ad.global_catalog_url)];
    for (name, url) in urls {
        let Some(Ok(parts)) = url.as_deref().map(|url| Url::parse(url, &["ldaps", "ldap"])) else { continue };
        if parts.scheme == "ldap" {
            plain += 1;
            let why = match ad.bind {
                _ if ad.starttls => None,
                Bind::Simple => Some("plain ldap:// with bind = \"simple\" would send the password unprotected"),
                Bind::External => Some("plain ldap:// has no TLS, and bind = \"external\" signs in by it"),
                Bind::Gssapi => None,
            };
            problems.extend(why.map(|why| {
                at(config, "ad", name, why.to_owned())
                    .hint("Use ldaps://, or starttls = true, or bind = \"gssapi\" under [ad].")
            }));
        }
        let catalog = parts.port.is_some_and(|port| GLOBAL_CATALOG_PORTS.contains(&port));
        match name {
            "url" if catalog => warnings.push(
                "ad.url names a port of the Global Catalog, which shows only a part of each object; \
                 use the domain controller's own port (636 for ldaps://)."
                    .to_owned(),
            ),
            "global_catalog_url" if !catalog => warnings.push(
                "ad.global_catalog_url names no port of the Global Catalog (3269 for ldaps://, 3268 for ldap://)."
                    .to_owned(),
            ),
            _ => {}
        }
    }
    if ad.starttls && plain == 0 && urls.iter().any(|(_, url)| url.is_some()) {
        warnings.push("ad.starttls has no effect: the connection is ldaps:// already.".to_owned());
    }
}

fn client_certificate(config: &Config, problems: &mut Vec<Error>) {
    let ad = &config.settings.ad;
    if ad.bind != Bind::External {
        return;
    }
    for (name, file) in
        [("client_certificate_file", &ad.client_certificate_file), ("client_key_file", &ad.client_key_file)]
    {
        if file.is_none() {
            problems.push(
                at(config, "ad", "bind", format!("bind = \"external\" needs ad.{name}"))
                    .hint(format!("Set {name} under [ad].")),
            );
        }
    }
}

/// A variable and a file for one secret, said in the same place: nobody could tell which one counts.
fn secrets(config: &Config, problems: &mut Vec<Error>) {
    for (section, name) in [("ad", "password"), ("entra", "client_secret"), ("entra", "token")] {
        let (variable, file) = (format!("{name}_env"), format!("{name}_file"));
        let (Some(first), Some(second)) = (config.origin(section, &variable), config.origin(section, &file)) else {
            continue;
        };
        if *first != Origin::Default && first.layer() == second.layer() {
            problems.push(
                at(config, section, &file, format!("{variable} and {file} both say where the secret is"))
                    .hint("Keep one of the two."),
            );
        }
    }
}

/// An error about a key, at the place that its value came from.
fn at(config: &Config, section: &str, name: &str, message: String) -> Error {
    let error = Error::usage(message);
    let place = |key: &Key| config.origin(section, name).map(|origin| origin.place(key));
    match find(section, name).and_then(place) {
        Some(place) => error.at(place),
        None => error,
    }
}
