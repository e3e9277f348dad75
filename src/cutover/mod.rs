//! The run: the steps of a plan, done one after another on live state, each journalled before and after, guarded, read
//! back, and taken back by the same engine where the operator asks for it.
//!
//! What a run touches stands behind the ports of `port`: Active Directory, the tenant, the Connect servers, a whole look
//! at both sides, and the operator. The real ones are in `live`; the in-memory ones, which `rehearse` and `demo` use, in
//! the room `twin`. `store` keeps the journal, the snapshots and what was learnt; `engine` walks the steps.

pub mod engine;
pub mod live;
pub mod port;
pub mod record;
pub mod rollback;
pub mod store;
