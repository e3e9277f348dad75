//! The whole twin as text: what two runs are compared by. Without times and counters; objects made since are named, since
//! their ids depend on what happened before.

use super::world::World;
use serde_json::json;
use std::fmt::Write as _;

/// Attributes that count or date changes.
const BOOKKEEPING: [&str; 2] = ["whenChanged", "uSNChanged"];

impl World {
    pub(super) fn dump(&self) -> String {
        let mut out = String::new();
        let mut groups: Vec<usize> = (0..self.ad.groups.len()).collect();
        groups.sort_by_key(|i| (self.ad.groups[*i].dn.to_lowercase(), *i));
        for index in groups {
            let group = &self.ad.groups[index];
            let made = index >= self.ad.base_groups();
            let guid = if made { "made".to_owned() } else { group.guid.to_string() };
            let _ = writeln!(out, "group {} {guid}{}", group.dn, if group.deleted { " deleted" } else { "" });
            for (name, values) in group.attributes.iter().filter(|(n, _)| !BOOKKEEPING.contains(&n.as_str())) {
                let texts: Vec<String> = values.iter().map(|v| String::from_utf8_lossy(v).into_owned()).collect();
                let shown = if name == "objectSid" {
                    group.sid().map(|s| s.to_string()).unwrap_or_default()
                } else {
                    texts.join("|")
                };
                let _ = writeln!(out, "  {name}: {shown}");
            }
            let mut names = |what: &str, numbers: &mut dyn Iterator<Item = u32>| {
                let mut list: Vec<&str> = numbers.map(|n| self.ad.dn(&self.base, n)).collect();
                list.sort_unstable();
                let _ = writeln!(out, "  {what}: {}", list.join(" | "));
            };
            names("member", &mut group.members.iter().copied());
            names("memberOf", &mut group.member_of.iter().copied());
        }
        for (number, overlay) in &self.cloud.overlays {
            let members =
                overlay.members.as_ref().map(|l| l.iter().map(|m| self.cloud_id(*m).to_string()).collect::<Vec<_>>());
            // A value that was taken away again is one that never was.
            let extensions: Vec<_> =
                overlay.extensions.iter().filter(|(_, v)| v.as_deref().is_some_and(|v| v != "False")).collect();
            let _ = writeln!(
                out,
                "entra {} {extensions:?} {:?} {members:?} {:?} {:?} {}",
                self.cloud_id(*number),
                overlay.writeback,
                overlay.display_name,
                overlay.description,
                overlay.deleted
            );
        }
        let mut assigned: Vec<String> = self.cloud.assigned.iter().map(|a| a.principal.to_string()).collect();
        assigned.sort();
        let code = self.cloud.job.as_ref().map(|j| j.code.as_str());
        let _ = writeln!(out, "job {code:?} scope {}", assigned.join(" "));
        let mut schema = self.cloud.schema.clone().unwrap_or_default();
        if self.cloud.new_principal.is_some() {
            schema["id"] = json!("made");
            schema["synchronizationRules"][0]["id"] = json!("made");
        }
        let mut secrets = self.cloud.secrets.clone();
        secrets.sort();
        let _ = writeln!(out, "schema {schema}\nsecrets {secrets:?}\nv2 {} {:?}", self.connect.v2, self.cloud.v2);
        for server in &self.connect.servers {
            let rules: Vec<&str> = server.rules.iter().map(|r| r.name.as_str()).collect();
            let _ = writeln!(out, "server {} staging {} rules {rules:?}", server.name, server.staging);
        }
        let _ = writeln!(out, "scheduler {}", self.connect.scheduler);
        for new in &self.cloud.new_groups {
            out = out.replace(&new.id.to_string(), &format!("<{}>", new.name));
        }
        out
    }
}
