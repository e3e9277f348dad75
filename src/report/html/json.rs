//! JSON for a page: cut to a size, with what was left out counted, and unable to end the element that holds it.

use serde_json::Value;

/// Characters of one evidence text that the page shows at most.
const TEXT_LIMIT: usize = 2_000;
/// The key that marks a cut: beside it the number left out, 0 when the whole evidence is left out.
pub(in crate::report) const CUT: &str = "\u{0}cut";

pub(in crate::report) fn push_json_text(text: &str, out: &mut Vec<u8>) {
    // A string always serialises, and a Vec always takes it; were that ever untrue, an empty string keeps the JSON whole.
    if serde_json::to_writer(&mut *out, text).is_err() {
        out.extend_from_slice(b"\"\"");
    }
}

/// A value as JSON, with lists, objects and texts cut to a limit; what is left out is counted under `CUT`.
pub(in crate::report) fn push_cut(value: &Value, limit: usize, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            out.push(b'[');
            for item in items.iter().take(limit) {
                push_cut(item, limit, out);
                out.push(b',');
            }
            if items.len() > limit {
                push_marker(items.len() - limit, None, out);
                out.push(b',');
            }
            close(b']', out);
        }
        Value::Object(fields) => {
            out.push(b'{');
            // An object's keys are facts of one thing, so more of them are kept than of a list.
            let limit_keys = limit.max(20);
            for (key, item) in fields.iter().take(limit_keys) {
                push_json_text(key, out);
                out.push(b':');
                push_cut(item, limit, out);
                out.push(b',');
            }
            if fields.len() > limit_keys {
                push_json_text(CUT, out);
                out.extend_from_slice(format!(":{},", fields.len() - limit_keys).as_bytes());
            }
            close(b'}', out);
        }
        Value::String(text) if text.len() > TEXT_LIMIT => match text.char_indices().nth(TEXT_LIMIT) {
            Some((at, _)) => push_marker(text[at..].chars().count(), Some(&text[..at]), out),
            None => push_json_text(text, out),
        },
        Value::String(text) => push_json_text(text, out),
        Value::Null | Value::Bool(_) | Value::Number(_) => out.extend_from_slice(value.to_string().as_bytes()),
    }
}

fn push_marker(left_out: usize, kept: Option<&str>, out: &mut Vec<u8>) {
    out.push(b'{');
    push_json_text(CUT, out);
    out.extend_from_slice(format!(":{left_out}").as_bytes());
    if let Some(kept) = kept {
        out.extend_from_slice(b",\"text\":");
        push_json_text(kept, out);
    }
    out.push(b'}');
}

fn close(bracket: u8, out: &mut Vec<u8>) {
    if out.last() == Some(&b',') {
        out.pop();
    }
    out.push(bracket);
}

/// JSON that cannot end its script element: in JSON `<` stands only inside strings, where an escape means the same.
pub(in crate::report) fn push_inert(json: &[u8], out: &mut String) {
    let text = String::from_utf8_lossy(json);
    let mut from = 0;
    for (at, found) in text.match_indices(['<', '\u{2028}', '\u{2029}']) {
        out.push_str(&text[from..at]);
        out.push_str(match found {
            "<" => "\\u003c",
            "\u{2028}" => "\\u2028",
            _ => "\\u2029",
        });
        from = at + found.len();
    }
    out.push_str(&text[from..]);
}

/// What an encoder wrote since the last time, as a data element of the page; both buffers are empty afterwards.
pub fn take_block(class: &str, strings: &mut Vec<u8>, rows: &mut Vec<u8>) -> String {
    let mut text = String::with_capacity(strings.len() + rows.len() + 80);
    text.push_str(&format!("<script type=\"application/json\" class=\"{class}\">{{\"s\":["));
    push_inert(strings.strip_suffix(b",").unwrap_or_default(), &mut text);
    text.push_str("],\"r\":[");
    push_inert(rows.strip_suffix(b",").unwrap_or_default(), &mut text);
    text.push_str("]}</script>\n");
    strings.clear();
    rows.clear();
    text
}

/// A DN at its first separator, so that `first + "," + rest` is the DN byte for byte.
pub fn split_dn(dn: &str) -> (&str, Option<&str>) {
    let mut escaped = false;
    for (at, byte) in dn.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b',' => return (&dn[..at], Some(&dn[at + 1..])),
            _ => {}
        }
    }
    (dn, None)
}
