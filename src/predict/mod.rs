//! What Cloud Sync will do.

pub mod expression;
pub mod schema;
mod tree;
