//! Waiting for the job: its cycles, its quarantine, and what its log says went wrong, in words.

use super::{Engine, Go, Halt, Stop, Surroundings};
use crate::cutover::port::{JobState, Level, Operator, Tenant};
use crate::cutover::store::is_crash;
use crate::directory::ObjectGuid;
use chrono::{DateTime, Utc};
use hashbrown::{HashMap, HashSet};
use serde_json::Value;
use std::time::Duration;

/// The cycle where nothing tells its length.
const CYCLE: Duration = Duration::from_secs(40 * 60);
/// A waiting run looks some eighty times a cycle, within these.
const LOOKS: u32 = 80;
const OFTEN: Duration = Duration::from_millis(250);
const SELDOM: Duration = Duration::from_secs(30);

impl<P: Surroundings> Engine<'_, P> {
    /// Waits until the job has ended an execution that is not this one, successfully.
    pub(crate) async fn wait_for_cycle(&self, before: &Option<Value>, cycles: u64) -> Go<JobState> {
        let cycle = cycle_length(&self.the_job().await?);
        let limit = cycle * u32::try_from(cycles.max(1)).unwrap_or(3) + Duration::from_secs(600);
        let look = (cycle / LOOKS).clamp(OFTEN, SELDOM);
        let mut waited = Duration::ZERO;
        loop {
            self.breathe()?;
            let job = self.the_job().await?;
            if job.in_quarantine() {
                self.pause("quarantine", false).await?;
                return Err(Halt::Drift(self.explain_quarantine(&job)));
            }
            let last = job.raw.pointer("/status/lastExecution").cloned();
            let state = last.as_ref().and_then(|l| l.get("state")).and_then(Value::as_str).unwrap_or_default();
            if last != *before && state.eq_ignore_ascii_case("Succeeded") {
                return Ok(job);
            }
            if job.is_at_rest() {
                return Err(Halt::Drift(
                    Stop::new(format!("the job is {} while the run waits for its cycle", job.code)).next(
                        "Somebody paused it. Find out why, then: groupshift cutover resume (it is started again)",
                    ),
                ));
            }
            if waited >= limit {
                return Err(Halt::Gate(
                    Stop::new(format!("the job ended no successful cycle within {} minutes", limit.as_secs() / 60))
                        .line(format!("its status is {}, its last execution {}", job.code, if state.is_empty() { "unknown" } else { state }))
                        .next("Look at the configuration's provisioning logs and at the agents. Then: groupshift cutover resume (the wait begins anew), or: groupshift cutover rollback --wave NAME"),
                ));
            }
            self.ports.operator().progress(
                "waiting for the job's cycle, minutes",
                waited.as_secs() / 60,
                Some(limit.as_secs() / 60),
            );
            self.ports.operator().sleep(look).await;
            waited += look;
        }
    }

    fn explain_quarantine(&self, job: &JobState) -> Stop {
        let quarantine = job.raw.pointer("/status/quarantine").cloned().unwrap_or(Value::Null);
        let reason = quarantine.get("reason").and_then(Value::as_str).unwrap_or("Unknown");
        let words = match reason {
            "TooManyDeletes" => {
                "it was about to delete more groups than the threshold allows: nothing was deleted, the deletes are staged"
            }
            "EncounteredEscrowProportionThreshold"
            | "EncounteredBaseEscrowThreshold"
            | "EncounteredTotalEscrowThreshold" => "too many objects failed and are held in escrow",
            "QuarantinedOnDemand" => "the service was told to",
            _ => "the service names no reason that is documented",
        };
        let error = quarantine.pointer("/error/message").and_then(Value::as_str).unwrap_or("none given");
        Stop::new(format!("the job is in quarantine ({reason}) and was paused"))
            .line(words)
            .line(format!("the service's own error: {error}"))
            .next("Look at the provisioning logs of the configuration; mend the cause, then: groupshift cutover resume")
            .next("Or take the wave back: groupshift cutover rollback --wave NAME. Do not allow staged deletes.")
    }

    /// The provisioning log since then; none where it cannot be read, which is told.
    pub(super) async fn log_since(&self, job: &JobState, since: DateTime<Utc>) -> Go<Option<Vec<Value>>> {
        match self.ports.tenant().logs(job, since).await {
            Ok(logs) => Ok(Some(logs)),
            Err(error) if is_crash(&error) => Err(error.into()),
            Err(error) => {
                let text = format!("the provisioning log could not be read, so it says nothing here: {error}");
                self.say(Level::Warning, &text)?;
                Ok(None)
            }
        }
    }

    /// What counters and log say went wrong: of the wave's groups it stops the run, unless accepted group by group; a
    /// group that the log does not know stays an open point, which is told.
    pub(super) fn judge_log(
        &self,
        job: &JobState,
        logs: Option<&[Value]>,
        wave: &HashMap<ObjectGuid, String>,
    ) -> Go<usize> {
        let failures = job.raw.pointer("/status/countSuccessiveCompleteFailures").and_then(Value::as_u64);
        if let Some(n) = failures.filter(|n| *n > 0) {
            self.say(Level::Warning, &format!("{n} executions failed one after another"))?;
        }
        let Some(logs) = logs else {
            self.run.remark(
                "unknown",
                "provisioning-log",
                "it could not be read after this wave",
                "the run",
                self.now(),
            )?;
            return Ok(0);
        };
        let mut last: HashMap<ObjectGuid, (DateTime<Utc>, Option<String>)> = HashMap::new();
        let mut elsewhere = Vec::new();
        for log in logs {
            let at = log.get("activityDateTime").and_then(Value::as_str);
            let at = at.and_then(|t| DateTime::parse_from_rfc3339(t).ok()).map(|t| t.to_utc()).unwrap_or_default();
            let trouble = trouble(log);
            let id = log.pointer("/sourceIdentity/id").and_then(Value::as_str).and_then(ObjectGuid::parse);
            match id.filter(|id| wave.contains_key(id)) {
                // The newest entry of a group counts.
                Some(id) if last.get(&id).is_none_or(|(known, _)| *known <= at) => drop(last.insert(id, (at, trouble))),
                Some(_) => {}
                None => elsewhere.extend(trouble),
            }
        }
        for line in &elsewhere {
            self.say(Level::Warning, line)?;
        }
        let mut open = Vec::new();
        for (id, text) in last.iter().filter_map(|(id, (_, t))| Some((id, t.as_ref()?))) {
            if !self.accepted("log", &format!("log:{id}"))? {
                open.push((*id, format!("{} ({id}): {text}", wave[id])));
            }
        }
        open.sort();
        let count = open.len() + elsewhere.len();
        let known: HashSet<ObjectGuid> = last.keys().copied().collect();
        let silent = wave.keys().filter(|id| !known.contains(*id)).count();
        if silent > 0 {
            let text = format!(
                "the provisioning log has no entry yet for {silent} of {} groups of the wave: that Cloud Sync maintains them is not shown",
                wave.len()
            );
            self.run.remark("unknown", "provisioning-log", &text, "the run", self.now())?;
            self.say(Level::Warning, &text)?;
        }
        if open.is_empty() {
            return Ok(count);
        }
        let accept: Vec<String> = open.iter().take(5).map(|(id, _)| format!("--accept \"log:{id}=REASON\"")).collect();
        Err(Halt::Drift(
            Stop::new(format!("Cloud Sync could not provision {} groups of the wave", open.len()))
                .lines(open.into_iter().map(|(_, text)| text))
                .next("Mend the cause, then: groupshift cutover resume")
                .next("Or take the wave back: groupshift cutover rollback --wave NAME")
                .next(format!("Or, where it is known and harmless: groupshift cutover resume {}", accept.join(" "))),
        ))
    }
}

/// What an entry of the log says went wrong.
fn trouble(log: &Value) -> Option<String> {
    let action = log.get("provisioningAction").and_then(Value::as_str).unwrap_or_default();
    let status = log.pointer("/provisioningStatusInfo/status").and_then(Value::as_str).unwrap_or_default();
    let name = log.pointer("/sourceIdentity/displayName").and_then(Value::as_str).unwrap_or("(no name)");
    if action.eq_ignore_ascii_case("stageddelete") {
        return Some(format!("{name}: a delete is staged: the threshold held it back"));
    }
    if !status.eq_ignore_ascii_case("failure") {
        return None;
    }
    let error = "/provisioningStatusInfo/errorInformation";
    let text = |part: &str| log.pointer(&format!("{error}/{part}")).and_then(Value::as_str);
    let code = text("errorCode").unwrap_or("no code");
    let words = error_words(code).or(text("reason")).unwrap_or("see the provisioning log of the group");
    Some(format!("{name}: {code}: {words}"))
}

/// Published error codes in words (domain reference 3.6, ERR26).
fn error_words(code: &str) -> Option<&'static str> {
    Some(match code {
        "HybridSynchronizationActiveDirectoryUnexpectedDuplicateEntriesFound" => {
            "several AD objects carry this group's stamp"
        }
        "TimeOut" => "the agent did not answer within ten minutes",
        "HybridIdentityServiceNoAgentsAssigned" => "no agent is assigned to the configuration",
        "HybridIdentityServiceNoActiveAgents" => "no agent is active",
        "HybridSynchronizationActiveDirectoryInternalServerError" => "the agent met an error in Active Directory",
        "HybridIdentityServiceAgentSignalingError" => "the service could not reach the agent",
        "AzureDirectoryServiceServerBusy" => "the directory was busy; the job tries again",
        _ => return None,
    })
}

/// The job's interval, as in `PT40M` or `PT1H30M`, else the usual one.
pub(crate) fn cycle_length(job: &JobState) -> Duration {
    let text = job.raw.pointer("/schedule/interval").and_then(Value::as_str).unwrap_or_default();
    interval(text).filter(|length| !length.is_zero()).unwrap_or(CYCLE)
}

/// A duration in whole days, hours, minutes and seconds as ISO 8601 writes it.
fn interval(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('P')?;
    let (mut seconds, mut in_time) = (0u64, false);
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T').filter(|_| !in_time) {
            (rest, in_time) = (time, true);
            continue;
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = match (rest.as_bytes()[digits], in_time) {
            (b'D', false) => 86_400,
            (b'H', true) => 3_600,
            (b'M', true) => 60,
            (b'S', true) => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        for (text, seconds) in [
            ("PT40M", Some(2400)),
            ("PT20M", Some(1200)),
            ("PT1H30M", Some(5400)),
            ("P1DT2H", Some(93_600)),
            ("PT2S", Some(2)),
            ("PT0S", None),
            ("P40M", None),
            ("PT", None),
            ("40M", None),
            ("PTM", None),
            ("PT1.5S", None),
            ("", None),
        ] {
            assert_eq!(interval(text).map(|d| d.as_secs()), seconds, "{text}");
        }
    }
}
