//! What Cloud Sync says of itself: the provisioning log, the job's status, quarantine; and the surprises that a seed has
//! it do.

use super::cloud_sync::Deed;
use super::faults::Surprise;
use super::world::{Actor, World, stamp};
use crate::cutover::port::STAMP;
use crate::directory::{Anchor, ObjectGuid, Rdn, split};
use serde_json::{Value, json};

impl World {
    /// One entry of the provisioning log, as Graph returns it.
    pub(super) fn log(&mut self, group: ObjectGuid, deed: &Deed) {
        let entry = self.new_guid().to_string();
        let name = self.cloud_group(group).and_then(|g| Some(g.properties.get("displayName")?.as_str()?.to_owned()));
        let anchor = Anchor(group).to_string();
        let target = self.ad.carriers(STAMP, &anchor).next().map(|i| &self.ad.groups[i]);
        let job = self.cloud.job.as_ref();
        let error = match deed.code {
            "" => Value::Null,
            code => json!({ "errorCode": code, "reason": deed.says, "errorCategory": "NonServiceFailure",
                            "additionalDetails": Value::Null, "recommendedAction": Value::Null }),
        };
        let record = json!({
            "id": entry, "activityDateTime": stamp(self.now), "changeId": entry,
            "jobId": job.map(|j| &j.id), "cycleId": job.map(|j| format!("cycle-{}", j.cycles)),
            "tenantId": self.base.entra.tenant.id, "provisioningAction": deed.action,
            "provisioningStatusInfo": { "status": deed.status, "errorInformation": error },
            "servicePrincipal": { "id": job.map(|j| &j.service_principal), "displayName": self.domain },
            "sourceIdentity": { "id": group.to_string(), "displayName": name, "identityType": "Group", "details": {} },
            "targetIdentity": { "id": target.map(|t| t.guid.to_string()), "displayName": target.map(|t| &t.dn),
                                "identityType": "group", "details": {} },
            "modifiedProperties": [], "provisioningSteps": [],
        });
        self.cloud.logs.push((self.now, record));
    }

    /// The status after a cycle that came to an end.
    pub(super) fn executed(&mut self, state: &str, count: usize) {
        let at = stamp(self.now);
        let activity = self.new_guid().to_string();
        let Some(job) = self.cloud.job.as_mut() else { return };
        let execution = json!({
            "activityIdentifier": activity, "timeBegan": at, "timeEnded": at, "state": state, "error": Value::Null,
            "countEntitled": count, "countExported": count, "countEscrowed": 0, "countEscrowedRaw": 0,
        });
        let Some(status) = job.raw.get_mut("status").and_then(Value::as_object_mut) else { return };
        if state == "Succeeded" {
            status.insert("lastSuccessfulExecution".to_owned(), execution.clone());
            status.insert("steadyStateLastAchievedTime".to_owned(), json!(at));
        }
        status.insert("lastExecution".to_owned(), execution);
    }

    /// Stops the job as the service does when it meets what it cannot work with.
    pub(super) fn quarantine(&mut self, reason: &str, message: &str) {
        self.note(format!("Cloud Sync goes into quarantine ({reason}): {message}"));
        self.executed("Failed", 0);
        self.set_code("Quarantine");
        let at = stamp(self.now);
        let next = self.cloud.job.as_ref().and_then(|j| j.next).map(stamp);
        let Some(job) = self.cloud.job.as_mut() else { return };
        job.next = None;
        if let Some(status) = job.raw.get_mut("status").and_then(Value::as_object_mut) {
            let quarantine = json!({ "reason": reason, "currentBegan": at, "seriesBegan": at, "seriesCount": 1,
                                     "nextAttempt": next, "error": { "code": reason, "message": message } });
            status.insert("quarantine".to_owned(), quarantine);
        }
    }

    /// What nobody foretold, done to one group that the cycle has just provisioned.
    pub(super) fn surprise(&mut self, group: ObjectGuid, what: Surprise) {
        let anchor = Anchor(group).to_string();
        let Some(index) = self.ad.carriers(STAMP, &anchor).next() else { return };
        let dn = self.ad.groups[index].dn.clone();
        let (cn, parent) = split(&dn).map(|(a, b)| (a.into_owned(), b.into_owned())).unwrap_or_default();
        let said = match what {
            Surprise::Strip => {
                let gone: Vec<u32> = self.ad.groups[index].members.iter().copied().take(1).collect();
                self.relate(index, &[], &gone, Actor::CloudSync);
                format!("takes {} member(s) out of {dn}", gone.len())
            }
            Surprise::Rename => {
                let rdn = Rdn::new("CN", &format!("{} renamed", cn.chars().take(40).collect::<String>())).to_string();
                let done = self.rename(index, &rdn, &parent, Actor::CloudSync).is_ok();
                format!("renames {dn}{}", if done { "" } else { " (in vain)" })
            }
            Surprise::Move => {
                let users = format!("CN=Users,{}", self.naming_context);
                let up = split(&parent).map(|(_, p)| p.into_owned()).unwrap_or_default();
                let to = if self.ad.has_container(&users) { users } else { up };
                let rdn = Rdn::new("CN", &cn).to_string();
                let done = self.rename(index, &rdn, &to, Actor::CloudSync).is_ok();
                format!("moves {dn} to {to}{}", if done { "" } else { " (in vain)" })
            }
            Surprise::Duplicate => {
                let second =
                    format!("{},{parent}", Rdn::new("CN", &format!("{} 2", cn.chars().take(60).collect::<String>())));
                let value = vec![anchor.clone().into_bytes()];
                let attributes = [(STAMP.to_owned(), value.clone()), ("adminDescription".to_owned(), value)];
                let done = self.make(&second, &attributes).is_ok();
                format!("makes a second group {second}{}", if done { "" } else { " (in vain)" })
            }
            Surprise::Delete => {
                self.delete(index);
                format!("deletes {dn}")
            }
            Surprise::Quarantine => format!("cannot work with {dn}"),
            Surprise::Skip => format!("passes over {dn}"),
        };
        self.note(format!("Cloud Sync, unforeseen, {said}"));
    }
}
