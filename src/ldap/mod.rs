//! LDAP as Active Directory speaks it, over the ldap3 crate and wrapped once, because that crate ends a failed page as
//! if it were the end, guesses which values are text, and can panic on a malformed answer. Here a search cannot be read
//! without its final result, values are bytes, controls are sent critical, and every failure is a `Fault` that says in
//! an administrator's words what happened and what to do.
//!
//! `Connector` knows where to and as whom; `Session` is one bound connection. `ReadSession` is one that only reads: a
//! scan moves millions of values, which the crate would each copy several times, so its answers are taken apart by our
//! own hand. Nothing here deletes an object, and nothing follows a referral.

mod ber;
mod connect;
mod control;
mod diagnostic;
mod entry;
mod fault;
mod filter;
mod pages;
mod quiet;
mod reading;
mod request;
mod session;

pub use connect::{Connector, Timeouts};
pub use control::{Control, DirSync, SdParts};
pub use entry::{Attribute, Entry, RawEntry, Values};
pub use fault::{Fault, FaultKind};
pub use filter::{escape, escape_bytes, guid_filter};
pub use pages::{FromWire, Pages};
pub use reading::ReadSession;
pub use request::{Answer, Change, Ending, Scope, Search};
pub use session::Session;
