//! A whole cutover where nothing goes wrong, in every order and mode.

use crate::stage::{Kind, stage};

fn kinds() -> Vec<Kind> {
    let none = Kind::default();
    vec![
        none,
        Kind { canary_first: true, ..none },
        Kind { canary_first: true, frozen_canaries: true, ..none },
        Kind { with_job: true, ..none },
    ]
}

#[test]
fn every_order_ends_with_every_group_in_place() {
    for kind in kinds() {
        let play = stage(kind).play();
        let t = std::time::Instant::now();
        play.finish();
        eprintln!("{kind:?} {:?} {} calls", t.elapsed(), play.twin.calls());
        if std::env::var_os("SHOW").is_some() {
            eprintln!("{}", play.log());
        }
        play.intact();
    }
}
