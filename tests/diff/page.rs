//! The page as a reader meets it, in a headless Chromium.

use crate::browser::Browser;
use crate::support::cli::Desk;
use crate::support::{G, World, ad_user, user_dn, user_id};
use groupshift::report::diff::html;
use groupshift::report::diff::model::{Diff, DiffView, ForecastHeader, GroupDiff, Head, Row};
use serde_json::json;
use std::path::PathBuf;

const COUNT: &str = "document.getElementById('count').textContent";
const LOADED: &str = "document.getElementById('count').getAttribute('aria-busy') === 'false'";

fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn quiet(browser: &Browser, file: &std::path::Path) {
    assert_eq!(browser.complaints, Vec::<String>::new());
    let name = file.file_name().and_then(|name| name.to_str()).unwrap();
    assert!(browser.requests.iter().all(|url| url.contains(name)), "{:?}", browser.requests);
}

/// A hundred groups, one of which drifted; names that would be markup.
fn world() -> World {
    let mut world = World::base();
    world.add_entry(ad_user(4));
    world.g().add("member", user_dn(4));
    world.add_user(3).emember("user", &user_id(3));
    world.eset("displayName", json!("<img src=x onerror=alert(1)>\u{202e}"));
    for n in 0..100 {
        world.add_pair(n);
    }
    world
}

#[test]
fn the_page_filters_opens_and_shows_side_by_side() {
    let desk = Desk::collected(&world());
    desk.run(&["diff", "bundle", "--out", "out"]).ok();
    let file = desk.path("out/diff.html");
    let Some(mut browser) = Browser::launch(1400, 900) else { return };
    browser.open(&file, "");
    browser.wait(LOADED);
    assert!(browser.text(COUNT).starts_with("101 of 101 rows"), "{}", browser.text(COUNT));
    // A number of the summary leads to its rows.
    browser.eval("document.querySelector('a[href=\"#change=members-lost\"]').click()");
    browser.wait(&format!("{COUNT}.startsWith('1 of 101 rows')"));
    assert_eq!(browser.text("document.getElementById('f-change').value"), "members-lost");
    browser.eval("document.querySelector('#body [role=row]').click()");
    browser.wait("document.querySelector('#detail[open] table.side')");
    let head = browser.text("document.querySelector('#detail .side thead').textContent");
    assert_eq!(head, "AttributeAD todayEntra todayAD after");
    let gone = browser.text("document.querySelector('#detail .side td.gone').textContent");
    assert_eq!(gone, "Group_3a5c3221");
    let detail = browser.text("document.getElementById('detail').textContent");
    assert!(detail.contains("Members lost (1)") && detail.contains(&user_dn(4)), "{detail}");
    assert!(detail.contains("People who lose this group"), "{detail}");
    assert!(detail.contains("⟨U+202E⟩") && !detail.contains('\u{202e}'));
    browser.wait(&format!("location.hash.includes('row={G}')"));
    quiet(&browser, &file);
    if std::env::var_os("GROUPSHIFT_PICTURES").is_some() {
        browser.eval("{ document.documentElement.style.scrollBehavior = 'auto'; document.getElementById('groups').scrollIntoView() }");
        browser.picture(&scratch("diff.png"), false);
    }
    // The address alone leads back.
    browser.open(&file, &format!("#show=all&row={G}"));
    browser.wait("document.querySelector('#detail[open] table.side')");
    browser.key("Escape");
    browser.wait("!document.querySelector('#detail[open]')");
    // The keyboard does all of it.
    browser.eval("document.getElementById('grid').focus()");
    browser.key("End");
    browser.key("Enter");
    browser.wait("document.querySelector('#detail[open]')");
    quiet(&browser, &file);
    // On a phone nothing is wider than the screen.
    browser.viewport(390, 800);
    browser.open(&file, &format!("#row={G}"));
    browser.wait("document.querySelector('#detail[open] table.side')");
    assert!(browser.number("document.documentElement.scrollWidth") <= 390.0);
    if std::env::var_os("GROUPSHIFT_PICTURES").is_some() {
        browser.picture(&scratch("diff-phone.png"), false);
    }
    quiet(&browser, &file);
}

#[test]
fn two_scans_have_a_page_too() {
    let desk = Desk::collected(&World::base());
    world().write(&desk.path("export-two"));
    desk.run(&["collect", "--offline", "export-two", "--out", "two"]).ok();
    desk.run(&["diff", "bundle", "two", "--out", "out"]).ok();
    let file = desk.path("out/diff.html");
    let Some(mut browser) = Browser::launch(1280, 900) else { return };
    browser.open(&file, "#change=changed");
    browser.wait(LOADED);
    browser.wait(&format!("{COUNT}.startsWith('2 of ')"));
    browser.eval("document.querySelector('#body [role=row]').click()");
    browser.wait("document.querySelector('#detail[open]')");
    let detail = browser.text("document.getElementById('detail').textContent");
    assert!(detail.contains("Members added (1)") && detail.contains(&user_dn(4)), "{detail}");
    quiet(&browser, &file);
}

/// As many groups as a page holds, each like the drifted one.
struct Many {
    header: ForecastHeader,
    like: GroupDiff,
    len: usize,
}

impl DiffView for Many {
    fn head(&self) -> Head<'_> {
        Head::Forecast(&self.header)
    }
    fn len(&self) -> usize {
        self.len
    }
    fn is_notable(&self, index: usize) -> bool {
        index.is_multiple_of(2)
    }
    fn row(&self, index: usize) -> Row {
        let mut row = self.like.clone();
        row.object_id = Some(crate::support::group_id(index as u32));
        row.object_guid = Some(crate::support::ad_guid(index as u32));
        row.dn = Some(format!("CN=Group {index:06},OU=GroupWriteback,DC=contoso,DC=com"));
        row.display_name = Some(format!("Group {index:06}"));
        row.differs = self.is_notable(index);
        Row::Group(Box::new(row))
    }
}

#[test]
fn a_hundred_thousand_groups() {
    let told = crate::told(&world());
    let Diff::Forecast { header, groups } = serde_json::from_value(told.json.clone()).unwrap() else {
        panic!("a forecast")
    };
    let like = groups.into_iter().find(|g| g.members.lost > 0).unwrap();
    let view = Many { header, like, len: 100_000 };
    let file = scratch("diff-many.html");
    html::write(&view, &mut std::fs::File::create(&file).unwrap()).unwrap();
    assert!(std::fs::metadata(&file).unwrap().len() < 64_000_000);
    let Some(mut browser) = Browser::launch(1400, 900) else { return };
    browser.open(&file, "#row=CN=Group 077777,OU=GroupWriteback,DC=contoso,DC=com");
    browser.wait(LOADED);
    browser.wait(&format!("{COUNT}.startsWith('50,000 of 100,000 rows')"));
    browser.wait("document.querySelector('#detail[open]')?.textContent.includes('Group 077777')");
    browser.eval("{ const q = document.getElementById('q'); q.value = '077778'; q.dispatchEvent(new Event('input', { bubbles: true })) }");
    browser.wait(&format!("{COUNT}.startsWith('1 of 100,000 rows')"));
    // Only the rows in sight are elements.
    assert!(browser.number("document.querySelectorAll('#body [role=row]').length") <= 60.0);
    quiet(&browser, &file);
    std::fs::remove_file(&file).unwrap();
}
