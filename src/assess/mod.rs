//! Rules and gates.
