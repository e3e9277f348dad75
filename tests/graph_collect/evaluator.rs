//! The tenant's own evaluator of expressions: asked in a collection, kept in the bundle, used by predictions and plans.

use crate::tenant::Tenant;
use crate::tenant::collecting::{Run, config_of, example, run_wishing, save};
use crate::tenant::evaluator::Evaluator;
use crate::tenant::server::{Server, start};
use groupshift::bundle;
use groupshift::collect::live::Wishes;
use groupshift::directory::inventory::Evaluation;
use groupshift::predict::expression::settled::PROBES;
use groupshift::predict::expression::{Outcome, Settled};
use groupshift::predict::{explain, questions};
use serde_json::Value;
use std::path::Path;

/// A tenant that reads IIF on an empty attribute as its false branch, and `=` without regard to letter case.
fn reading() -> Settled {
    let answer = |expression: &str, attributes: &[(&str, &str)], result: &str| Evaluation {
        expression: expression.to_owned(),
        attributes: attributes.iter().map(|(n, v)| ((*n).to_owned(), vec![(*v).to_owned()])).collect(),
        evaluated: true,
        result: vec![result.to_owned()],
        ..Evaluation::default()
    };
    Settled::learn(&[
        answer(r#"IIF(Not(IsPresent([description])),"y","n")"#, &[], "n"),
        answer(r#"IIF([displayName]="USA","y","n")"#, &[("displayName", "usa")], "y"),
    ])
}

fn asking(server: &Server) -> Run {
    let dir = tempfile::tempdir().unwrap();
    run_wishing(&config_of(server, dir.path()), None, Wishes { questions: Some(questions), ..Wishes::default() })
}

#[test]
fn its_answers_are_kept_and_used() {
    let dir = example();
    let mut tenant = Tenant::load(dir.path());
    tenant.evaluator = Some(Evaluator::So(reading()));
    let server = start(tenant);
    let run = asking(&server);
    let collected = run.result.unwrap_or_else(|e| panic!("{e}"));
    let answers = collected.inventory.cloud_sync.expressions.clone().unwrap();
    assert!(answers.len() > PROBES.len(), "the job's own expressions are asked about as well: {}", answers.len());
    assert!(answers.iter().any(|a| a.group.is_some()));
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("bundle");
    save(collected, &path);
    let (_, inventory) = bundle::open(&path).unwrap();
    assert_eq!(inventory.cloud_sync.expressions.as_ref(), Some(&answers));

    // An expression that was open is so no longer, and it is said why.
    let group = &inventory.entra.groups[0];
    let expression = r#"IIF([displayName]="x",[displayName],IIF([displayName]<>"","named","none"))"#;
    let explained = explain::explain(&inventory, None, expression, group).unwrap();
    assert!(matches!(&explained.outcome, Outcome::Value(_)), "{:?}", explained.outcome);
    let settled = Settled::learn(&answers);
    assert!(settled.notes().iter().any(|n| n.contains("takes the false branch")), "{:?}", settled.notes());
    assert!(settled.notes().iter().any(|n| n.contains("letter case are not regarded")), "{:?}", settled.notes());
    let plain = |g: &&groupshift::directory::inventory::EntraGroup| {
        inventory.text.get(g.display_name).is_some_and(|n| n.chars().all(|c| c.is_ascii_alphanumeric() || c == ' '))
    };
    let group = inventory.entra.groups.iter().find(plain).unwrap();
    let name = inventory.text.get(group.display_name).unwrap().to_uppercase();
    let open = format!(r#"IIF([displayName]="{name}","same","other")"#);
    let explained = explain::explain(&inventory, None, &open, group).unwrap();
    assert_eq!(explained.outcome, Outcome::Value("same".into()));
    assert!(explained.settled.iter().any(|n| n.contains("letter case")), "{:?}", explained.settled);
}

#[test]
fn where_it_does_not_answer_nothing_is_missing() {
    let dir = example();
    for (status, code) in [(None, ""), (Some(403), "Authorization_RequestDenied"), (Some(400), "BadRequest")] {
        let mut tenant = Tenant::load(dir.path());
        if let Some(status) = status {
            tenant.denied.push(("/parseExpression", status, code));
        }
        let run = asking(&start(tenant));
        let collected = run.result.unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(collected.inventory.cloud_sync.expressions, None);
        assert!(collected.certificate.complete);
        assert!(run.notes.iter().any(|n| n.contains("evaluator of expressions was not asked")), "{:?}", run.notes);
    }
}

#[test]
fn what_it_gives_otherwise_is_no_prediction_of_ours() {
    let dir = example();
    let mut tenant = Tenant::load(dir.path());
    tenant.evaluator = Some(Evaluator::Otherwise);
    let collected = asking(&start(tenant)).result.unwrap();
    let settled = Settled::learn(collected.inventory.cloud_sync.expressions.as_deref().unwrap());
    let notes = settled.notes();
    assert!(!notes.is_empty() && notes.iter().all(|n| n.contains("which no reading")), "{notes:?}");
}

fn groupshift(dir: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = assert_cmd::Command::cargo_bin("groupshift").unwrap();
    let done = command.current_dir(dir).args(arguments).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    (done.status.code().unwrap_or(-1), said)
}

/// `plan --live`: the tenant is asked about what would be proposed.
#[test]
fn a_plan_asks_it() {
    let dir = tempfile::tempdir().unwrap();
    groupshift::example::write(&dir.path().join("export")).unwrap();
    let (code, said) = groupshift(dir.path(), &["collect", "--offline", "export", "--out", "bundle"]);
    assert_eq!(code, 0, "{said}");
    let plan = |evaluator: Evaluator, name: &str| {
        let mut tenant = Tenant::load(&dir.path().join("export"));
        tenant.evaluator = Some(evaluator);
        let server = start(tenant);
        config_of(&server, dir.path());
        let out = format!("{name}.json");
        let (code, said) =
            groupshift(dir.path(), &["plan", "bundle", "--out", &out, "--draft", "--live", "--live-sample", "5"]);
        assert!(code == 0 || code == 4, "{code} {said}");
        assert!(!server.tenant.lock().unwrap().requests.is_empty(), "the tenant was asked");
        serde_json::from_slice::<Value>(&std::fs::read(dir.path().join(out)).unwrap()).unwrap()
    };
    let text = |value: &Value| value.to_string();
    let agreed = plan(Evaluator::So(reading()), "agreed");
    assert!(
        text(&agreed["mappings"]["notes"]).contains("for all 5 groups that it was asked about"),
        "{}",
        agreed["mappings"]
    );
    let refused = plan(Evaluator::Otherwise, "refused");
    assert!(text(&refused["outside"]).contains("refuses every mapping"), "{}", refused["mappings"]);
    assert_eq!(refused["summary"]["planned"], 0);
}
