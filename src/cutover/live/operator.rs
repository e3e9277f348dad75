//! The person at the terminal, and time. Everything said here goes to standard error; results belong to the command. The
//! first Ctrl-C lets the run end after the current object, the second leaves as soon as no write is on its way.

mod ctrl_c;
mod terminal;

use super::flight::Flight;
use crate::cutover::port::{Answer, Level, Operator};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use ctrl_c::Wish;
use std::sync::Arc;
use std::time::Duration;
use terminal::Questions;
pub use terminal::{Appearance, Terminal};
use tokio::task::JoinHandle;

/// How often a stop file is looked for while nothing else happens.
const LOOK: Duration = Duration::from_millis(500);

/// The real operator. `stop_wish` says whether a stop or pause file lies in the store.
pub struct LiveOperator<'s> {
    terminal: Arc<Terminal>,
    questions: Questions,
    wish: Arc<Wish>,
    flight: Flight,
    stop_wish: Box<dyn Fn() -> Option<String> + 's>,
    listening: Option<JoinHandle<()>>,
}

impl<'s> LiveOperator<'s> {
    /// Over standard input and error.
    pub fn new(
        appearance: Appearance,
        stop_wish: impl Fn() -> Option<String> + 's,
        flight: Flight,
    ) -> LiveOperator<'s> {
        Self::over(Arc::new(Terminal::of(appearance)), Questions::of_standard_input(), stop_wish, flight)
    }

    fn over(
        terminal: Arc<Terminal>,
        questions: Questions,
        stop_wish: impl Fn() -> Option<String> + 's,
        flight: Flight,
    ) -> LiveOperator<'s> {
        LiveOperator {
            terminal,
            questions,
            wish: Arc::default(),
            flight,
            stop_wish: Box::new(stop_wish),
            listening: None,
        }
    }

    /// Where lines go; others may say something too.
    pub fn terminal(&self) -> Arc<Terminal> {
        self.terminal.clone()
    }

    /// Listens for Ctrl-C from now on.
    pub fn listen(&mut self) {
        let (wish, terminal, flight) = (self.wish.clone(), self.terminal.clone(), self.flight.clone());
        self.listening = Some(tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                terminal.clear();
                terminal.line(Level::Warning, wish.pressed(&flight));
            }
        }));
    }

    /// Does something to its end, unless the operator leaves before that; then it is dropped where it waits, and no write
    /// is on its way.
    pub async fn unless_left<T>(&self, doing: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.wish.left(&self.flight) => None,
            done = doing => Some(done),
        }
    }
}

impl Drop for LiveOperator<'_> {
    fn drop(&mut self) {
        if let Some(task) = &self.listening {
            task.abort();
        }
        self.terminal.clear();
    }
}

impl Operator for LiveOperator<'_> {
    fn say(&self, level: Level, text: &str) {
        self.terminal.line(level, text);
    }
    fn progress(&self, what: &str, done: u64, of: Option<u64>) {
        self.terminal.progress(what, done, of);
    }
    async fn ask(&self, question: &str, flag: &str) -> Result<Answer> {
        self.terminal.clear();
        if !self.questions.somebody_is_there() {
            self.terminal.line(Level::Warning, &format!("{question}: nobody is there to answer. Instead: {flag}"));
            return Ok(Answer::Nobody);
        }
        if self.wants_to_stop().is_some() {
            return Ok(Answer::Nobody);
        }
        self.terminal.question(question);
        let _asking = self.wish.asking();
        tokio::select! {
            biased;
            () = self.wish.stopped() => Ok(Answer::Nobody),
            line = self.questions.answer() => match line {
                Ok(Some(line)) => Ok(Answer::Text(line)),
                // The end of the input.
                Ok(None) => Ok(Answer::Nobody),
                Err(e) => Err(Error::failed(format!("the answer cannot be read: {e}")).hint(format!("Answer with {flag} instead."))),
            },
        }
    }
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
    async fn sleep(&self, time: Duration) {
        let until = tokio::time::Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() || self.wants_to_stop().is_some() {
                return;
            }
            tokio::select! {
                () = self.wish.stopped() => return,
                () = tokio::time::sleep(left.min(LOOK)) => {}
            }
        }
    }
    fn wants_to_stop(&self) -> Option<String> {
        if self.wish.is_stop() {
            return Some("Ctrl-C was pressed".to_owned());
        }
        (self.stop_wish)()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::io::Cursor;
    use std::sync::Mutex;
    use std::time::Instant;

    /// What was said, and an operator who types these lines.
    fn operator<'s>(
        typed: &str,
        there: bool,
        stop: impl Fn() -> Option<String> + 's,
    ) -> (LiveOperator<'s>, Arc<Mutex<Vec<u8>>>) {
        let said = Arc::<Mutex<Vec<u8>>>::default();
        let appearance = Appearance { quiet: false, verbose: 0, colour: anstream::ColorChoice::Never, progress: true };
        let terminal = Terminal::over(appearance, Box::new(Kept(said.clone())));
        let questions = Questions::over(Box::new(Cursor::new(typed.to_owned().into_bytes())), there);
        (LiveOperator::over(Arc::new(terminal), questions, stop, Flight::default()), said)
    }

    struct Kept(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn text(said: &Mutex<Vec<u8>>) -> String {
        String::from_utf8(said.lock().unwrap().clone()).unwrap()
    }

    #[tokio::test]
    async fn questions_are_asked_only_where_somebody_is() {
        let (there, said) = operator("yes\r\nno\n", true, || None);
        assert_eq!(there.ask("Go on?", "--yes").await.unwrap(), Answer::Text("yes".to_owned()));
        assert!(text(&said).contains("Go on?"));
        let (nobody, said) = operator("yes\n", false, || None);
        assert_eq!(nobody.ask("Go on?", "--yes").await.unwrap(), Answer::Nobody);
        assert!(text(&said).contains("--yes"), "{}", text(&said));
        let (ended, _) = operator("", true, || None);
        assert_eq!(ended.ask("Go on?", "--yes").await.unwrap(), Answer::Nobody);
    }

    #[tokio::test]
    async fn a_stop_file_ends_a_sleep_and_answers_questions() {
        let calls = Cell::new(0);
        let stop = || {
            calls.set(calls.get() + 1);
            (calls.get() > 1).then(|| "a file named stop lies there".to_owned())
        };
        let (it, _) = operator("yes\n", true, stop);
        let begun = Instant::now();
        it.sleep(Duration::from_secs(60)).await;
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert_eq!(it.wants_to_stop().as_deref(), Some("a file named stop lies there"));
        assert_eq!(it.ask("Go on?", "--yes").await.unwrap(), Answer::Nobody);
    }

    #[tokio::test]
    async fn the_first_press_stops_and_the_second_leaves_when_nothing_is_on_its_way() {
        let (it, _) = operator("", true, || None);
        assert_eq!(it.wants_to_stop(), None);
        assert_eq!(it.unless_left(async { 7 }).await, Some(7));
        assert!(it.wish.pressed(&it.flight).contains("after the current object"));
        assert!(it.wants_to_stop().unwrap().contains("Ctrl-C"));
        // It may come to its end by itself.
        assert_eq!(it.unless_left(async { 7 }).await, Some(7));
        let write = it.flight.begin();
        assert!(it.wish.pressed(&it.flight).contains("on its way"));
        let leaving = it.unless_left(std::future::pending::<()>());
        let waited = tokio::time::timeout(Duration::from_millis(300), leaving).await;
        assert!(waited.is_err(), "left while a write was on its way");
        drop(write);
        let left = tokio::time::timeout(Duration::from_secs(5), it.unless_left(std::future::pending::<()>())).await;
        assert_eq!(left.unwrap(), None);
        assert!(it.wish.pressed(&it.flight).contains("resume"));
    }

    #[tokio::test]
    async fn a_press_at_a_question_leaves() {
        let (it, _) = operator("", true, || None);
        let asking = it.wish.asking();
        assert!(it.wish.pressed(&it.flight).contains("resume"));
        drop(asking);
        assert_eq!(it.unless_left(std::future::pending::<()>()).await, None);
    }

    #[test]
    fn lines_are_plain_and_levels_follow_the_appearance() {
        let (it, said) = operator("", true, || None);
        it.say(Level::Step, "S1 \u{1b}[31mred\nsecond");
        it.say(Level::Write, "written");
        let text = text(&said);
        assert!(text.contains("\\u{1b}") && !text.contains('\u{1b}') && text.lines().count() == 3, "{text:?}");
        let quiet = Appearance { quiet: true, verbose: 0, colour: anstream::ColorChoice::Never, progress: true };
        let kept = Arc::<Mutex<Vec<u8>>>::default();
        let terminal = Terminal::over(quiet, Box::new(Kept(kept.clone())));
        terminal.line(Level::Write, "written");
        terminal.line(Level::Trouble, "trouble");
        assert_eq!(self::text(&kept).lines().count(), 1);
    }
}
