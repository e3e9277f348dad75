//! State comes in: from files an administrator exported (`offline`) or from the servers themselves (`live`). One reader a format: `ldif`, `graph_json`,
//! `connect`; what the records mean is the business of `ad` and `entra`, which fill the Inventory.

pub mod ad;
pub mod connect;
pub mod connect_script;
pub mod entra;
pub mod events;
pub mod graph_json;
pub mod ldif;
pub mod live;
pub mod offline;
pub(crate) mod source;
mod tenant;
