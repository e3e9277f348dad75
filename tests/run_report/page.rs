//! The page as a reader meets it: in a headless Chromium, with filters, detail and 20,000 writes.

use crate::browser::Browser;
use crate::store::{self, Desk, at, guid, plan};
use crate::{rolled, stopped};
use groupshift::cutover::record::{Intent, Settled, WriteState};
use groupshift::report::run as report;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const COUNT: &str = "document.getElementById('count').textContent";
const LOADED: &str = "document.getElementById('count').getAttribute('aria-busy') === 'false'";
const ROWS: &str = "document.querySelectorAll('#body [role=row]').length";

fn choose(browser: &mut Browser, id: &str, value: &str) {
    browser.eval(&format!(
        "{{ const s = document.getElementById('{id}'); s.value = '{value}'; s.dispatchEvent(new Event('change', {{ bubbles: true }})) }}"
    ));
}

fn wait_count(browser: &mut Browser, text: &str) {
    browser.wait(&format!("{COUNT} === {}", json!(text)));
}

fn quiet(browser: &Browser, file: &Path) {
    assert_eq!(browser.complaints, Vec::<String>::new());
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(browser.requests.iter().all(|url| url.contains(name)), "{:?}", browser.requests);
}

/// A page that stays there for a person to look at.
fn kept(page: &Path, name: &str) -> PathBuf {
    let to = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::copy(page, &to).unwrap();
    to
}

#[test]
fn the_page_filters_and_shows_before_and_after() {
    let desk = Desk::new();
    let run = store::begin(&desk.store());
    stopped(&run);
    let page = kept(&report::write(&run, &plan().0).unwrap(), "run-stopped.html");
    let Some(mut browser) = Browser::launch(1280, 900) else { return };
    browser.open(&page, "");
    browser.wait(LOADED);
    wait_count(&mut browser, "6 of 6 writes");
    assert!(browser.text("document.getElementById('headline').textContent").starts_with("Stopped: S27"));
    assert!(browser.text("document.querySelector('#stop').textContent").contains("D-1a2b3c4d"));
    // The hostile name is shown as text, with what is invisible written out.
    browser.wait("document.querySelector('#row-0 .c-name')?.textContent.includes('⟨U+202E⟩')");
    assert!(browser.text("document.querySelector('#row-0 .c-name').textContent").starts_with("</script><img"));
    for (state, word) in [
        ("done", "done"),
        ("already", "was so already"),
        ("foreign", "not ours"),
        ("failed", "failed"),
        ("undone", "taken back"),
        ("intended", "in doubt"),
    ] {
        choose(&mut browser, "f-state", state);
        wait_count(&mut browser, "1 of 6 writes");
        browser.wait(&format!("document.querySelector('#row-0 .c-verdict')?.textContent === {}", json!(word)));
    }
    browser.wait("location.hash === '#state=intended'");
    choose(&mut browser, "f-of", "rollback");
    wait_count(&mut browser, "0 of 6 writes");
    browser.eval("document.getElementById('clear').click()");
    wait_count(&mut browser, "6 of 6 writes");
    // A tile is a filter; so is the writes' count of a step.
    browser.eval("document.querySelector('.tile a[href=\"#state=failed\"]').click()");
    wait_count(&mut browser, "1 of 6 writes");
    browser.eval("document.querySelector('#S05 dd a').click()");
    wait_count(&mut browser, "6 of 6 writes");
    assert_eq!(browser.text("document.getElementById('f-step').value"), "S05");
    // A list of 300 members before: those that are held, and the number of the rest.
    browser.navigate(&page);
    browser.open(&page, "#row=2");
    browser.wait("document.querySelector('#detail[open] .side td.gone')?.textContent.includes('Person 0000')");
    let detail = browser.text("document.getElementById('detail').textContent");
    for part in [
        "100 more in run.json",
        "dc1.contoso.com",
        "was so already",
        "S05",
        "Group_dddddddd-0000-4000-8000-000000000001",
    ] {
        assert!(detail.contains(part), "{part:?} is not in: {detail}");
    }
    browser.key("Escape");
    quiet(&browser, &page);
}

#[test]
fn a_rollback_leads_with_what_is_stuck() {
    let desk = Desk::new();
    let run = store::begin(&desk.store());
    rolled(&run, true);
    let page = kept(&report::write(&run, &plan().0).unwrap(), "run-rolled.html");
    let Some(mut browser) = Browser::launch(390, 844) else { return };
    browser.open(&page, "");
    browser.wait(LOADED);
    assert!(browser.text("document.querySelector('.banner').textContent").contains("STUCK"));
    let lists = browser.text("document.getElementById('rollback').textContent");
    for part in ["Stuck: 1", "reanimate it by hand", "Conflicts: 1", "Restored: 1", "2 groups were compared"] {
        assert!(lists.contains(part), "{part:?} is not in: {lists}");
    }
    // By night it is dark.
    browser.media("dark", "screen");
    browser.wait("getComputedStyle(document.documentElement).backgroundColor === 'rgb(23, 24, 27)'");
    // On a phone nothing is wider than the screen.
    assert!(browser.eval("document.documentElement.scrollWidth <= innerWidth") == true);
    quiet(&browser, &page);
}

#[test]
fn twenty_thousand_writes_stay_usable() {
    const WRITES: u32 = 20_000;
    let desk = Desk::new();
    let run = store::begin(&desk.store());
    for from in (0..WRITES).step_by(5_000) {
        let intents: Vec<Intent> = (from..from + 5_000)
            .map(|n| Intent {
                step: "S05".to_owned(),
                action: "stamp".to_owned(),
                object: guid(n).to_string(),
                name: format!("CN=Group {n:05},OU=GroupWriteback,DC=contoso,DC=com"),
                attribute: Some("msDS-ExternalDirectoryObjectId".to_owned()),
                new: Some(json!(format!("Group_{}", guid(n)))),
                ..Intent::default()
            })
            .collect();
        let ids = run.intend(&intents, at(1)).unwrap();
        let server = Some("dc1.contoso.com".to_owned());
        let settled: Vec<Settled> = ids
            .iter()
            .map(|id| Settled { write: *id, state: WriteState::Done, server: server.clone(), detail: None })
            .collect();
        run.settle(&settled, at(2)).unwrap();
    }
    let page = kept(&report::write(&run, &plan().0).unwrap(), "run-20000.html");
    let bytes = std::fs::metadata(&page).unwrap().len();
    assert!(bytes < 8_000_000, "the page has {bytes} bytes");
    let Some(mut browser) = Browser::launch(1280, 900) else { return };
    let from = Instant::now();
    browser.open(&page, "");
    browser.wait(LOADED);
    wait_count(&mut browser, "20,000 of 20,000 writes");
    assert!(from.elapsed() < Duration::from_secs(30), "{:?}", from.elapsed());
    // Only the rows in sight are elements.
    assert!(browser.number(ROWS) < 80.0);
    browser.eval("{ const q = document.getElementById('q'); q.value = 'group nineteen'; q.dispatchEvent(new Event('input', { bubbles: true })) }");
    wait_count(&mut browser, "0 of 20,000 writes");
    browser.eval("{ const q = document.getElementById('q'); q.value = '\"Group 19999\"'; q.dispatchEvent(new Event('input', { bubbles: true })) }");
    wait_count(&mut browser, "1 of 20,000 writes");
    browser.eval("document.getElementById('clear').click()");
    wait_count(&mut browser, "20,000 of 20,000 writes");
    browser.eval("document.getElementById('grid').scrollTop = 1e7");
    browser.wait("document.querySelector('[aria-rowindex=\"20001\"] .c-name')?.textContent.includes('Group 19999')");
    assert!(browser.number(ROWS) < 80.0);
    quiet(&browser, &page);
}
