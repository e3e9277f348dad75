//! The person at the twin's terminal, and its clock: lines are kept, questions answered as a careful operator would,
//! time passes only in `sleep`.

use super::Shared;
use crate::cutover::port::{Answer, Level, Operator};
use crate::cutover::record::LogLine;
use crate::error::Result;
use crate::report::plain;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// An operator who follows a script.
pub struct TwinOperator(pub(super) Shared);

#[derive(Default)]
pub(crate) struct Person {
    pub lines: Vec<LogLine>,
    /// Part of a question or of its flag, and what is answered; nothing where nobody is there.
    pub script: Vec<(String, Option<String>)>,
    pub stop: Option<String>,
}

impl Person {
    /// What is answered. Without a script: the domain's name where it is to be typed, no to a difference, yes to the rest.
    fn answer(&self, question: &str, flag: &str, domain: &str) -> Answer {
        let holds = |part: &str| {
            let part = part.to_lowercase();
            question.to_lowercase().contains(&part) || flag.to_lowercase().contains(&part)
        };
        if let Some((_, text)) = self.script.iter().rev().find(|(part, _)| holds(part)) {
            return text.clone().map_or(Answer::Nobody, Answer::Text);
        }
        let text = match () {
            () if holds("--confirm-irreversible") => domain,
            () if holds("difference") || holds("not as predicted") => "no",
            () => "yes",
        };
        Answer::Text(text.to_owned())
    }
}

impl Operator for TwinOperator {
    fn say(&self, level: Level, text: &str) {
        let world = &mut *self.0.borrow_mut();
        if !world.faults.is_dead() {
            world.operator.lines.push(LogLine { at: world.now, level, text: plain(text) });
        }
    }
    fn progress(&self, _: &str, _: u64, _: Option<u64>) {}
    async fn ask(&self, question: &str, flag: &str) -> Result<Answer> {
        let world = &mut *self.0.borrow_mut();
        if world.faults.is_dead() {
            return Err(super::faults::crash());
        }
        let answer = world.operator.answer(question, flag, &world.domain);
        let said = match &answer {
            Answer::Text(text) => format!("{} — {}", plain(question), plain(text)),
            Answer::Nobody => format!("{} — (nobody answers)", plain(question)),
        };
        world.operator.lines.push(LogLine { at: world.now, level: Level::Info, text: said });
        Ok(answer)
    }
    fn now(&self) -> DateTime<Utc> {
        self.0.borrow().now
    }
    async fn sleep(&self, time: Duration) {
        let world = &mut *self.0.borrow_mut();
        if !world.faults.is_dead() {
            world.pass(time);
        }
    }
    fn wants_to_stop(&self) -> Option<String> {
        self.0.borrow().operator.stop.clone()
    }
}
