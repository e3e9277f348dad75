//! Where to and as whom: opens the socket, makes it safe, signs in. A password goes out only over TLS that was verified.

use super::fault::{Fault, FaultKind};
#[cfg(feature = "gssapi")]
use super::quiet::{Panicked, caught};
use super::session::Session;
use crate::config::{self, Bind};
use crate::error::{Error, Place, Result};
use crate::tls::{self, Identity};
use ldap3::{LdapConnAsync, LdapConnSettings, StdStream};
use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};
use socket2::{SockRef, TcpKeepalive};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Url;

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Name, socket, TLS and sign-in, each.
    pub connect: Duration,
    /// An answer, or the next entry of one.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts { connect: Duration::from_secs(15), answer: Duration::from_secs(120) }
    }
}

#[derive(Clone)]
pub(super) enum SignIn {
    Simple { user: String, password: Arc<SecretString> },
    Gssapi,
    External,
}

/// Opens connections to one server; cheap to clone.
#[derive(Clone)]
pub struct Connector {
    pub(super) url: Url,
    starttls: bool,
    pub(super) sign_in: SignIn,
    pub(super) tls: Arc<ClientConfig>,
    pub timeouts: Timeouts,
}

impl Connector {
    /// From the configuration. `password` is asked for only where the bind needs one; nothing is sent yet. A simple
    /// bind without TLS is refused here.
    pub fn new(ad: &config::Ad, password: impl FnOnce() -> Result<SecretString>) -> Result<Connector> {
        let url = ad.url.as_deref().ok_or_else(|| config::missing("ad", "url"))?;
        let url = parse(url, "[ad] url")?;
        let identity = match (ad.bind, &ad.client_certificate_file, &ad.client_key_file) {
            (Bind::External, None, _) => return Err(config::missing("ad", "client_certificate_file")),
            (Bind::External, Some(certificate), key) => {
                Some(Identity { certificate, key: key.as_deref().unwrap_or(certificate) })
            }
            _ => None,
        };
        guard(&url, ad.starttls, ad.bind)?;
        let sign_in = match ad.bind {
            Bind::Simple => {
                let user = ad.user.clone().ok_or_else(|| config::missing("ad", "user"))?;
                SignIn::Simple { user, password: Arc::new(password()?) }
            }
            Bind::Gssapi if !cfg!(feature = "gssapi") => {
                return Err(Error::usage("this build has no Kerberos support")
                    .at(Place::default().object("[ad] bind = \"gssapi\""))
                    .hint("Use bind = \"simple\" over TLS, or build groupshift with --features gssapi."));
            }
            Bind::Gssapi => SignIn::Gssapi,
            Bind::External => SignIn::External,
        };
        let tls = tls::client_config(ad.ca_file.as_deref(), identity)?;
        // Kerberos could seal the connection by itself, but the client library then loses messages of a long answer.
        // TLS below it takes that over; ldaps:// has it already.
        let starttls = ad.starttls || ad.bind == Bind::Gssapi;
        Ok(Connector { url, starttls, sign_in, tls, timeouts: Timeouts::default() })
    }

    /// The same account at another address: the Global Catalog, another controller.
    pub fn to(&self, url: &str, what: &str) -> Result<Connector> {
        let url = parse(url, what)?;
        let bind = match self.sign_in {
            SignIn::Simple { .. } => Bind::Simple,
            SignIn::Gssapi => Bind::Gssapi,
            SignIn::External => Bind::External,
        };
        guard(&url, self.starttls, bind)?;
        Ok(Connector { url, ..self.clone() })
    }

    /// The same account on another host, by the same scheme and port.
    pub fn host(&self, host: &str) -> Result<Connector> {
        let mut url = self.url.clone();
        url.set_host(Some(host)).map_err(|e| Error::failed(format!("{host} is no host name: {e}")))?;
        Ok(Connector { url, ..self.clone() })
    }

    /// The address, as in the configuration.
    pub fn address(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// The host part of the address.
    pub fn host_name(&self) -> &str {
        self.url.host_str().unwrap_or("")
    }

    /// Whether the connection is protected by TLS.
    pub fn uses_tls(&self) -> bool {
        self.url.scheme() == "ldaps" || self.starttls
    }

    /// How it signs in, for messages.
    pub fn account(&self) -> String {
        match &self.sign_in {
            SignIn::Simple { user, .. } => user.clone(),
            SignIn::Gssapi => "the Kerberos account of this session".to_owned(),
            SignIn::External => "the client certificate's account".to_owned(),
        }
    }

    pub(super) fn signing_in(&self) -> String {
        format!("sign in as {}", self.account())
    }

    /// Opens a connection and signs in.
    pub async fn connect(&self) -> std::result::Result<Session, Fault> {
        let address = self.address().to_owned();
        self.open().await.map_err(|fault| fault.at(&address))
    }

    async fn open(&self) -> std::result::Result<Session, Fault> {
        let stream = self.socket().await?;
        let std = stream.into_std().map_err(|e| Fault::io("connect", &e))?;
        let settings = LdapConnSettings::new()
            .set_std_stream(StdStream::Tcp(std))
            .set_config(self.tls.clone())
            .set_starttls(self.starttls);
        let doing = if self.uses_tls() { "establish TLS" } else { "connect" };
        let opening = LdapConnAsync::from_url_with_settings(settings, &self.url);
        let (connection, ldap) = match timeout(self.timeouts.connect, opening).await {
            Err(_) => return Err(Fault::timeout(doing, self.timeouts.connect)),
            Ok(Err(e)) => return Err(self.handshake_fault(Fault::library(doing, e, self.timeouts.connect))),
            Ok(Ok(pair)) => pair,
        };
        let session = Session::start(connection, ldap, self.address(), self.timeouts.answer);
        let signing_in = self.sign_in(&session);
        match timeout(self.timeouts.connect, signing_in).await {
            Err(_) => Err(Fault::timeout(&self.signing_in(), self.timeouts.connect)),
            Ok(done) => done.map(|()| session),
        }
    }

    /// What a failed beginning means: a server that hangs up during the handshake usually does not speak TLS on that
    /// port, and one that answers StartTLS with an error (52, "unavailable") has no certificate; to wait does not help.
    pub(super) fn handshake_fault(&self, fault: Fault) -> Fault {
        let (words, hint) = match fault.kind {
            FaultKind::ConnectionLost if self.uses_tls() => (
                "the server hung up during the TLS handshake",
                "It may have no certificate installed, or not speak TLS on this port (636 and 3269 do; 389 and 3268 want starttls = true).",
            ),
            _ if fault.code.is_some() => (
                "the server refuses StartTLS",
                "It has probably no certificate for server authentication; install one on the domain controller (bind = \"gssapi\" over ldap:// needs it too).",
            ),
            _ => return fault,
        };
        Fault { kind: FaultKind::Tls, words: words.to_owned(), hint: Some(hint.to_owned()), ..fault }
    }

    pub(super) async fn socket(&self) -> std::result::Result<TcpStream, Fault> {
        let doing = "connect";
        let host = self.host_name().trim_start_matches('[').trim_end_matches(']');
        let port = self.url.port().unwrap_or(if self.url.scheme() == "ldaps" { 636 } else { 389 });
        let wait = self.timeouts.connect;
        let addresses = match timeout(wait, lookup_host((host, port))).await {
            Err(_) => return Err(Fault::timeout("look up the server's name", wait)),
            Ok(Err(e)) => {
                return Err(Fault::new(FaultKind::Unreachable, "look up the server's name", e.to_string())
                    .hint("Check the name in [ad] url and this computer's DNS settings."));
            }
            Ok(Ok(addresses)) => addresses,
        };
        let mut last = Fault::new(FaultKind::Unreachable, doing, "the server's name has no address");
        for address in addresses {
            match timeout(wait, TcpStream::connect(address)).await {
                Err(_) => last = Fault::timeout(doing, wait),
                Ok(Err(e)) => last = Fault::io(doing, &e),
                Ok(Ok(stream)) => {
                    // Best effort: a connection without these works, only less well.
                    let _ = stream.set_nodelay(true);
                    let alive =
                        TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15));
                    let _ = SockRef::from(&stream).set_tcp_keepalive(&alive);
                    return Ok(stream);
                }
            }
        }
        Err(last)
    }

    async fn sign_in(&self, session: &Session) -> std::result::Result<(), Fault> {
        let doing = self.signing_in();
        let mut ldap = session.handle();
        let result = match &self.sign_in {
            SignIn::Simple { user, password } => {
                session.operation(&doing, ldap.simple_bind(user, password.expose_secret())).await?
            }
            SignIn::External => session.operation(&doing, ldap.sasl_external_bind()).await?,
            #[cfg(feature = "gssapi")]
            SignIn::Gssapi => match caught(ldap.sasl_gssapi_bind(self.host_name())).await {
                Ok(Ok(result)) => result,
                Ok(Err(ldap3::LdapError::GssapiOperationError(text))) => {
                    return Err(Fault::new(FaultKind::Credentials, doing, format!("Kerberos: {text}")).hint(
                        "Sign in to the domain (or run kinit), use the controller's full DNS name in [ad] url, and check the clock.",
                    ));
                }
                Ok(Err(e)) => return Err(session.explain(Fault::library(&doing, e, self.timeouts.connect)).await),
                Err(Panicked) => return Err(Fault::malformed(&doing)),
            },
            #[cfg(not(feature = "gssapi"))]
            SignIn::Gssapi => {
                return Err(Fault::new(FaultKind::Unsupported, doing, "this build has no Kerberos support"));
            }
        };
        match result.rc {
            0 => Ok(()),
            _ => Err(Fault::result(&doing, &result)),
        }
    }
}

fn parse(text: &str, key: &str) -> Result<Url> {
    let wrong = |why: String| Error::usage(why).at(Place::default().object(key));
    let url = Url::parse(text).map_err(|e| wrong(format!("not an address: {e}")))?;
    match url.scheme() {
        "ldap" | "ldaps" if url.host_str().is_some_and(|h| !h.is_empty()) => Ok(url),
        _ => Err(wrong("an address is ldaps://server or ldap://server".to_owned())),
    }
}

/// Credentials never travel over an unprotected connection.
fn guard(url: &Url, starttls: bool, bind: Bind) -> Result<()> {
    let protected = url.scheme() == "ldaps" || starttls || bind == Bind::Gssapi;
    match protected {
        true => Ok(()),
        false => Err(Error::usage("this would send credentials over a connection that is not protected")
            .at(Place::default().object(url.as_str()))
            .hint("Use ldaps://, or starttls = true, or bind = \"gssapi\".")),
    }
}

impl From<tokio::task::JoinError> for Fault {
    fn from(error: tokio::task::JoinError) -> Self {
        let words =
            if error.is_panic() { "the server's answer is not valid LDAP" } else { "the operation was cancelled" };
        Fault::new(FaultKind::Protocol, "read", words)
    }
}
