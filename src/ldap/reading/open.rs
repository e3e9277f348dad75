//! How a connection that only reads is opened: the same socket, trust and account as any other; only the messages are
//! our own.

use super::message::{self, Message, op};
use super::wire::Wire;
use super::{Carrier, ReadSession};
use crate::ldap::ber::{self, Header, SEQUENCE};
use crate::ldap::connect::{Connector, SignIn};
use crate::ldap::fault::{Fault, FaultKind};
use ldap3::LdapResult;
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Bytes taken from the socket at a time; TLS itself would ask for a few thousand.
const SOCKET_BUFFER: usize = 1 << 16;
/// The answer to StartTLS has no reason to be longer.
const LONGEST_ANSWER: usize = 1 << 14;

impl Connector {
    /// Opens a connection for reading and signs in.
    pub async fn connect_to_read(&self) -> Result<ReadSession, Fault> {
        let address = self.address().to_owned();
        let opened = match &self.sign_in {
            SignIn::Gssapi => return Ok(ReadSession(Carrier::Library(self.connect().await?))),
            SignIn::Simple { user, password } => {
                let password = password.clone();
                self.open_to_read(move || message::simple_bind(user, password.expose_secret())).await
            }
            SignIn::External => self.open_to_read(message::external_bind).await,
        };
        opened.map_err(|fault| fault.at(&address))
    }

    async fn open_to_read(&self, bind: impl FnOnce() -> Vec<u8>) -> Result<ReadSession, Fault> {
        let mut socket = self.socket().await?;
        if !self.uses_tls() {
            // Refused long before; a password is not made into a request for such a connection.
            return Err(Fault::new(FaultKind::StrongAuth, "connect", "the connection would not be protected"));
        }
        let wait = self.timeouts.connect;
        let doing = "establish TLS";
        let secured = async {
            if self.url.scheme() == "ldap" {
                start_tls(&mut socket, doing).await?;
            }
            let name = self.host_name().trim_start_matches('[').trim_end_matches(']').to_owned();
            let name = ServerName::try_from(name).map_err(|_| Fault::no_tls_name(doing))?;
            let buffered = BufReader::with_capacity(SOCKET_BUFFER, socket);
            let tls = TlsConnector::from(self.tls.clone());
            tls.connect(name, buffered).await.map_err(|e| Fault::stream(doing, &e))
        };
        let stream = match timeout(wait, secured).await {
            Err(_) => return Err(Fault::timeout(doing, wait)),
            Ok(secured) => secured.map_err(|fault| self.handshake_fault(fault))?,
        };
        let wire = Wire::start(stream, self.address(), self.timeouts.answer);
        let doing = self.signing_in();
        match timeout(wait, bound(&wire, &bind(), &doing)).await {
            Err(_) => Err(Fault::timeout(&doing, wait)),
            Ok(result) => match result? {
                result if result.rc == 0 => Ok(ReadSession(Carrier::Own(wire))),
                result => Err(Fault::result(&doing, &result)),
            },
        }
    }
}

/// Asks for TLS on a connection that has none yet. What the server sent beyond its answer would be taken for protected
/// later, though it was not: it is refused.
async fn start_tls(socket: &mut TcpStream, doing: &str) -> Result<(), Fault> {
    let io = |e: std::io::Error| Fault::stream(doing, &e);
    socket.write_all(&message::message(1, &message::start_tls(), &[])).await.map_err(io)?;
    socket.flush().await.map_err(io)?;
    let mut answer = Vec::new();
    loop {
        match ber::header(&answer) {
            Header::Element { header, length } if answer.len() >= header + length => break,
            Header::Malformed => return Err(Fault::malformed(doing)),
            _ if answer.len() > LONGEST_ANSWER => return Err(Fault::malformed(doing)),
            _ => {}
        }
        if socket.read_buf(&mut answer).await.map_err(io)? == 0 {
            return Err(Fault::lost(doing));
        }
    }
    let message = ber::expect(SEQUENCE, &answer)
        .filter(|(_, beyond)| beyond.is_empty())
        .and_then(|(content, _)| Message::parse(content))
        .filter(|m| m.id == 1 && m.op == op::EXTENDED_ANSWER);
    let result = message.and_then(|m| m.result()).ok_or_else(|| Fault::malformed(doing))?;
    if result.rc == 0 { Ok(()) } else { Err(Fault::result(doing, &result)) }
}

/// The answer to a bind.
async fn bound(wire: &Wire, bind: &[u8], doing: &str) -> Result<LdapResult, Fault> {
    let chunk = wire.ask(bind, doing).await?;
    let first = chunk.messages().next().flatten().filter(|m| m.op == op::BOUND);
    first.and_then(|m| m.result()).ok_or_else(|| Fault::malformed(doing))
}
