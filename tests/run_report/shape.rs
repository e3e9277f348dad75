//! What the report says, in each of its forms.

use crate::store::{self, Desk, at, plan};
use crate::support::cli;
use crate::{HOSTILE, rolled, stopped};
use groupshift::cutover::record::{RunState, StepState};
use groupshift::cutover::store::Run;
use groupshift::report::run::model::VerdictState;
use groupshift::report::{is_hazardous, run as report};
use serde_json::{Value, json};

fn written(run: &Run) -> (Value, String, String) {
    let page = report::write(run, &plan().0).unwrap();
    assert_eq!(page, run.folder().join("run.html"));
    let text = |name: &str| std::fs::read_to_string(run.folder().join(name)).unwrap();
    (serde_json::from_str(&text("run.json")).unwrap(), text("run.md"), text("run.html"))
}

#[test]
fn the_published_schema_holds_of_every_state_of_a_run() {
    let schema: Value = serde_json::from_str(&cli::Desk::new().run(&["schema", "run"]).ok().out).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let (desk, mut all) = (Desk::new(), Vec::new());
    let store = desk.store();
    let states: [&dyn Fn(&Run); 4] = [&|_| {}, &stopped, &|run| rolled(run, false), &|run| rolled(run, true)];
    for make in states {
        let run = store::begin(&store);
        make(&run);
        let (value, _, _) = written(&run);
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:?}");
        all.push(value);
    }
    all.push(written(&store::work(&Desk::new().store()).unwrap()).0);
    assert!(all.iter().all(|v| validator.is_valid(v)));
    // It is no schema that anything passes.
    for (path, wrong) in [
        ("/writes/0/state", json!("perhaps")),
        ("/verdict", json!(null)),
        ("/summary/writes/done", json!("six")),
        ("/steps/0/state", json!("finished")),
        ("/writes/0/meant", json!(7)),
        ("/log/0/level", json!("loud")),
    ] {
        let mut changed = all[1].clone();
        *changed.pointer_mut(path).unwrap() = wrong;
        assert!(!validator.is_valid(&changed), "{path}");
    }
}

#[test]
fn the_same_state_gives_the_same_bytes() {
    let desk = Desk::new();
    let run = store::begin(&desk.store());
    rolled(&run, true);
    let bytes = |run: &Run| {
        report::write(run, &plan().0).unwrap();
        report::FILE_NAMES.map(|name| std::fs::read(run.folder().join(name)).unwrap())
    };
    let first = bytes(&run);
    drop(run);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert!(bytes(&desk.store().run_to_look_at(None).unwrap()) == first);
}

#[test]
fn every_write_is_there_with_what_stood_before_and_after_it() {
    let desk = Desk::new();
    let run = store::begin(&desk.store());
    stopped(&run);
    let (value, md, _) = written(&run);
    assert_eq!(value["schema"], "groupshift/run/v1");
    assert_eq!(value["writes"], serde_json::to_value(run.writes().unwrap()).unwrap());
    assert_eq!(value["writes"][1]["old"].as_array().unwrap().len(), 300);
    assert_eq!(value["log"].as_array().unwrap().len(), run.log_lines().unwrap().len());
    let counts = json!({ "done": 1, "already": 1, "inDoubt": 1, "foreign": 1, "failed": 1, "undone": 1 });
    assert_eq!(value["summary"]["writes"], counts);
    assert_eq!(value["run"]["controller"], "dc1.contoso.com");
    assert_eq!(value["run"]["planSha256"], plan().0.sha256);
    assert_eq!(value["steps"].as_array().unwrap().len(), plan().0.steps.len());
    assert_eq!(value["steps"][4]["writes"], counts);
    assert_eq!(value["stop"]["differences"][0]["key"], "D-1a2b3c4d");
    assert_eq!(value["remarks"][1]["kind"], "learnt");
    assert!(
        value["verdict"]["notes"].to_string().contains("membership-option is on: 12 groups rest on it still to come")
    );
    // The verdict comes first, and what to do next before everything else.
    assert!(md.starts_with("# groupshift run "));
    let (verdict, next) = (md.find("Stopped: S27").unwrap(), md.find("## What to do next").unwrap());
    assert!(verdict < next && next < md.find("## Steps").unwrap());
    for part in [
        "rollback --wave Canary",
        "E14",
        "checked in the portal",
        "D-1a2b3c4d",
        "insufficient rights",
        "dc1.contoso.com",
    ] {
        assert!(md.contains(part), "{part:?} is not in the Markdown");
    }
    // The stop's command is joined by the one that goes on.
    let next: Vec<&str> = value["verdict"]["next"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    let resume = format!("groupshift cutover resume --run {}", run.id());
    assert_eq!(next, ["groupshift cutover rollback --wave Canary", resume.as_str()]);
}

#[test]
fn a_table_keeps_its_columns_whatever_a_name_holds() {
    let desk = Desk::new();
    let run = store::begin(&desk.store());
    rolled(&run, true);
    let (_, md, html) = written(&run);
    let escaped = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut columns = 0;
    for line in md.lines() {
        match (line.starts_with('|'), columns) {
            (false, _) => columns = 0,
            (true, 0) => columns = escaped(line),
            (true, n) => assert_eq!(escaped(line), n, "{line}"),
        }
    }
    // The rows are data, which the page's script makes visible when it shows them.
    let mut markup = String::new();
    for part in html.split("<script type=\"application/json\"") {
        markup.push_str(if markup.is_empty() { part } else { part.split_once("</script>").unwrap().1 });
    }
    for text in [&md, &markup] {
        assert!(!text.contains("<img src=x"));
        let bad: Vec<char> = text.chars().filter(|c| is_hazardous(*c) && !matches!(c, '\n' | '\t')).collect();
        assert!(bad.is_empty(), "{bad:?}");
    }
    assert!(!html.contains("</script><img"));
}

#[test]
fn verdicts() {
    let desk = Desk::new();
    let store = desk.store();
    let of = |run: &Run| report::standing(run, &plan().0).unwrap();
    let run = store::begin(&store);
    let resume = format!("groupshift cutover resume --run {}", run.id());
    let standing = of(&run);
    assert_eq!(standing.verdict.state, VerdictState::Open);
    assert!(standing.verdict.next[1].ends_with(&resume), "{:?}", standing.verdict);
    // Between two waves, the next one's name is part of the command, quoted where it has to be.
    let steps: Vec<&str> =
        plan().0.steps.iter().filter(|s| s.wave.as_deref() == Some("Canary")).map(|s| s.id.as_str()).collect();
    for (n, step) in (0..).zip(&steps) {
        run.set_step(step, StepState::Begun, None, at(n * 10)).unwrap();
        run.set_step(step, StepState::Done, None, at(n * 10 + 5)).unwrap();
    }
    run.set_state(RunState::Stopped, Some("wave Canary is verified")).unwrap();
    let standing = of(&run);
    assert_eq!((standing.summary.waves_done, standing.summary.groups_done), (1, 5));
    assert_eq!(standing.verdict.next, [format!("{resume} --wave Sites")]);
    let sites: Vec<&str> =
        plan().0.steps.iter().filter(|s| s.wave.as_deref() == Some("Sites")).map(|s| s.id.as_str()).collect();
    for step in sites {
        run.set_step(step, StepState::Done, None, at(100)).unwrap();
    }
    assert_eq!(of(&run).verdict.next, [format!("{resume} --wave \"Wave 1\"")]);
    // The point of no return counts from its confirmation on, not from its end.
    let no_return = plan().0.steps.iter().find(|s| s.point_of_no_return).unwrap();
    assert!(of(&run).verdict.notes[0].contains("not reached"));
    run.set_step(&no_return.id, StepState::Begun, None, at(110)).unwrap();
    assert!(of(&run).verdict.notes[0].contains("not reached"));
    run.remark("confirmation", &no_return.id, "the domain's name was given", "admin", at(111)).unwrap();
    assert!(
        of(&run).summary.past_point_of_no_return && of(&run).verdict.notes[0].contains("past the point of no return")
    );
    run.set_state(RunState::Done, None).unwrap();
    let standing = of(&run);
    assert_eq!(standing.verdict.state, VerdictState::Done);
    assert!(standing.verdict.next[0].starts_with("groupshift audit"));

    let back = store::begin(&store);
    rolled(&back, false);
    let standing = of(&back);
    assert_eq!(standing.verdict.state, VerdictState::RolledBack);
    assert!(standing.verdict.headline.contains("1 conflict left"), "{}", standing.verdict.headline);
    // A stop of before does not hang on.
    assert_eq!(standing.stop, None);
    let stuck = store::begin(&store);
    rolled(&stuck, true);
    let standing = of(&stuck);
    assert_eq!(standing.verdict.state, VerdictState::Stuck);
    assert!(standing.verdict.next[1].contains(&format!("rollback --run {}", stuck.id())));
}

#[test]
fn the_page_allows_its_own_script_and_style_only() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let desk = Desk::new();
    let run = store::begin(&desk.store());
    stopped(&run);
    let (_, _, html) = written(&run);
    let hash = |text: &str| base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(text.as_bytes()));
    let between = |from: &str, to: &str| html.split_once(from).unwrap().1.split_once(to).unwrap().0.to_owned();
    let policy = between("http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(policy.contains(&format!("style-src 'sha256-{}'", hash(&between("<style>", "</style>")))));
    assert!(policy.contains(&format!("script-src 'sha256-{}'", hash(&between("<script>", "</script>")))));
    // A namespace is a name, not an address.
    let named = html.replace("http://www.w3.org/2000/svg", "");
    for part in ["http://", "https://", " src=\"", "@import", "url("] {
        assert!(!named.contains(part), "{part} in the page");
    }
    // The hostile name is there, harmless.
    assert!(html.contains("\\u003c/script>") && HOSTILE.contains("</script>"));
}
