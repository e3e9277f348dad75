//! The difference as one self-contained HTML page.
use super::model::DiffView;
use crate::error::Result;
use std::io::Write;
pub fn write(_view: &dyn DiffView, _out: &mut dyn Write) -> Result<()> {
    Ok(())
}
