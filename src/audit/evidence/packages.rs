//! Access packages of entitlement management: which groups they grant, and to whom they are assigned now.

use super::text;
use crate::directory::ObjectGuid;
use hashbrown::HashMap;
use serde_json::Value;

/// A group among the resources of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Position in `packages`.
    pub package: u32,
    /// `Member`, `Owner`, as the package says.
    pub role: String,
}

impl Grant {
    pub fn is_membership(&self) -> bool {
        self.role.eq_ignore_ascii_case("Member")
    }
}

/// One assignment of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// Entra object id of who holds it.
    pub target: Option<ObjectGuid>,
    pub name: Option<String>,
    /// `delivered`, `delivering`, `partiallyDelivered`, `deliveryFailed`, `expired`.
    pub state: String,
}

impl Assigned {
    pub fn is_active(&self) -> bool {
        self.state.eq_ignore_ascii_case("delivered")
    }
    /// On its way: whether the membership is there yet is open.
    pub fn is_moving(&self) -> bool {
        ["delivering", "partiallyDelivered"].iter().any(|s| self.state.eq_ignore_ascii_case(s))
    }
}

#[derive(Debug, Default)]
pub struct Packages {
    /// Id and name.
    pub packages: Vec<(String, String)>,
    /// By Entra object id of the group.
    groups: HashMap<ObjectGuid, Vec<Grant>>,
    by_id: HashMap<String, u32>,
    assignments: HashMap<String, Vec<Assigned>>,
    pub has_assignments: bool,
    pub cut: bool,
    pub assignments_cut: bool,
    /// Packages whose resources the input does not show.
    pub without_resources: u64,
}

impl Packages {
    pub fn grants(&self, group: ObjectGuid) -> &[Grant] {
        self.groups.get(&group).map_or(&[], Vec::as_slice)
    }
    pub fn governed(&self) -> usize {
        self.groups.len()
    }
    pub fn name(&self, package: u32) -> &str {
        self.packages.get(package as usize).map_or("", |(_, name)| name)
    }
    pub fn assigned(&self, package: u32) -> &[Assigned] {
        let id = self.packages.get(package as usize).map(|(id, _)| id.as_str()).unwrap_or_default();
        self.assignments.get(id).map_or(&[], Vec::as_slice)
    }

    /// One accessPackage with its resource role scopes, as v1.0 or beta spells them.
    pub fn take(&mut self, package: &Value) {
        let id = text(package, &["id"]).unwrap_or_default().to_lowercase();
        let at = match self.by_id.get(&id) {
            Some(at) => *at,
            None => {
                let at = self.packages.len() as u32;
                self.packages.push((id.clone(), text(package, &["displayName"]).unwrap_or_default().to_owned()));
                self.by_id.insert(id, at);
                at
            }
        };
        let names = ["resourceRoleScopes", "accessPackageResourceRoleScopes"];
        let Some(scopes) = names.iter().find_map(|name| package.get(name)?.as_array()) else {
            self.without_resources += 1;
            return;
        };
        for entry in scopes {
            let part = |names: [&str; 2]| names.iter().find_map(|name| entry.get(name)).filter(|v| !v.is_null());
            let scope = part(["scope", "accessPackageResourceScope"]);
            let role = part(["role", "accessPackageResourceRole"]);
            let of_groups = |v: &&Value| text(v, &["originSystem"]).is_none_or(|s| s.eq_ignore_ascii_case("AadGroup"));
            let group = scope.filter(of_groups).and_then(|s| ObjectGuid::parse(text(s, &["originId"])?));
            let Some(group) = group else { continue };
            let role = role.map(role_of).unwrap_or_default();
            let grants = self.groups.entry(group).or_default();
            let grant = Grant { package: at, role };
            if !grants.contains(&grant) {
                grants.push(grant);
            }
        }
    }

    /// One accessPackageAssignment with its target and package.
    pub fn take_assignment(&mut self, one: &Value) {
        let package =
            one.get("accessPackage").and_then(|p| text(p, &["id"])).or_else(|| text(one, &["accessPackageId"]));
        let Some(package) = package else { return };
        let target = one.get("target");
        self.assignments.entry(package.to_lowercase()).or_default().push(Assigned {
            target: target.and_then(|t| ObjectGuid::parse(text(t, &["objectId"])?)),
            name: target.and_then(|t| text(t, &["principalName", "displayName", "email"])).map(str::to_owned),
            state: text(one, &["state", "assignmentState"]).unwrap_or_default().to_owned(),
        });
    }
}

/// `Member` from `displayName`, or from an `originId` such as `Member_<group id>`.
fn role_of(role: &Value) -> String {
    let origin = text(role, &["originId"]).and_then(|o| o.split('_').next()).filter(|o| ObjectGuid::parse(o).is_none());
    let name = text(role, &["displayName"]).filter(|n| !n.is_empty());
    origin.or(name).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_spellings() {
        let id = "7b56ede0-9b58-40bd-b11e-b3d18fc32698";
        let group = ObjectGuid::parse(id).unwrap();
        let mut packages = Packages::default();
        packages.take(&json!({ "id": "P1", "displayName": "Sales", "resourceRoleScopes": [
            { "role": { "displayName": "Member", "originId": format!("Member_{id}") }, "scope": { "originId": id, "originSystem": "AadGroup" } }] }));
        packages.take(&json!({ "id": "p2", "displayName": "Owners", "accessPackageResourceRoleScopes": [
            { "accessPackageResourceRole": { "displayName": "Owner" }, "accessPackageResourceScope": { "originId": id.to_uppercase() } },
            { "accessPackageResourceScope": { "originId": id, "originSystem": "SharePointOnline" } }] }));
        packages.take(&json!({ "id": "p3" }));
        packages.take_assignment(
            &json!({ "state": "delivered", "target": { "objectId": id }, "accessPackage": { "id": "p1" } }),
        );
        packages.take_assignment(&json!({ "assignmentState": "Delivered", "accessPackageId": "P2", "target": {} }));
        let grants: Vec<(u32, bool)> = packages.grants(group).iter().map(|g| (g.package, g.is_membership())).collect();
        assert_eq!((grants, packages.without_resources), (vec![(0, true), (1, false)], 1));
        assert_eq!(packages.assigned(0).iter().filter(|a| a.is_active() && a.target == Some(group)).count(), 1);
        assert!(packages.assigned(1)[0].is_active() && packages.assigned(2).is_empty());
    }
}
