//! The built-in example tenant.
