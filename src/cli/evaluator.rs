//! The tenant's own evaluator of expressions, for the commands that ask it with `--live`.

use super::printer::Printer;
use crate::collect::live::entra::places;
use crate::config::Config;
use crate::directory::inventory::{Evaluation, Inventory};
use crate::error::{Error, Result};
use crate::graph::oracle::{Answer, Job};
use crate::graph::{Graph, Options};
use crate::report::plain;
use std::sync::{Arc, Mutex};

/// Asks the evaluator of the bundle's Cloud Sync job, one question after another, and hands on a code to sign in with
/// while the sign-in waits for it.
pub fn ask(
    config: &Config,
    inventory: &Inventory,
    questions: &[Evaluation],
    printer: &mut Printer,
) -> Result<Vec<Answer>> {
    let places: Vec<Job> = places(&inventory.cloud_sync);
    if places.is_empty() {
        return Err(Error::usage("the bundle has no Cloud Sync job whose evaluator could be asked")
            .hint("Collect a bundle once the configuration for the domain exists, or leave out --live."));
    }
    let who = config.settings.entra.client_id.clone().unwrap_or_default();
    let codes = Arc::<Mutex<Vec<String>>>::default();
    let shown = codes.clone();
    let options = Options {
        show_code: Box::new(move |code| {
            // Printed by the loop below, which has the printer.
            if let Ok(mut list) = shown.lock() {
                list.push(format!("open {} and enter the code {}", code.address, code.code));
            }
        }),
        ..Options::default()
    };
    let graph = Graph::new(&config.settings.entra, &|secret| config.fetch(secret, &who), options)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::failed(format!("cannot start the network runtime: {e}")))?;
    runtime.block_on(async {
        let asking = all(&graph, &places, questions);
        tokio::pin!(asking);
        loop {
            tokio::select! {
                done = &mut asking => return done,
                () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {
                    if let Ok(mut list) = codes.lock() {
                        for text in list.drain(..) {
                            printer.note(plain(&format!("To sign in, {text}")));
                        }
                    }
                }
            }
        }
    })
}

async fn all(graph: &Graph, places: &[Job], questions: &[Evaluation]) -> Result<Vec<Answer>> {
    let mut out = Vec::with_capacity(questions.len());
    // Which principal a job belongs to, the bundle does not say; the first place that there is answers for all.
    let mut left = places;
    for question in questions {
        loop {
            let Some(place) = left.first() else {
                return Err(Error::failed("the tenant has no such job any more")
                    .hint("Collect a new bundle: the job that the bundle names is gone."));
            };
            match graph.parse_expression(place, &question.expression, &question.attributes).await {
                Ok(answer) => {
                    out.push(answer);
                    break;
                }
                Err(fault) if fault.is_missing() && left.len() > 1 => left = &left[1..],
                Err(fault) => return Err(fault.into()),
            }
        }
    }
    Ok(out)
}
