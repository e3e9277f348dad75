//! The stamps, the extension values, and the canaries' freeze: one value of one group at a time, guarded.

use super::write::StampWrite;
use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::cutover::port::{Controller, Directory, Level, Operator, Tenant};
use crate::cutover::record::{Intent, SnapshotKind};
use crate::directory::ObjectGuid;
use crate::error::Result;
use crate::plan::model::{GroupStep, PlannedGroup, Step};
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;

/// How often controllers that lack a stamp are asked again, and how long between: replication takes its time.
const REPLICATION_LOOKS: u32 = 30;
const REPLICATION_PAUSE: Duration = Duration::from_secs(30);

impl<P: Surroundings> Engine<'_, P> {
    /// Writes `Group_<id>` into each planned group that lacks it.
    pub(super) async fn stamp(&self, step: &Step) -> Go<Option<String>> {
        self.require_rest(step).await?;
        let mut writes = Vec::new();
        for (group, due) in self.due(step, "stamp") {
            let Some(guid) = ObjectGuid::parse(&group.object_guid) else { continue };
            let snapshot = self.run.snapshot(SnapshotKind::AdGroup, &guid.to_string())?;
            let Some((record, _)) = snapshot else {
                return Err(crate::error::Error::failed(format!(
                    "{}: no snapshot of it is in the store; nothing was written",
                    group.dn
                ))
                .into());
            };
            writes.push(StampWrite {
                guid,
                name: group.dn.clone(),
                old: due.expects.clone(),
                new: due.writes.clone(),
                snapshot: Some(record.id),
                undoes: None,
            });
        }
        let written = self.write_stamps(&step.id, false, &writes).await?;
        self.say(Level::Info, &format!("{written} stamps written, {} were there", writes.len() as u64 - written))?;
        Ok(Some(format!("{written} written, {} in all", writes.len())))
    }

    /// Planned groups with their step of this kind, in the plan's order.
    pub(super) fn due<'s>(
        &'s self,
        step: &'s Step,
        kind: &'s str,
    ) -> impl Iterator<Item = (&'s PlannedGroup, &'s GroupStep)> {
        self.planned()
            .into_iter()
            .flat_map(move |g| g.steps.iter().filter(move |s| s.kind == kind && s.step == step.id).map(move |s| (g, s)))
    }

    /// Every writable controller and every catalog is asked itself, until each shows every stamp.
    pub(super) async fn verify_stamps(&self, step: &Step, groups: &[&PlannedGroup]) -> Go<Option<String>> {
        let wanted: Vec<(ObjectGuid, String, &str)> = groups
            .iter()
            .filter_map(|g| {
                let id = ObjectGuid::parse(&g.object_id)?;
                Some((ObjectGuid::parse(&g.object_guid)?, crate::directory::Anchor(id).to_string(), g.dn.as_str()))
            })
            .collect();
        let controllers = self.ports.directory().controllers().await?;
        let mut behind: Vec<(Controller, Vec<String>)> = Vec::new();
        for look in 0..REPLICATION_LOOKS {
            self.breathe()?;
            behind = self.behind(&controllers, &wanted).await?;
            if behind.is_empty() {
                let names: Vec<String> = controllers.iter().map(shown).collect();
                self.say(Level::Info, &format!("{} stamps are on {}", wanted.len(), names.join(", ")))?;
                return Ok(Some(format!("{} stamps on {} controllers and catalogs", wanted.len(), controllers.len())));
            }
            if look == 0 {
                self.say(
                    Level::Info,
                    &format!(
                        "{} controllers or catalogs do not show every stamp yet: waiting for replication",
                        behind.len()
                    ),
                )?;
            }
            self.ports.operator().sleep(REPLICATION_PAUSE).await;
        }
        let mut stop =
            Stop { step: step.id.clone(), ..Stop::new("not every controller and catalog shows every stamp") };
        for (controller, lacking) in behind {
            stop = stop.line(format!("{}: {}", shown(&controller), lacking.first().cloned().unwrap_or_default()));
            if lacking.len() > 1 {
                stop = stop.line(format!("  and {} more", lacking.len() - 1));
            }
        }
        Err(Halt::Gate(
            stop.next("A job that asks a controller without the stamp makes a second group. Look at replication (repadmin /showrepl), then: groupshift cutover resume")
                .next("A controller that is gone for good has to be removed from the directory first (metadata cleanup)."),
        ))
    }

    async fn behind(
        &self,
        controllers: &[Controller],
        wanted: &[(ObjectGuid, String, &str)],
    ) -> Result<Vec<(Controller, Vec<String>)>> {
        let guids: Vec<ObjectGuid> = wanted.iter().map(|w| w.0).collect();
        let answers = stream::iter(controllers.iter().map(|c| {
            let guids = &guids;
            async move { (c, self.ports.directory().stamps_on(c, guids).await) }
        }))
        .buffered(4)
        .collect::<Vec<_>>()
        .await;
        let mut out = Vec::new();
        for (controller, answer) in answers {
            let lacking: Vec<String> = match answer {
                Ok(stamps) => wanted
                    .iter()
                    .zip(stamps)
                    .filter(|((_, anchor, _), stamp)| !stamp.as_deref().is_some_and(|s| s.eq_ignore_ascii_case(anchor)))
                    .map(|((_, _, dn), stamp)| format!("{dn} has {}", stamp.as_deref().unwrap_or("no stamp")))
                    .collect(),
                Err(error) if crate::cutover::store::is_crash(&error) => return Err(error),
                Err(error) => vec![format!("cannot be asked: {error}")],
            };
            if !lacking.is_empty() {
                out.push((controller.clone(), lacking));
            }
        }
        Ok(out)
    }

    /// Extension values that keep names and places.
    pub(super) async fn write_extensions(&self, step: &Step) -> Go<Option<String>> {
        for property in self.plan.mappings.extensions.iter().filter(|e| !e.exists) {
            let key = format!("extension:{}", property.name);
            if self.fact(&key)?.is_none() {
                let made = self.make_extension(step, &property.name).await?;
                self.run.put(&key, &json!(made))?;
            }
        }
        self.set_properties(step, "write-extension", |due| {
            let name = due.attribute.as_deref().unwrap_or_default();
            // The plan writes {appId} where the bundle did not tell it; the property that was made tells.
            let made = self.fact(&format!("extension:{name}")).ok().flatten();
            let full = made.as_ref().and_then(Value::as_str).unwrap_or(name).to_owned();
            (full, due.expects.clone().map(Value::from), due.writes.clone().map(Value::from))
        })
        .await
    }

    /// `writebackConfiguration.isEnabled` of the canaries becomes false: V2 leaves their copies as they are.
    pub(super) async fn freeze(&self, step: &Step) -> Go<Option<String>> {
        let flag = |text: &Option<String>| text.as_deref().map(|t| Value::Bool(t == "true"));
        self.set_properties(step, "freeze", |due| {
            ("writebackConfiguration.isEnabled".to_owned(), flag(&due.expects), flag(&due.writes))
        })
        .await
    }

    async fn set_properties(
        &self,
        step: &Step,
        kind: &str,
        what: impl Fn(&GroupStep) -> (String, Option<Value>, Option<Value>),
    ) -> Go<Option<String>> {
        let all: Vec<(&PlannedGroup, &GroupStep)> = self.due(step, kind).collect();
        let mut written = 0;
        for (done, (group, due)) in all.iter().enumerate() {
            self.breathe()?;
            self.ports.operator().progress(kind, done as u64, Some(all.len() as u64));
            let Some(id) = ObjectGuid::parse(&group.object_id) else { continue };
            let (name, expects, writes) = what(due);
            let intent = Intent {
                step: step.id.clone(),
                action: kind.to_owned(),
                object: group.object_id.clone(),
                name: group.display_name.clone().unwrap_or_else(|| group.dn.clone()),
                attribute: Some(name.clone()),
                old: expects.clone(),
                new: writes.clone(),
                ..Intent::default()
            };
            written += u64::from(self.set_property(intent, id, &name, &expects, &writes).await?);
        }
        Ok(Some(format!("{written} written, {} in all", all.len())))
    }

    /// One property of one Entra group: read, compared, written, read back.
    pub(crate) async fn set_property(
        &self,
        intent: Intent,
        id: ObjectGuid,
        name: &str,
        expects: &Option<Value>,
        writes: &Option<Value>,
    ) -> Go<bool> {
        let label = intent.name.clone();
        let now = self.property(id, name).await?;
        if now != *writes && now != *expects {
            let show = |v: &Option<Value>| v.as_ref().map_or_else(|| "empty".to_owned(), Value::to_string);
            return Err(Halt::Drift(
                Stop::new(format!("{label}: {name} is not what the plan saw"))
                    .line(format!("expected {}, found {}", show(expects), show(&now)))
                    .next("Nothing of it was touched. Find out who wrote it.")
                    .plan_again(),
            ));
        }
        let body = nested(name, writes.clone().unwrap_or(Value::Null));
        let send = async { self.ports.tenant().update_group(id, &body).await };
        self.tenant_write(intent, send, || async { Ok(self.property(id, name).await? == *writes) }).await
    }

    pub(super) async fn property(&self, id: ObjectGuid, name: &str) -> Result<Option<Value>> {
        let group = self.ports.tenant().groups(&[id]).await?.pop().flatten();
        let group =
            group.ok_or_else(|| crate::error::Error::failed(format!("the Entra group {id} is not there any more")))?;
        Ok(super::scope::value_of(&group.properties, name))
    }
}

/// `a.b` and a value as `{"a": {"b": value}}`.
pub(crate) fn nested(name: &str, value: Value) -> Value {
    name.rsplit('.').fold(value, |inner, part| json!({ part: inner }))
}

fn shown(controller: &Controller) -> String {
    format!("{}{}", controller.host, if controller.catalog { " (catalog)" } else { "" })
}
