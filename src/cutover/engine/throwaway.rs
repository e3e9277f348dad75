//! The throwaway group: made for the purpose, it shows what the service does to a matched group before any real one is
//! touched, and what leaving the scope does. Where the account may not make groups, somebody else makes it.

use super::compare::{Expected, Kind, compare};
use super::learn::{MEMBERSHIP_OPTION, OUT_OF_SCOPE};
use super::look::FIRST;
use super::settings::{group_mappings, target_of};
use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::cutover::port::{Directory, Level, Refusal, STAMP, Tenant};
use crate::cutover::record::{Intent, Settled, WriteState};
use crate::directory::inventory::{AdClass, Inventory, NONE};
use crate::directory::{Anchor, ObjectGuid, escape_value};
use crate::error::{Error, Result};
use crate::plan::model::Step;
use crate::predict::JobPrediction;
use crate::predict::expression::Value as Text;
use crate::predict::schema::SynchronizationSchema;
use hashbrown::HashSet;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Cycles that each of its trials may take.
const CYCLES: u64 = 3;
/// Who taught it.
const BY: &str = "the throwaway group";
const UNIVERSAL_SECURITY: &str = "-2147483640";

/// What is known of it, kept with the run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Throwaway {
    name: String,
    entra: ObjectGuid,
    ad: ObjectGuid,
    dn: String,
    /// Members of the Entra group: the first is a member in AD from the beginning, the second is not.
    members: Vec<ObjectGuid>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Phase {
    Made,
    Provisioned,
    Left,
}

impl<P: Surroundings> Engine<'_, P> {
    pub(super) async fn throwaway(&self, step: &Step) -> Go<Option<String>> {
        if self.accepted("gate", "throwaway")? {
            self.say(Level::Warning, "no throwaway group: what the service does is first seen on the canaries")?;
            return Ok(Some("left out, accepted".to_owned()));
        }
        // A cycle of its own may be under way, where a former process ended in it.
        let running = |key: &str| -> Result<bool> {
            Ok(self.fact(key)?.is_some() && self.fact(&format!("{key}-done"))?.is_none())
        };
        if !running("throwaway-in")? && !running("throwaway-out")? {
            self.require_rest(step).await?;
        }
        let mut it = match self.kept()? {
            Some(it) => it,
            None => self.make(step).await?,
        };
        if it.phase == Phase::Made {
            self.name_throwaway(step, &it).await?;
            self.scope_throwaway(step, &it).await?;
            if !self.has_look("throwaway") {
                let look = self.look("looking at the throwaway group").await?;
                self.keep_look("throwaway", &look)?;
            }
            self.one_cycle(step, "throwaway-in").await?;
            self.judge_provisioned(step, &it).await?;
            it.phase = Phase::Provisioned;
            self.put(&it)?;
        }
        if it.phase == Phase::Provisioned {
            self.scope_groups_out(&step.id, false, &[it.entra].into()).await?;
            self.one_cycle(step, "throwaway-out").await?;
            let there = self.ports.directory().read(&[it.ad]).await?.pop().flatten();
            match there {
                Some(_) => {
                    self.settle_point(OUT_OF_SCOPE, "kept", "a group that leaves the scope stays in AD as it is", BY)?
                }
                None => {
                    self.settle_point(OUT_OF_SCOPE, "deleted", "a group that leaves the scope is DELETED from AD", BY)?;
                    if !self.accepted("gate", "out-of-scope-deletes")? {
                        return Err(Halt::Gate(
                            Stop::new("the service deleted the throwaway group when it left the scope")
                                .line("SkipOutOfScopeDeletions was saved as the plan says, and is not obeyed.")
                                .next("A rollback that scopes groups out would lose them: it pauses the job first and leaves it paused. Decide whether to go on.")
                                .next("To go on: groupshift cutover resume --accept \"out-of-scope-deletes=why\""),
                        ));
                    }
                }
            }
            it.phase = Phase::Left;
            self.put(&it)?;
        }
        self.say(
            Level::Info,
            &format!("the throwaway group {} ({}) can be deleted in Entra and AD by hand", it.name, it.dn),
        )?;
        Ok(Some(format!("{}: SID, name and member kept; deleting it is left to a person", it.name)))
    }

    fn kept(&self) -> Result<Option<Throwaway>> {
        Ok(self.fact("throwaway")?.and_then(|v| serde_json::from_value(v).ok()))
    }

    /// The Entra id of the throwaway group, once there is one.
    pub(crate) fn throwaway_group(&self) -> Result<Option<ObjectGuid>> {
        if let Some(it) = self.kept()? {
            return Ok(Some(it.entra));
        }
        Ok(self.fact("throwaway-entra")?.and_then(|v| serde_json::from_value(v).ok()))
    }

    fn put(&self, it: &Throwaway) -> Result<()> {
        self.run.put("throwaway", &serde_json::to_value(it).unwrap_or_default())
    }

    async fn make(&self, step: &Step) -> Go<Throwaway> {
        let first = self.open_look(FIRST)?;
        let people = self.two_people(&first);
        let record = self.run.record()?;
        let name = format!("groupshift throwaway {}", record.id);
        let ids: Vec<ObjectGuid> = people.iter().map(|p| p.0).collect();
        let entra = match (self.options.throwaway, self.fact("throwaway-entra")?) {
            (Some(id), _) => id,
            (None, Some(id)) => serde_json::from_value(id)
                .map_err(|e| Error::failed(format!("the store's throwaway is unreadable: {e}")))?,
            (None, None) => {
                let intent = self.creation(step, &name, "Entra");
                let write = self.run.intend(&[intent], self.now())?;
                let made = self.ports.tenant().create_group(&name, &ids).await;
                self.settle_creation(&write, made.as_ref().map(ToString::to_string).map_err(|f| f.error.to_string()))?;
                let id = made.map_err(|fault| self.by_hand(fault.refusal, &fault.error, &name))?;
                self.run.put("throwaway-entra", &json!(id))?;
                id
            }
        };
        let container = self.container(&first)?;
        // As the job would name it, so that the first cycle has nothing to rename whatever the mappings are.
        let group = self.ports.tenant().groups(&[entra]).await?.pop().flatten();
        let shown = group.as_ref().and_then(|g| g.properties.get("displayName")?.as_str()).unwrap_or(&name).to_owned();
        let name = shown;
        let job = self.the_job().await?;
        let cn = mapped_cn(self.ports.tenant().schema(&job).await?, entra, &name).unwrap_or_else(|| name.clone());
        let dn = format!("CN={},{container}", escape_value(&cn));
        let text = |t: &str| vec![t.as_bytes().to_vec()];
        let anchor = Anchor(entra).to_string();
        let mut attributes = vec![
            ("objectClass".to_owned(), text("group")),
            ("groupType".to_owned(), text(UNIVERSAL_SECURITY)),
            (
                "sAMAccountName".to_owned(),
                text(&format!("gs-throwaway-{}", &record.id[record.id.len().saturating_sub(4)..])),
            ),
            ("displayName".to_owned(), text(&name)),
            ("adminDescription".to_owned(), text(&anchor)),
            (STAMP.to_owned(), text(&anchor)),
        ];
        if let Some((_, member)) = people.first() {
            attributes.push(("member".to_owned(), text(member)));
        }
        let ad = match self.ports.directory().find(&dn).await? {
            Some(there) => there.guid,
            None => {
                let write = self.run.intend(&[self.creation(step, &dn, "AD")], self.now())?;
                let made = self.ports.directory().create(&dn, &attributes).await;
                self.settle_creation(&write, made.as_ref().map(ToString::to_string).map_err(|f| f.error.to_string()))?;
                made.map_err(|fault| self.by_hand(fault.refusal, &fault.error, &name))?
            }
        };
        let it = Throwaway { name, entra, ad, dn, members: ids, phase: Phase::Made };
        self.put(&it)?;
        Ok(it)
    }

    fn creation(&self, step: &Step, name: &str, side: &str) -> Intent {
        Intent {
            step: step.id.clone(),
            action: "create".to_owned(),
            name: name.to_owned(),
            attribute: Some(side.to_owned()),
            ..Intent::default()
        }
    }

    fn settle_creation(&self, write: &[i64], made: std::result::Result<String, String>) -> Result<()> {
        let (state, detail) = match made {
            Ok(id) => (WriteState::Done, id),
            Err(text) => (WriteState::Failed, text),
        };
        let write = write.first().copied().unwrap_or_default();
        self.run.settle(&[Settled { write, state, server: None, detail: Some(detail) }], self.now())
    }

    fn by_hand(&self, refusal: Refusal, error: &Error, name: &str) -> Halt {
        if crate::cutover::store::is_crash(error) {
            return Halt::Error(crate::cutover::store::crash("the making of the throwaway group"));
        }
        if matches!(refusal, Refusal::Doubt | Refusal::Busy) {
            let again = Error::failed(error.to_string());
            return again.hint("Nothing real was touched. Go on with: groupshift cutover resume").into();
        }
        let why = if refusal == Refusal::Right {
            "the account may not make groups"
        } else {
            "the throwaway group could not be made"
        };
        Halt::Gate(
            Stop::new(why)
                .line(error.to_string())
                .next(format!("Let somebody make the Entra security group {name:?} with two synchronised users, and name it: groupshift cutover resume --throwaway OBJECTID"))
                .next("Or go on without, on your word: groupshift cutover resume --accept \"throwaway=why\""),
        )
    }

    /// Two users that stand in both sides and are matched: object id, and DN.
    fn two_people(&self, look: &Inventory) -> Vec<(ObjectGuid, String)> {
        let forecast =
            self.forecast(look, &self.planned().iter().filter_map(|g| ObjectGuid::parse(&g.object_id)).collect());
        let mut out: Vec<(ObjectGuid, String)> = Vec::new();
        for position in 0..forecast.len() {
            forecast.visit_members(position, &mut |line| {
                if line.ad == NONE || line.entra == NONE || out.len() >= 2 {
                    return;
                }
                let is_user = look.ad.objects[line.ad as usize].class == AdClass::User;
                let id = look.entra.objects[line.entra as usize].id;
                if is_user && !out.iter().any(|(known, _)| *known == id) {
                    out.push((id, look.dn(line.ad).to_owned()));
                }
            });
            if out.len() >= 2 {
                break;
            }
        }
        out
    }

    fn container(&self, look: &Inventory) -> Result<String> {
        let named = self.plan.bundle.writeback_container.clone();
        let found = named.or_else(|| {
            let first = self.planned().first().map(|g| g.dn.clone())?;
            crate::directory::split(&first).map(|(_, parent)| parent.into_owned())
        });
        found.or_else(|| look.entra.tenant.writeback_container.clone()).ok_or_else(|| {
            Error::failed("where groups are written back to is not known")
                .hint("Set writeback_ou under [ad], and plan again.")
        })
    }

    /// Where the job reads name and place from extension values, the throwaway has its own, as every planned group does.
    async fn name_throwaway(&self, step: &Step, it: &Throwaway) -> Go {
        let job = self.the_job().await?;
        let mut schema = self.ports.tenant().schema(&job).await?;
        let Some((cn, parent)) = crate::directory::split(&it.dn).map(|(a, b)| (a.into_owned(), b.into_owned())) else {
            return Ok(());
        };
        let mut values = Vec::new();
        for mapping in group_mappings(&mut schema) {
            let list = mapping.get("attributeMappings").and_then(Value::as_array).into_iter().flatten();
            for one in list {
                let text = one.pointer("/source/expression").and_then(Value::as_str).unwrap_or_default().trim();
                let name = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or_default();
                let value = match target_of(one).as_deref() {
                    Some("cn") => &cn,
                    Some("parentdistinguishedname") => &parent,
                    _ => continue,
                };
                if name.to_lowercase().starts_with("extension_") {
                    values.push((name.to_owned(), value.clone()));
                }
            }
        }
        for (name, value) in values {
            let intent = Intent {
                step: step.id.clone(),
                action: "write-extension".to_owned(),
                object: it.entra.to_string(),
                name: it.name.clone(),
                attribute: Some(name.clone()),
                new: Some(json!(value)),
                ..Intent::default()
            };
            self.set_property(intent, it.entra, &name, &None, &Some(json!(value))).await?;
        }
        Ok(())
    }

    async fn scope_throwaway(&self, step: &Step, it: &Throwaway) -> Go {
        let job = self.the_job().await?;
        let now = self.in_scope_now(&job).await?;
        if let Some(stranger) = now.iter().filter(|id| **id != it.entra).min() {
            return Err(Halt::Drift(
                Stop::new("the job's scope is not empty")
                    .line(format!("{stranger} is in it"))
                    .next("Take it out in the portal and find out who put it there. Then: groupshift cutover resume"),
            ));
        }
        self.scope_one_in(&step.id, false, it.entra, &it.name, None).await
    }

    /// The job started for one cycle, and paused again.
    async fn one_cycle(&self, step: &Step, key: &str) -> Go {
        if self.fact(&format!("{key}-done"))?.is_some() {
            return Ok(());
        }
        let job = self.the_job().await?;
        if self.fact(key)?.is_none() {
            self.run.put(key, &json!({ "last": job.raw.pointer("/status/lastExecution") }))?;
        }
        let before = self.fact(key)?.and_then(|v| v.get("last").cloned()).filter(|v| !v.is_null());
        if job.is_at_rest() {
            self.ready_to_start(step, &job).await?;
            self.start(&step.id, &job).await?;
        }
        self.wait_for_cycle(&before, CYCLES).await?;
        self.pause(&step.id, false).await?;
        self.run.put(&format!("{key}-done"), &json!(true)).map_err(Halt::from)
    }

    /// The throwaway as it is now, against what was predicted; and nothing else changed.
    async fn judge_provisioned(&self, step: &Step, it: &Throwaway) -> Go {
        let earlier = self.open_look("throwaway")?;
        let look = self.look("comparing the throwaway group").await?;
        let scope: HashSet<ObjectGuid> = [it.entra].into();
        let written: HashSet<ObjectGuid> = [it.ad].into();
        let none = HashSet::new();
        let differences = {
            let (then, now) = (self.forecast(&earlier, &scope), self.forecast(&look, &scope));
            let maintained = self.maintained(&look, step)?;
            let (strips, moves) = (false, false);
            compare(
                &then,
                &now,
                &Expected { written: &written, created: &none, stamped: &none, maintained: &maintained, strips, moves },
            )
        };
        let missing = differences.iter().filter(|d| d.kind == Kind::MemberMissing).count();
        if missing > 0 && it.members.len() > 1 {
            self.settle_point(MEMBERSHIP_OPTION, "off", "on-premises users are NOT written as members", BY)?;
            if !self.accepted("gate", "membership-off")? {
                // Once it is turned on, a cycle of its own has to show it.
                self.run.put("throwaway-in", &json!(null))?;
                self.run.put("throwaway-in-done", &json!(null))?;
                return Err(Halt::Gate(
                    Stop::new("the job did not write the throwaway's second member: membership of on-premises users is not provisioned")
                        .lines(differences.iter().map(super::compare::Difference::line))
                        .next("Turn \"Provision membership to on-premises users\" on in the configuration's scoping page, then: groupshift cutover resume")
                        .next("A group whose members are all synchronised users would be emptied, or frozen, without it."),
                ));
            }
        } else if it.members.len() > 1 {
            let text = "on-premises users are written as members: the throwaway got its second one";
            self.settle_point(MEMBERSHIP_OPTION, "on", text, BY)?;
        }
        let rest: Vec<_> = differences.into_iter().filter(|d| d.kind != Kind::MemberMissing).collect();
        self.judge(step, "all", rest).await
    }
}

/// What the saved mapping of `cn` makes of a new group, where that is certain.
fn mapped_cn(schema: Value, entra: ObjectGuid, name: &str) -> Option<String> {
    let schema: SynchronizationSchema = serde_json::from_value(schema).ok()?;
    let job = JobPrediction::new(&schema, None);
    let facts: std::collections::HashMap<String, Text> =
        [("objectId", entra.to_string()), ("displayName", name.to_owned())]
            .map(|(key, value)| (key.to_owned(), Text::str(value)))
            .into();
    let made = job.cn_mapping()?.value(&facts);
    made.text().map(|text| text.into_owned()).filter(|text| !text.trim().is_empty())
}
