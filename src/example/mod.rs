//! placeholder
pub fn write(_: &std::path::Path) -> crate::error::Result<()> {
    Ok(())
}
