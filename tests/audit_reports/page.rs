//! The page as a reader meets it, in a headless Chromium.

use crate::browser::Browser;
use crate::made::{Made, reports, some};
use groupshift::audit::model::View;
use groupshift::report::audit::MAX_ROWS;
use groupshift::report::audit::compare::Comparison;
use groupshift::report::audit::document::Point;
use std::path::{Path, PathBuf};
use std::time::Instant;

const COUNT: &str = "document.getElementById('count').textContent";
const LOADED: &str = "document.getElementById('count').getAttribute('aria-busy') === 'false'";

fn quiet(browser: &Browser, file: &Path) {
    assert_eq!(browser.complaints, Vec::<String>::new());
    let name = file.file_name().and_then(|name| name.to_str()).unwrap();
    assert!(browser.requests.iter().all(|url| url.contains(name)), "{:?}", browser.requests);
}

fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn choose(browser: &mut Browser, id: &str, value: &str) {
    browser.eval(&format!(
        "{{ const s = document.getElementById('{id}'); s.value = '{value}'; s.dispatchEvent(new Event('change', {{ bubbles: true }})) }}"
    ));
}

#[test]
fn the_page_answers_filters_and_opens() {
    let view = Made::new(90);
    // Group 0 had moved already, group 2 is mended since.
    let last = Made::with(90, vec![0, 2], vec![], vec![]).document();
    let comparison = Comparison::of(&view, &last, "last.json").unwrap();
    let mut earlier = Point::of(&view);
    earlier.created = "2026-11-20T08:00:00Z".to_owned();
    earlier.bundle_sha256 = "00".repeat(32);
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    reports(&view, Some(&comparison), &[earlier, Point::of(&view)], &out);
    let file = out.join("audit.html");
    let Some(mut browser) = Browser::launch(1400, 900) else { return };
    browser.open(&file, "");
    browser.wait(LOADED);
    let headline = browser.text("document.getElementById('headline').textContent");
    assert!(headline.starts_with("3 of ") && headline.contains("fail"), "{headline}");
    assert_eq!(browser.number("document.querySelectorAll('#checks .gate').length"), 28.0);
    // Failing groups, and the server that is none: every third, every fifth.
    let failing = view.header.summary.groups_failing + 1;
    browser.wait(&format!("{COUNT}.startsWith('{failing} of 91 rows')"));
    // A check's card leads to its groups.
    browser.eval("document.querySelector('#check-A06 a[href=\"#check=A06\"]').click()");
    browser.wait(&format!("{COUNT}.startsWith('30 of 91 rows')"));
    choose(&mut browser, "f-check", "A08");
    choose(&mut browser, "f-show", "unknown");
    browser.wait(&format!("{COUNT}.startsWith('13 of 91 rows')"));
    browser.eval("document.getElementById('clear').click()");
    // What is new since last time: all but group 0's move and the server's rule.
    choose(&mut browser, "f-check", "A03");
    choose(&mut browser, "f-state", "unchanged");
    browser.wait(&format!("{COUNT}.startsWith('1 of 91 rows')"));
    choose(&mut browser, "f-state", "new");
    browser.wait(&format!("{COUNT}.startsWith('17 of 91 rows')"));
    browser.eval("document.getElementById('clear').click()");
    // A group's detail: expected and actual, evidence, what to do. Its name runs nothing.
    let id = view.group(0).object_id.unwrap();
    browser.open(&file, &format!("#row={id}"));
    browser.wait("document.querySelector('#detail[open] .values')");
    let detail = browser.text("document.getElementById('detail').textContent");
    for part in [
        "2 checks fail",
        "A03",
        "A06",
        "Expected",
        "3 members",
        "What to do",
        "missing",
        "</script>",
        "1 check is not known",
    ] {
        assert!(detail.contains(part), "{part}: {detail}");
    }
    assert!(browser.eval("window.pwned === undefined") == true);
    quiet(&browser, &file);
    if std::env::var_os("GROUPSHIFT_PICTURES").is_some() {
        browser.picture(&scratch("audit.png"), true);
    }
    // What is no group opens too.
    browser.open(&file, "#row=SYNC01");
    browser.wait("document.querySelector('#detail[open] .failure')");
    let detail = browser.text("document.getElementById('detail').textContent");
    assert!(detail.contains("SYNC01") && detail.contains("the outbound rule is not there"), "{detail}");
    // The keyboard does all of it.
    browser.open(&file, "");
    browser.wait(LOADED);
    browser.eval("document.getElementById('grid').focus()");
    browser.key("End");
    browser.key("Enter");
    browser.wait("document.querySelector('#detail[open]')");
    browser.key("Escape");
    browser.wait("!document.querySelector('#detail[open]')");
    // On a phone nothing is wider than the screen.
    browser.viewport(390, 800);
    browser.open(&file, &format!("#row={id}"));
    browser.wait("document.querySelector('#detail[open] .values')");
    assert!(browser.number("document.documentElement.scrollWidth") <= 390.0);
    quiet(&browser, &file);
    if std::env::var_os("GROUPSHIFT_PICTURES").is_some() {
        browser.picture(&scratch("audit-phone.png"), false);
    }
}

#[test]
fn without_script_the_answer_stands() {
    let view = Made::new(30);
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    reports(&view, None, &[], &out);
    let html = std::fs::read_to_string(out.join("audit.html")).unwrap();
    let before_script = &html[..html.find("<script").unwrap()];
    for part in ["checks,", "A03", "A14", "the outbound rule is not there", "What to do", "audit.csv", "<noscript>"] {
        assert!(before_script.contains(part), "{part}");
    }
    assert!(!html.contains("<img src=x"));
}

/// As large as a page becomes: usable, and small enough to send.
#[test]
fn a_hundred_thousand_groups() {
    let view = Made::new(MAX_ROWS + 20_000);
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let started = Instant::now();
    some(&view, None, &[], &out, &["audit.html"]);
    println!("the page of {} groups in {:?}", view.groups(), started.elapsed());
    let file = out.join("audit.html");
    let size = std::fs::metadata(&file).unwrap().len();
    assert!(size < 64_000_000, "{size} bytes");
    let Some(mut browser) = Browser::launch(1280, 900) else { return };
    let started = Instant::now();
    browser.open(&file, "");
    browser.wait("document.querySelectorAll('#body [role=row]').length > 5");
    println!("{} MB, first row after {:?}", size / 1_000_000, started.elapsed());
    browser.wait(LOADED);
    println!("all after {:?}", started.elapsed());
    let cap = browser.text("document.getElementById('row-cap').textContent");
    assert!(cap.contains("of 120,000 groups"), "{cap}");
    // The last failing group is found by its name.
    let name = "Group 119997";
    browser.eval(&format!(
        "{{ const q = document.getElementById('q'); q.value = {name:?}; q.dispatchEvent(new Event('input', {{ bubbles: true }})) }}"
    ));
    browser.wait(&format!("{COUNT}.startsWith('1 of ')"));
    quiet(&browser, &file);
}
