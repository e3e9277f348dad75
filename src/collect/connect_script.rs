//! The PowerShell that an administrator runs on a Connect server: it reads the sync engine and writes
//! `connect-state.json`, and does nothing else.

use crate::error::{Error, Result};
use handlebars::Handlebars;
use serde_json::json;

const TEMPLATE: &str = include_str!("../../templates/connect-state.ps1.hbs");

/// The longest nonce that is accepted.
const MAX_NONCE: usize = 128;

/// The script's text. A nonce ties the file that it writes to the run that asked for it; it may hold letters, digits,
/// `-`, `_` and `.`, so that it can never become code.
pub fn render(nonce: Option<&str>) -> Result<String> {
    if let Some(nonce) = nonce {
        let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if nonce.is_empty() || nonce.len() > MAX_NONCE || !nonce.bytes().all(fine) {
            return Err(Error::usage(format!("{nonce:?} cannot be a nonce"))
                .hint(format!("Use 1 to {MAX_NONCE} letters, digits, '-', '_' and '.'.")));
        }
    }
    let mut templates = Handlebars::new();
    templates.set_strict_mode(true);
    templates.register_escape_fn(handlebars::no_escape);
    templates
        .render_template(TEMPLATE, &json!({ "nonce": nonce }))
        .map_err(|e| Error::failed(format!("cannot render the collector script: {e}")).source(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces() {
        assert!(
            render(Some("0190f1c2-7e4a-7c11-8d5e-a1b2c3d4e5f6"))
                .unwrap()
                .contains("$Nonce = '0190f1c2-7e4a-7c11-8d5e-a1b2c3d4e5f6'\n")
        );
        assert!(render(None).unwrap().contains("$Nonce = $null\n"));
        for bad in ["", "a'b", "a b", "$(x)", "a\n", "é", "`", &"x".repeat(129)] {
            assert_eq!(render(Some(bad)).unwrap_err().exit_code(), 2, "{bad:?}");
        }
    }
}
