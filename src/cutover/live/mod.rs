//! The ports over the real systems: Active Directory over LDAP, the tenant over Graph, the Connect servers by PowerShell or
//! by a person, a whole look at both sides, the operator at the terminal.

pub mod ad;
mod counted;
pub mod flight;
pub mod operator;
pub mod servers;
pub mod tenant;

use super::port::{Directory, Level, Ports};
use crate::collect::live::{Note, Wishes};
use crate::config::Config;
use crate::error::{Error, Result};
use ad::{LiveDirectory, LiveObserver};
pub use counted::Counted;
use flight::Flight;
pub use operator::{Appearance, LiveOperator};
use servers::LiveServers;
use tenant::{LiveTenant, Words};

/// The five, live.
pub type LivePorts<'s> = Ports<Counted<LiveDirectory>, LiveTenant, LiveServers, LiveObserver, LiveOperator<'s>>;

/// Connects to what the configuration names: to the controller, where one is given. `stop_wish` says whether a stop or
/// pause file lies in the store. From here on Ctrl-C is listened for; `LiveOperator::unless_left` heeds it.
pub async fn ports<'s>(
    config: &Config,
    controller: Option<&str>,
    stop_wish: impl Fn() -> Option<String> + 's,
    appearance: Appearance,
) -> Result<LivePorts<'s>> {
    if config.settings.ad.url.is_none() || config.settings.entra.tenant_id.is_none() {
        return Err(Error::usage("a cutover needs both Active Directory and the tenant").hint(
            "Set url under [ad] and tenant_id under [entra] in groupshift.toml, then try groupshift preflight.",
        ));
    }
    let flight = Flight::default();
    let mut operator = LiveOperator::new(appearance, stop_wish, flight.clone());
    let (codes, details) = (operator.terminal(), operator.terminal());
    let words = Words {
        show_code: Box::new(move |code| {
            let minutes = code.expires_in.as_secs() / 60;
            let text = format!(
                "To sign in, open {} and enter the code {} (it is good for {minutes} minutes)",
                code.address, code.code
            );
            codes.line(Level::Warning, &text);
        }),
        tell: Box::new(move |text| details.detail(&text)),
    };
    let directory = LiveDirectory::connect(config, controller).await?;
    let mut config = config.clone();
    // The configuration of the service is found by the domain that it is for.
    if config.settings.cloud_sync.domain.is_none() {
        config.settings.cloud_sync.domain = Some(directory.pin().await?.domain);
    }
    let tenant = LiveTenant::new(&config, &Wishes::default(), words, flight.clone())?;
    tenant.graph().sign_in().await?;
    let said = operator.terminal();
    let telling = move |note: Note<'_>| match note {
        Note::Doing { part, what, done, of } => said.progress(&format!("{part}: {what}"), done, of),
        Note::Detail(text) => said.detail(&text),
        Note::Notice(text) | Note::Warning(text) => said.line(Level::Warning, &text),
    };
    let observer = LiveObserver::new(&config, &directory, Some(tenant.graph().clone()), Box::new(telling));
    operator.listen();
    Ok(Ports {
        directory: Counted::new(directory, flight.clone()),
        tenant,
        servers: LiveServers::new(&config, flight),
        observer,
        operator,
    })
}
