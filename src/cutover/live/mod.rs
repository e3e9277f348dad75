//! The ports over the real systems: Active Directory over LDAP, the tenant through Graph, the Connect servers by PowerShell
//! or by a person, a whole look at both sides, the operator at the terminal.

pub mod ad;
pub mod flight;
pub mod operator;
pub mod servers;
pub mod tenant;

use crate::collect::live::{Note, Wishes};
use crate::config::Config;
use crate::cutover::port::{Level, Ports};
use crate::error::Result;
use ad::{LiveDirectory, LiveObserver};
use flight::Flight;
pub use operator::Appearance;
use operator::LiveOperator;
use servers::LiveServers;
use tenant::{LiveTenant, Words};

/// The five ports over the real systems.
pub type LivePorts<'s> = Ports<LiveDirectory, LiveTenant, LiveServers, LiveObserver, LiveOperator<'s>>;

/// Connects to what the configuration names; `controller` instead of the configured one. Secrets are asked for before
/// anything is sent.
pub async fn ports<'s>(
    config: &Config,
    controller: Option<&str>,
    stop_wish: impl Fn() -> Option<String> + 's,
    appearance: Appearance,
) -> Result<LivePorts<'s>> {
    let flight = Flight::default();
    let mut operator = LiveOperator::new(appearance, stop_wish, flight.clone());
    operator.listen();
    let terminal = operator.terminal();
    let (codes, repeats) = (terminal.clone(), terminal.clone());
    let words = Words {
        show_code: Box::new(move |code| {
            codes.line(Level::Warning, &format!("To sign in, open {} and enter the code {}", code.address, code.code));
        }),
        tell: Box::new(move |text| repeats.line(Level::Info, &text)),
    };
    let tenant = LiveTenant::new(config, &Wishes::default(), words, flight.clone())?;
    let directory = LiveDirectory::connect(config, controller).await?;
    let told = terminal.clone();
    let tell = Box::new(move |note: Note<'_>| match note {
        Note::Doing { what, done, of, .. } => told.progress(what, done, of),
        Note::Detail(_) => {}
        Note::Notice(text) | Note::Warning(text) => told.line(Level::Warning, &text),
    });
    let observer = LiveObserver::new(config, &directory, Some(tenant.graph().clone()), tell);
    Ok(Ports { servers: LiveServers::new(config, flight), directory, tenant, observer, operator })
}
