//! What Cloud Sync will do.

pub mod expression;
