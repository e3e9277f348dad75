//! Entra Connect input, from outside: real and made exports, state files, damaged input, the collector script.

#[path = "connect/support.rs"]
mod support;

#[path = "connect/real.rs"]
mod real;

#[path = "connect/script.rs"]
mod script;
