//! Rules and gates.

/// Judgements about Entra Connect servers and their rules, by content.
pub mod connect;
