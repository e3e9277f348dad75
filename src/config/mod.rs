//! groupshift.toml, the environment, secrets.
