//! `--accept NAME=REASON`: what somebody's word stands for. Each name once: of two reasons nobody could tell later which
//! one counted.

use crate::error::{Error, Result};

/// Names and reasons as given, trimmed.
pub fn words(texts: &[String]) -> Result<Vec<(String, String)>> {
    let mut out: Vec<(String, String)> = Vec::new();
    for text in texts {
        let filled = |(name, reason): &(&str, &str)| !name.trim().is_empty() && !reason.trim().is_empty();
        let (name, reason) = text.split_once('=').filter(filled).ok_or_else(|| {
            Error::usage(format!("--accept {text:?}: a name and a reason are needed"))
                .hint("Write it as --accept \"E14=checked in the portal\".")
        })?;
        let name = name.trim();
        if out.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return Err(Error::usage(format!("--accept {name} is given twice"))
                .hint("Give one reason; it is kept with the result."));
        }
        out.push((name.to_owned(), reason.trim().to_owned()));
    }
    Ok(out)
}
