//! harmless
