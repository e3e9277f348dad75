//! Views of an assessment: HTML, CSV, JSON, Markdown. Every view reads the same published types (`model`), row by row.

pub mod model;

/// Text from a directory made harmless for a terminal, a log or an error: control and bidirectional-formatting
/// characters are shown as `\u{…}`.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hazardous(c) {
            out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters, bidirectional formatting, zero-width and other invisible formatting characters.
pub fn is_hazardous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}
