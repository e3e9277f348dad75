//! The tour of the house, in the order in which data walks through it. State comes in through `collect`, is kept as a
//! `bundle`, judged by `assess` with what `predict` says Cloud Sync will do, and shown by `report`. `directory` holds
//! the words of the field that all of them speak; `cli` is the door.

pub mod error;

/// The words of the field as types: ObjectGuid, Sid, Dn, GroupType, Anchor, and the Inventory of one tenant.
pub mod directory;

/// groupshift.toml, the environment, and where each value came from.
pub mod config;

/// The one TLS configuration, for LDAP and HTTP.
pub mod tls;

/// LDAP as Active Directory speaks it: connect, bind, search, guarded writes, errors in an administrator's words.
pub mod ldap;

/// Microsoft Graph as a good citizen: sign-in, pages, batches, limits, failures in words.
pub mod graph;

/// State comes in: LDIF, Graph JSON, Connect exports.
pub mod collect;

/// An Inventory on disk: written whole or not at all, verified when read.
pub mod bundle;

/// What Cloud Sync will do: the mapping language, scoping filters, the schema.
pub mod predict;

/// Rules and gates: what is this group, may it move, what first.
pub mod assess;

/// What can be tested before anything is collected or changed: connections, rights, permissions, gates.
pub mod preflight;

/// What will change, who gains or loses access by it, and the steps that do it and take it back.
pub mod plan;

/// The run of a plan: journal, snapshots, steps, rollback, over live systems or their twin.
pub mod cutover;

/// The proof afterwards, and every day: what is, held against what should be.
pub mod audit;

/// A tenant with its forest and its servers in memory: what a rehearsal runs on.
pub mod twin;

/// Views of all of the above as HTML, CSV, JSON, Markdown.
pub mod report;

/// The built-in example tenant of `demo`, as the files an administrator would have exported.
pub mod example;

/// The door: one file a subcommand.
pub mod cli;
