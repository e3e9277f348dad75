//! State comes in from files.
