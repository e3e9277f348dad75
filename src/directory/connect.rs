//! placeholder until the Connect room lands
use serde::{Deserialize, Serialize};
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ConnectServer {
    pub name: String,
}
