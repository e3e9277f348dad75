//! The assessment's page as a reader meets it: in a headless Chromium, with the keyboard, on a phone, with hostile names
//! and with 100,000 groups.

#[path = "browser/mod.rs"]
mod browser;
#[path = "reports/synthetic.rs"]
mod synthetic;

use std::path::PathBuf;

use groupshift::report::html;
use synthetic::{Synthetic, registry};

fn page(view: &Synthetic, name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut file = std::fs::File::create(&path).expect("the page can be created");
    html::write(view, &registry(), &mut file).expect("the page can be written");
    path
}

#[test]
#[ignore = "pictures for people, not a check"]
fn pictures() {
    let Some(mut browser) = browser::Browser::launch(1280, 900) else { return };
    let file = page(&Synthetic::new(92), "pictures.html");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    for (width, height, scheme, look) in
        [(1280, 1150, "light", "light"), (1280, 1150, "dark", "dark"), (390, 844, "light", "phone")]
    {
        browser.viewport(width, height);
        browser.media(scheme, "screen");
        browser.open(&file, "");
        for section in ["answer", "picture", "gates", "groups", "rules"] {
            browser.eval(&format!("document.documentElement.style.scrollBehavior='auto'; document.getElementById('{section}').scrollIntoView()"));
            if section == "groups" {
                browser.picture(&folder.join(format!("{look}-table.png")), false);
                browser.eval(
                    "[...document.querySelectorAll('#body .row')].find(row => row.textContent.includes('C27')).click()",
                );
            }
            std::thread::sleep(std::time::Duration::from_millis(150));
            browser.picture(&folder.join(format!("{look}-{section}.png")), false);
            if section == "groups" {
                browser.key("Escape");
            }
        }
    }
}
