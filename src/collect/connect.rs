//! placeholder
pub fn read_connect(_: &std::path::Path) -> crate::error::Result<Vec<crate::directory::connect::ConnectServer>> {
    Ok(Vec::new())
}
