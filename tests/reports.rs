//! The assessment's page as a reader meets it: in a headless Chromium, with the keyboard, on a phone, on paper, without
//! script, with hostile names and with 100,000 groups.
#![allow(clippy::panic, clippy::print_stdout, reason = "helpers of tests fail by panicking and say what they skip")]

#[path = "browser/mod.rs"]
mod browser;
#[path = "reports/synthetic.rs"]
mod synthetic;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use browser::Browser;
use groupshift::report::html;
use groupshift::report::is_hazardous;
use groupshift::report::model::*;
use serde_json::json;
use synthetic::{HOSTILE, Synthetic, registry};

const ROWS: &str = "document.querySelectorAll('#body [role=row]').length";
const COUNT: &str = "document.getElementById('count').textContent";
const LOADED: &str = "document.getElementById('count').getAttribute('aria-busy') === 'false'";

fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn page(view: &dyn View, name: &str) -> PathBuf {
    let path = scratch(name);
    let mut file = std::fs::File::create(&path).expect("the page can be created");
    html::write(view, &registry(), &mut file).expect("the page can be written");
    path
}

/// Groups of the view that fit, in published order.
fn fitting(view: &Synthetic, fits: impl Fn(&Group) -> bool) -> Vec<Group> {
    (0..view.len()).map(|index| view.group(index)).filter(|group| fits(group)).collect()
}

fn has(group: &Group, rule: &str) -> bool {
    group.findings.iter().any(|finding| finding.rule == rule)
}

/// Names of the first rows as shown, from the top.
fn names(browser: &mut Browser, count: usize) -> Vec<String> {
    // Rows are drawn with the next frame.
    let script = format!(
        "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(\
         [...document.querySelectorAll('#body [role=row]')]\
         .sort((a, b) => a.getAttribute('aria-rowindex') - b.getAttribute('aria-rowindex'))\
         .slice(0, {count}).map((row) => row.querySelector('.c-name').textContent)))))"
    );
    serde_json::from_value(browser.eval(&script)).expect("names")
}

fn search(browser: &mut Browser, text: &str) {
    browser.eval(&format!(
        "{{ const q = document.getElementById('q'); q.value = {}; q.dispatchEvent(new Event('input', {{ bubbles: true }})) }}",
        json!(text)
    ));
}

fn choose(browser: &mut Browser, id: &str, value: &str) {
    browser.eval(&format!(
        "{{ const s = document.getElementById('{id}'); s.value = '{value}'; s.dispatchEvent(new Event('change', {{ bubbles: true }})) }}"
    ));
}

fn wait_count(browser: &mut Browser, text: &str) {
    browser.wait(&format!("{COUNT} === {}", json!(text)));
}

/// What is shown of a text: hazardous characters written out.
fn shown(text: &str) -> String {
    let show = |c: char| if is_hazardous(c) { format!("⟨U+{:04X}⟩", u32::from(c)) } else { c.to_string() };
    text.chars().map(show).collect()
}

fn quiet(browser: &mut Browser, file: &std::path::Path) {
    assert_eq!(browser.complaints, Vec::<String>::new());
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
    let foreign: Vec<&String> = browser.requests.iter().filter(|url| !url.contains(name)).collect();
    assert!(foreign.is_empty() && !browser.requests.is_empty(), "{:?}", browser.requests);
}

#[test]
fn the_page_opens_filters_searches_and_sorts() {
    let view = Synthetic::new(92);
    let file = page(&view, "filters.html");
    let Some(mut browser) = Browser::launch(1280, 900) else { return };
    browser.open(&file, "");
    browser.wait(LOADED);
    assert_eq!(browser.text(COUNT), "92 groups");
    let headline = browser.text("document.getElementById('headline').textContent");
    assert!(headline.starts_with(&format!("{} of 92 groups can move", view.header.summary.migrate)), "{headline}");
    assert_eq!(browser.number("document.querySelectorAll('.gate').length") as usize, view.header.gates.len());

    browser.eval("document.querySelector('input[value=review]').click()");
    wait_count(&mut browser, &format!("{} of 92 groups", view.header.summary.review));
    browser.wait("location.hash === '#verdict=review'");
    browser.eval("document.querySelector('input[value=fix]').click()");
    wait_count(&mut browser, &format!("{} of 92 groups", view.header.summary.review + view.header.summary.fix));
    browser.eval("document.getElementById('clear').click()");
    wait_count(&mut browser, "92 groups");

    // A rule's bar filters by that rule.
    let c28 = fitting(&view, |group| has(group, "C28"));
    browser.eval("document.querySelector('#picture a[href=\"#rule=C28\"]').click()");
    wait_count(&mut browser, &format!("{} of 92 groups", c28.len()));
    assert_eq!(browser.text("document.getElementById('f-rule').value"), "C28");
    let expected: Vec<String> =
        c28.iter().take(5).map(|group| shown(group.display_name.as_deref().unwrap_or("no display name"))).collect();
    assert_eq!(names(&mut browser, 5), expected);

    // Rule, severity and status must fit one and the same finding.
    choose(&mut browser, "f-status", "unknown");
    wait_count(&mut browser, "0 of 92 groups");
    assert!(browser.eval("!document.getElementById('empty').hidden") == true);
    choose(&mut browser, "f-rule", "");
    let unknown = fitting(&view, |group| group.findings.iter().any(|f| f.status == FindingStatus::Unknown));
    wait_count(&mut browser, &format!("{} of 92 groups", unknown.len()));
    choose(&mut browser, "f-status", "");
    choose(&mut browser, "f-severity", "blocker");
    let blocked = fitting(&view, |group| group.findings.iter().any(|f| f.severity == Severity::Blocker));
    wait_count(&mut browser, &format!("{} of 92 groups", blocked.len()));
    choose(&mut browser, "f-severity", "");

    // The search sees name, DN across its parts, ids, SID and messages; every word must occur.
    let some = view.group(40);
    let id = some.object_id.clone().expect("an id");
    let dn = some.dn.clone().expect("a dn");
    let sid = some.sid.clone().expect("a sid");
    for query in [&id, &dn.to_uppercase(), &sid, &dn[10..70].to_owned(), &some.object_guid.clone().expect("a guid")] {
        search(&mut browser, query);
        wait_count(&mut browser, "1 of 92 groups");
        assert_eq!(names(&mut browser, 1), [some.display_name.clone().expect("a name")], "{query}");
    }
    search(&mut browser, "\"global SCOPE\" has");
    wait_count(&mut browser, &format!("{} of 92 groups", blocked.len()));
    search(&mut browser, "nowhere-at-all");
    wait_count(&mut browser, "0 of 92 groups");
    search(&mut browser, "");
    wait_count(&mut browser, "92 groups");

    let mut by_members = fitting(&view, |_| true);
    by_members.sort_by_key(|group| std::cmp::Reverse(group.members));
    browser.eval("document.querySelector('[data-sort=members] button').click()");
    let most = shown(by_members[0].display_name.as_deref().expect("a name"));
    browser.wait(&format!("document.querySelector('#row-0 .c-name')?.textContent === {}", json!(most)));
    assert_eq!(browser.text("document.querySelector('[data-sort=members]').getAttribute('aria-sort')"), "descending");
    browser.eval("document.querySelector('[data-sort=verdict] button').click()");
    browser.wait("document.querySelector('#row-0 .c-verdict')?.textContent === 'migrate'");
    browser.eval("document.querySelector('[data-sort=verdict] button').click()");
    browser.wait("document.querySelector('#row-0 .c-verdict')?.textContent === 'exclude'");
    browser.eval("document.querySelector('[data-sort=name] button').click()");
    browser.wait("document.querySelector('#row-0 .c-name')?.textContent.startsWith('⟨U+202E⟩') || document.querySelector('#row-0 .c-name')?.textContent.startsWith('{{') || document.querySelector('#row-0 .c-name')?.textContent.startsWith('<') || document.querySelector('#row-0 .c-name')?.textContent.startsWith('=')");
    quiet(&mut browser, &file);
}

#[test]
fn a_group_opens_by_key_by_click_and_by_link() {
    let view = Synthetic::new(92);
    let file = page(&view, "open.html");
    let Some(mut browser) = Browser::launch(1280, 900) else { return };
    let wanted = fitting(&view, |group| has(group, "C27")).pop().expect("a group with C27");
    let heading = "document.getElementById('detail-h')?.textContent";
    for link in [wanted.object_id.clone(), wanted.dn.clone(), wanted.dn.as_ref().map(|dn| dn.to_lowercase())] {
        browser.open(&file, &format!("#group={}", link.expect("a link").replace(' ', "%20")));
        browser.wait(&format!("{heading} === {}", json!(shown(wanted.display_name.as_deref().expect("a name")))));
        // Its row is in sight and marked.
        browser.wait("document.querySelectorAll('#body .row.opened.active').length === 1");
    }
    let detail = browser.text("document.getElementById('detail').textContent");
    let found = wanted.findings.iter().find(|finding| finding.rule == "C27").expect("C27");
    for text in [wanted.sid.as_deref().expect("a sid"), &found.message, &found.remediation, "missing"] {
        assert!(detail.contains(text), "{text} is not in {detail}");
    }
    browser.eval("document.querySelector('#detail a[href=\"#about-C27\"]').click()");
    browser.wait("document.querySelector(':target')?.id === 'about-C27'");

    browser.open(&file, "#group=00000000-dead-beef-0000-000000000000");
    browser.wait(&format!("{COUNT}.includes('is not in this page')"));

    // The keyboard alone.
    browser.open(&file, "");
    browser.wait(LOADED);
    browser.key("/");
    assert_eq!(browser.text("document.activeElement.id"), "q");
    browser.key("ArrowDown");
    assert_eq!(browser.text("document.activeElement.id"), "grid");
    let active = "document.getElementById('grid').getAttribute('aria-activedescendant')";
    for (key, row) in [
        ("ArrowDown", "row-1"),
        ("ArrowDown", "row-2"),
        ("ArrowUp", "row-1"),
        ("End", "row-91"),
        ("ArrowDown", "row-91"),
        ("Home", "row-0"),
    ] {
        browser.key(key);
        assert_eq!(browser.text(active), row, "after {key}");
    }
    browser.key("PageDown");
    let paged = browser.text(active);
    assert_ne!(paged, "row-0");
    assert!(browser.eval("(() => { const g = document.getElementById('grid').getBoundingClientRect(), r = document.querySelector('#body .active').getBoundingClientRect(); return r.top >= g.top && r.bottom <= g.bottom })()") == true);
    browser.key("PageUp");
    assert_eq!(browser.text(active), "row-0");
    browser.key("ArrowDown");
    browser.key("Enter");
    let second = shown(view.group(1).display_name.as_deref().expect("a name"));
    browser.wait(&format!("{heading} === {}", json!(second)));
    assert_eq!(browser.text("document.activeElement.id"), "detail-h");
    let id = view.group(1).object_id.expect("an id");
    assert_eq!(browser.text("location.hash"), format!("#group={id}"));
    browser.key("Escape");
    browser.wait("!document.getElementById('detail').open");
    assert_eq!(browser.text("document.activeElement.id"), "grid");
    assert_eq!(browser.text("location.hash"), "");

    browser.eval("document.querySelector('#row-4').click()");
    browser.wait(&format!("{heading} === {}", json!(shown(HOSTILE[1]))));
    quiet(&mut browser, &file);
}

#[test]
fn hostile_names_stay_text() {
    let mut view = Synthetic::new(60);
    view.header.bundle.tenant = Some(HOSTILE[0].into());
    view.header.bundle.complete = false;
    view.header.limits = HOSTILE.map(str::to_owned).to_vec();
    view.header.gates[1].evidence = json!({ HOSTILE[1]: HOSTILE });
    let file = page(&view, "hostile.html");
    let Some(mut browser) = Browser::launch(1280, 900) else { return };
    browser.open(&file, "");
    browser.wait(LOADED);
    let elements = "document.querySelectorAll('img, b, iframe, object, embed, [onerror], script:not([type])').length";
    for (index, name) in HOSTILE.iter().enumerate() {
        let id = view.group(index + 3).object_id.expect("an id");
        browser.eval(&format!("location.hash = 'group={id}'"));
        browser.wait(&format!("document.getElementById('detail-h')?.textContent === {}", json!(shown(name))));
        assert!(names(&mut browser, 20).contains(&shown(name)), "{name:?}");
        assert_eq!(browser.number(elements), 1.0, "only the page's own script is an element");
    }
    browser.eval("window.dispatchEvent(new Event('beforeprint'))");
    assert_eq!(browser.number(elements), 1.0);
    assert!(browser.eval("window.pwned === undefined") == true);
    assert!(browser.text("document.querySelector('.kicker').textContent").contains(HOSTILE[0]));
    assert!(browser.eval("document.querySelector('.banner-bad').textContent.includes('PARTIAL')") == true);
    quiet(&mut browser, &file);
}

/// The page's idea of an invisible character is the program's, for every character up to the first two planes.
#[test]
fn every_hazardous_character_is_written_out() {
    let all: Vec<char> = (0..0x2_0000).filter_map(char::from_u32).collect();
    let names: Vec<String> = all.chunks(8192).map(|chunk| format!("x{}x", chunk.iter().collect::<String>())).collect();
    let small = Synthetic::new(names.len());
    let groups = names.iter().enumerate().map(|(index, name)| {
        let mut group = small.group(index);
        group.display_name = Some(name.clone());
        group
    });
    let view = Assessment { header: small.header.clone(), groups: groups.collect() };
    let file = page(&view, "characters.html");
    let Some(mut browser) = Browser::launch(1280, 900) else { return };
    browser.open(&file, "");
    browser.wait(LOADED);
    for (index, name) in names.iter().enumerate() {
        browser.eval(&format!("location.hash = 'group={}'", view.groups[index].object_id.as_deref().expect("an id")));
        browser.wait(&format!(
            "document.getElementById('detail').open && document.querySelector('.row.opened')?.id === 'row-{index}'"
        ));
        let found = browser.text("document.getElementById('detail-h').textContent");
        assert!(found == shown(name), "characters of chunk {index} differ");
    }
}

#[test]
fn a_hundred_thousand_groups_stay_quick() {
    let view = Synthetic::new(100_000);
    let findings = view.header.summary.rules.iter().map(|rule| rule.found + rule.unknown).sum::<u64>();
    let started = Instant::now();
    let file = page(&view, "large.html");
    let written = started.elapsed();
    let size = std::fs::metadata(&file).expect("the page").len();
    assert!(size <= 60_000_000, "{size} bytes");
    let Some(mut browser) = Browser::launch(1280, 900) else { return };
    let first_row = browser.open(&file, "");
    let started = Instant::now();
    browser.wait(LOADED);
    let loaded = first_row + started.elapsed();
    assert_eq!(browser.text(COUNT), "100,000 groups");
    // Let the page prepare its search and its order of names while nobody waits.
    std::thread::sleep(Duration::from_secs(6));

    let timed = |browser: &mut Browser, act: &str, until: &str| -> f64 {
        browser.number(&format!(
            "new Promise((done) => {{ const from = performance.now(); const until = () => {until} ? done(performance.now() - from) : \
             performance.now() - from > 5000 ? done(-1) : setTimeout(until, 1); ({act})(); until(); }})"
        ))
    };
    let type_in = |text: &str| {
        format!(
            "() => {{ const q = document.getElementById('q'); q.value = '{text}'; q.dispatchEvent(new Event('input', {{ bubbles: true }})) }}"
        )
    };
    let expected = fitting(&view, |group| {
        let mut texts: Vec<String> = group.findings.iter().map(|finding| finding.message.to_lowercase()).collect();
        texts.push(group.display_name.as_deref().unwrap_or_default().to_lowercase());
        ["payroll", "owners"].iter().all(|word| texts.iter().any(|text| text.contains(word)))
    });
    let mut took = Vec::new();
    let count = format!("{COUNT} === '{} of 100,000 groups'", thousands(expected.len()));
    took.push(("search of two words", timed(&mut browser, &type_in("payroll owners"), &count)));
    took.push((
        "search of nothing",
        timed(&mut browser, &type_in("no such text"), &format!("{COUNT}.startsWith('0 of')")),
    ));
    took.push(("search cleared", timed(&mut browser, &type_in(""), &format!("{COUNT} === '100,000 groups'"))));
    let sort = |column: &str| format!("() => document.querySelector('[data-sort={column}] button').click()");
    took.push((
        "sort by members",
        timed(
            &mut browser,
            &sort("members"),
            "document.querySelector('#row-0 .c-members')?.textContent.startsWith('43,')",
        ),
    ));
    took.push((
        "sort by name",
        timed(&mut browser, &sort("name"), "/^[^A-Za-z]/.test(document.querySelector('#row-0 .c-name')?.textContent)"),
    ));
    let c27 = view.header.summary.rules.iter().find(|rule| rule.rule == "C27").expect("C27").found;
    took.push((
        "filter by rule",
        timed(
            &mut browser,
            "() => { location.hash = 'rule=C27' }",
            &format!("{COUNT} === '{} of 100,000 groups'", thousands(c27 as usize)),
        ),
    ));
    browser.eval("location.hash = 'sort=dn'");
    wait_count(&mut browser, "100,000 groups");

    // From top to bottom, few rows are elements, and they are the right ones.
    let mut most = 0.0_f64;
    for part in 0..=40 {
        browser.eval(&format!("(() => {{ const g = document.getElementById('grid'); g.scrollTop = g.scrollHeight * {part} / 40; return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))) }})()"));
        most = most.max(browser.number(ROWS));
    }
    assert!(most <= 60.0, "{most} row elements");
    assert!(browser.eval("document.getElementById('row-99999') !== null") == true);
    let last = view.group(99_999).display_name.unwrap_or("no display name".into());
    assert_eq!(browser.text("document.querySelector('#row-99999 .c-name').textContent"), last);
    let link = view.group(98_765);
    browser.open(&file, &format!("#group={}", link.object_id.expect("an id")));
    browser.wait("document.querySelector('#row-98765.opened') !== null");
    quiet(&mut browser, &file);
    println!(
        "{size} bytes with {findings} findings, written in {written:?}; first row after {first_row:?}, all after {loaded:?}; at most {most} row elements"
    );
    for (act, milliseconds) in took {
        println!("{act}: {milliseconds:.0} ms");
    }
}

fn thousands(number: usize) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", thousands(number / 1000), number % 1000) }
}

#[test]
fn a_phone_has_no_sideways_scroll() {
    let mut view = Synthetic::new(92);
    view.header.bundle.complete = false;
    view.header.bundle.domain = Some(format!("{}.example", "a".repeat(180)));
    view.header.limits = vec!["x".repeat(300)];
    view.header.gates[1].evidence =
        json!({ "very".repeat(40): "long".repeat(80), "deep": { "deeper": [{ "deepest": ["y".repeat(200)] }] } });
    let file = page(&view, "phone.html");
    let Some(mut browser) = Browser::launch(390, 844) else { return };
    let overflow = "(() => { const wide = document.documentElement.clientWidth; return JSON.stringify([...document.querySelectorAll('body *')].filter((e) => !e.closest('.sr, .sprite, .skip, .scroll, .chip input, #body bdi') && e.getBoundingClientRect().right > wide + 1).slice(0, 5).map((e) => e.tagName + '.' + e.className + ' ' + e.getBoundingClientRect().right)) + (document.documentElement.scrollWidth > wide ? ' scrolls' : '') })()";
    for width in [360, 390, 768] {
        browser.viewport(width, 844);
        browser.open(&file, "");
        browser.wait(LOADED);
        browser.eval("document.querySelectorAll('details').forEach((d) => (d.open = true))");
        assert_eq!(browser.text(overflow), "[]", "at {width}");
        // A group covers the page, and gives it back.
        browser.eval("document.querySelector('#row-3').click()");
        browser.wait("document.getElementById('detail').matches(':modal')");
        assert_eq!(browser.text(overflow), "[]", "at {width} with a group open");
        browser.key("Escape");
        browser.wait("!document.getElementById('detail').open");
    }
    quiet(&mut browser, &file);
}

/// Every text against what lies behind it, by the formula of WCAG 2: at least 4.5 to 1.
const CONTRAST: &str = r"(() => {
  const parse = (text) => { const n = text.match(/[\d.]+/g).map(Number); return { rgb: n.slice(0, 3), alpha: n.length > 3 ? n[3] : 1 } };
  const light = ({ rgb }) => { const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.alpha === 1) return c } return { rgb: [255, 255, 255] } };
  const bad = new Set(); let seen = 0;
  for (const e of document.querySelectorAll('body *')) {
    if (e.closest('svg, script, noscript, style, dialog:not([open])') || !e.checkVisibility()) continue;
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    seen++;
    const a = light(parse(getComputedStyle(e).color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.add(e.tagName + '.' + e.className + ' ' + ratio.toFixed(2) + ' ' + e.textContent.slice(0, 30));
  }
  for (const t of document.querySelectorAll('.stack text')) {
    const a = light(parse(getComputedStyle(t).fill)), b = light(parse(getComputedStyle(t.parentNode.firstElementChild).fill));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.add('stack ' + ratio.toFixed(2));
  }
  return JSON.stringify({ seen: seen > 200, bad: [...bad] });
})()";

#[test]
fn text_stands_out_in_light_and_dark() {
    let mut view = Synthetic::new(92);
    view.header.bundle.complete = false;
    view.header.bundle.anonymised = true;
    view.header.limits = vec!["Something was not read.".into()];
    let file = page(&view, "contrast.html");
    let Some(mut browser) = Browser::launch(1280, 2000) else { return };
    let group = fitting(&view, |group| has(group, "C35")).remove(0).object_id.expect("an id");
    for (scheme, toggles) in [("light", 0), ("dark", 0), ("dark", 1), ("light", 2)] {
        browser.media(scheme, "screen");
        browser.open(&file, &format!("#verdict=migrate,fix,exclude,review&group={group}"));
        browser.wait("document.getElementById('detail').open");
        for _ in 0..toggles {
            browser.eval("document.getElementById('theme').click()");
        }
        browser.eval("document.querySelectorAll('details').forEach((d) => (d.open = true))");
        assert_eq!(browser.text(CONTRAST), "{\"seen\":true,\"bad\":[]}", "{scheme}, theme pressed {toggles} times");
        let dark = browser.eval("getComputedStyle(document.documentElement).backgroundColor !== 'rgb(255, 255, 255)'");
        assert_eq!(dark, (toggles == 2) || (toggles == 0 && scheme == "dark"));
    }
}

#[test]
fn paper_gets_a_plain_table() {
    let view = Synthetic::new(3_000);
    let file = page(&view, "print.html");
    let Some(mut browser) = Browser::launch(1280, 900) else { return };
    let notable = |group: &Group| {
        group.verdict != Verdict::Migrate
            || group.findings.iter().any(|f| f.severity >= Severity::Low || f.status == FindingStatus::Unknown)
    };
    browser.open(&file, "#rule=C27");
    browser.wait(LOADED);
    let c27 = fitting(&view, |group| has(group, "C27")).len();
    wait_count(&mut browser, &format!("{} of 3,000 groups", thousands(c27)));
    // Printing itself makes the table, and takes it away again.
    browser.eval("window.printed = []; addEventListener('beforeprint', () => printed.push(document.querySelectorAll('#printed tbody tr').length))");
    browser.call("Page.printToPDF", json!({}));
    assert_eq!(browser.eval("printed.join()"), c27.to_string());
    assert_eq!(browser.number("document.getElementById('printed').children.length"), 0.0);

    browser.eval("location.hash = 'sort=dn'");
    wait_count(&mut browser, "3,000 groups");
    browser.eval("dispatchEvent(new Event('beforeprint'))");
    browser.media("dark", "print");
    let all = fitting(&view, notable).len();
    assert!(all > html::PRINT_ROWS, "{all}");
    assert_eq!(browser.number("document.querySelectorAll('#printed tbody tr').length") as usize, html::PRINT_ROWS);
    let said = browser.text("document.querySelector('#printed p').textContent");
    assert!(said.contains("Only the first 1,000 are printed; assessment.csv has all of them."), "{said}");
    assert!(browser.eval("document.querySelector('#explorer').checkVisibility() || !document.querySelector('#printed table').checkVisibility()") == false);
    assert_eq!(browser.text("getComputedStyle(document.body).color"), "rgb(0, 0, 0)");
    browser.viewport(688, 972); // the printable part of an A4 page
    assert!(browser.eval("document.documentElement.scrollWidth <= document.documentElement.clientWidth") == true);
    quiet(&mut browser, &file);
}

#[test]
fn without_script_the_answer_still_stands() {
    let view = Synthetic::new(92);
    let file = page(&view, "noscript.html");
    let Some(mut browser) = Browser::launch(1280, 900) else { return };
    browser.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    browser.navigate(&file);
    browser.wait("document.getElementById('end') !== null");
    let text = browser.text("document.body.innerText");
    for part in
        ["52 of 92 groups", "What to do next", "assessment.csv", "Provisioning agent version", "CN would be renamed"]
    {
        assert!(text.contains(part), "{part} is not in the text");
    }
    for seen in [".stack rect", ".bars rect", ".gate", "noscript p", ".rule"] {
        assert!(browser.eval(&format!("document.querySelector('{seen}').checkVisibility()")) == true, "{seen}");
    }
    assert!(browser.eval("document.getElementById('explorer').checkVisibility()") == false);
}

/// A million groups: two passes over the view, little memory, and a page of the same size as at the cap.
#[test]
fn a_million_groups_give_a_page_within_the_cap() {
    struct Counted(u64);
    impl std::io::Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let view = Synthetic::new(1_000_000);
    let started = Instant::now();
    let mut out = Counted(0);
    html::write(&view, &registry(), &mut out).expect("the page can be written");
    println!("{} bytes in {:?}", out.0, started.elapsed());
    assert!((30_000_000..=60_000_000).contains(&out.0), "{} bytes", out.0);
}

/// Pictures for people to look at, taken where `GROUPSHIFT_PICTURES` is set; what they show is checked by the others.
#[test]
fn pictures() {
    if std::env::var_os("GROUPSHIFT_PICTURES").is_none() {
        return;
    }
    let Some(mut browser) = Browser::launch(1280, 900) else { return };
    let file = page(&Synthetic::new(92), "pictures.html");
    for (width, height, scheme, look) in
        [(1280, 1150, "light", "light"), (1280, 1150, "dark", "dark"), (390, 844, "light", "phone")]
    {
        browser.viewport(width, height);
        browser.media(scheme, "screen");
        browser.open(&file, "");
        for section in ["answer", "picture", "gates", "groups", "rules"] {
            browser.eval(&format!("document.getElementById('{section}').scrollIntoView({{ behavior: 'instant' }})"));
            if section == "groups" {
                browser.picture(&scratch(&format!("{look}-table.png")), false);
                browser.eval("[...document.querySelectorAll('#body .row')].find((row) => row.textContent.includes('C27')).click()");
            }
            std::thread::sleep(Duration::from_millis(150));
            browser.picture(&scratch(&format!("{look}-{section}.png")), false);
            if section == "groups" {
                browser.key("Escape");
            }
        }
    }
    let mut partial = Synthetic::new(92);
    partial.header.bundle.complete = false;
    partial.header.bundle.anonymised = true;
    partial.header.limits = vec!["OU=Branch,DC=contoso,DC=com: 412 groups expected, 371 read.".into()];
    let file = page(&partial, "partial.html");
    browser.viewport(1280, 900);
    browser.open(&file, "");
    browser.picture(&scratch("partial.png"), false);
    browser.viewport(688, 972); // the printable part of an A4 page
    browser.eval("dispatchEvent(new Event('beforeprint'))");
    browser.media("light", "print");
    for section in ["main", "picture", "gates", "groups", "rules"] {
        browser.eval(&format!("document.getElementById('{section}').scrollIntoView({{ behavior: 'instant' }})"));
        browser.picture(&scratch(&format!("print-{section}.png")), false);
    }
    println!("{}", scratch("").display());
}
