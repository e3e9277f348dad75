//! LDAP as Active Directory speaks it, over the ldap3 crate and wrapped once, because that crate ends a failed page as
//! if it were the end, guesses which values are text, and can panic on a malformed answer. Here a search cannot be read
//! without its final result, values are bytes, controls are sent critical, and every failure is a `Fault` that says in
//! an administrator's words what happened and what to do.
//!
//! `Connector` knows where to and as whom; `Session` is one bound connection. Nothing here deletes an object, and
//! nothing follows a referral.

mod connect;
mod control;
mod diagnostic;
mod entry;
mod fault;
mod filter;
mod quiet;
mod request;
mod session;

pub use connect::{Connector, Timeouts};
pub use control::{Control, DirSync, SdParts};
pub use entry::{Attribute, Entry};
pub use fault::{Fault, FaultKind};
pub use filter::{escape, escape_bytes, guid_filter};
pub use request::{Answer, Change, Ending, Scope, Search};
pub use session::{Pages, Session};
