//! What Cloud Sync will do.
