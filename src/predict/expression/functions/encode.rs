//! Bytes and their text forms.

use super::super::ast::Call;
use super::super::eval::World;
use super::super::value::Value;
use super::{Out, optional_text, required_text, unknown};
use crate::directory::Sid;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub fn from_base64(w: &World<'_>, call: &Call) -> Out {
    let source = required_text(w, call, 0)?;
    let encoding = optional_text(w, call, 1)?;
    let Some(source) = source else { return w.null_text(call) };
    let Ok(bytes) = STANDARD.decode(source.trim()) else { return Err(unknown(call, "does with bad base64")) };
    let text = match encoding.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("unicode") => utf16(&bytes),
        Some("utf8") => String::from_utf8(bytes).ok(),
        Some("ascii") => bytes.is_ascii().then(|| String::from_utf8(bytes).unwrap_or_default()),
        Some(_) => return Err(unknown(call, "does with such an encoding")),
    };
    text.map(Value::Str).ok_or_else(|| unknown(call, "makes of bytes that are no text in this encoding"))
}

fn utf16(bytes: &[u8]) -> Option<String> {
    if bytes.len() % 2 == 1 {
        return None;
    }
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&units).ok()
}

pub fn to_base64(w: &World<'_>, call: &Call) -> Out {
    let Some(text) = required_text(w, call, 0)? else { return w.null_text(call) };
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    Ok(Value::Str(STANDARD.encode(bytes)))
}

pub fn to_utf8_hex(w: &World<'_>, call: &Call) -> Out {
    match required_text(w, call, 0)? {
        Some(text) => Ok(Value::Str(text.bytes().map(|b| format!("{b:02X}")).collect())),
        None => w.null_text(call),
    }
}

pub fn string_from_sid(w: &World<'_>, call: &Call) -> Out {
    let value = w.required(call, 0)?;
    match &*value {
        Value::Bin(bytes) => match Sid::from_bytes(bytes) {
            Some(sid) => Ok(Value::Str(sid.to_string())),
            None => Err(unknown(call, "makes of bytes that are no SID")),
        },
        _ => Err(unknown(call, "makes of anything but bytes")),
    }
}
