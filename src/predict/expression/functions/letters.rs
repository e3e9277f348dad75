//! Letter case and diacritics.

use super::super::ast::Call;
use super::super::eval::{Point, World};
use super::super::value::Value;
use super::{Out, optional_text, required_text, unknown};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{decompose_canonical, is_combining_mark};

/// One character to one character, as .NET's invariant culture maps: a letter whose lower case is several stays.
pub fn lower(c: char) -> char {
    let mut mapped = c.to_lowercase();
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

pub fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

/// Letters whose case depends on the culture or on the version of .NET.
fn doubtful_case(c: char) -> bool {
    matches!(c, 'İ' | 'ı' | '\u{212a}' | '\u{212b}' | '\u{2126}')
        || (c > '\u{ffff}' && (lower(c) != c || upper(c) != c))
}

pub fn change_case(w: &World<'_>, call: &Call, to_upper: bool) -> Out {
    let text = required_text(w, call, 0)?;
    let culture = optional_text(w, call, 1)?;
    let Some(text) = text else { return w.null_text(call) };
    if let Some(culture) = culture.filter(|c| !c.is_empty()) {
        let language = culture.split('-').next().unwrap_or_default().to_ascii_lowercase();
        if !text.is_ascii() || matches!(language.as_str(), "tr" | "az" | "lt") {
            return Err(unknown(call, "makes of this text in the given culture"));
        }
    }
    if text.chars().any(doubtful_case) {
        w.doubt(format!("{} meets a letter whose case depends on the culture", call.name));
    }
    Ok(Value::Str(text.chars().map(if to_upper { upper } else { lower }).collect()))
}

pub fn proper_case(w: &World<'_>, call: &Call) -> Out {
    let text = required_text(w, call, 0)?;
    let separators = optional_text(w, call, 1)?;
    let Some(text) = text else { return w.null_text(call) };
    // Without separators .NET decides by character category; beyond plain words that is not predicted.
    let plain = |c: char| c.is_ascii_alphabetic() || matches!(c, ' ' | '(' | ')' | '-' | ',' | '.');
    if separators.is_none() && !text.chars().all(plain) {
        w.doubt("how PCase divides words beyond plain letters is described nowhere");
    }
    if text.chars().any(doubtful_case) {
        w.doubt("PCase meets a letter whose case depends on the culture");
    }
    let mut start = true;
    let out = text.chars().map(|c| {
        let separates = match &separators {
            Some(separators) => separators.contains(c),
            None => !c.is_alphanumeric() && c != '\'' && !is_combining_mark(c),
        };
        let mapped = if separates || !start { lower(c) } else { upper(c) };
        start = separates;
        mapped
    });
    Ok(Value::Str(out.collect()))
}

pub fn normalize_diacritics(w: &World<'_>, call: &Call) -> Out {
    let Some(text) = required_text(w, call, 0)? else { return w.null_text(call) };
    if text.is_ascii() {
        return Ok(Value::Str(text.into_owned()));
    }
    let latin = stripped(&text, false);
    let all = stripped(&text, true);
    // Latin letters that are listed nowhere and have no mark to drop.
    if latin.chars().any(|c| matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}') && c.is_alphabetic()) {
        w.doubt("NormalizeDiacritics meets a letter that the documentation does not list");
    }
    Ok(Value::Str(w.either(Point::Diacritics, all, latin, || {
        "what NormalizeDiacritics makes of marks outside of the Latin script is described nowhere".to_owned()
    })))
}

/// The text without marks: those on Latin letters, or all of them.
fn stripped(text: &str, everywhere: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut base_is_latin = true;
    for c in text.chars() {
        let listed = match c {
            'æ' => "ae",
            'Æ' => "AE",
            'ø' => "oe",
            'Ø' => "OE",
            'ß' => "ss",
            'ł' => "l",
            'Ł' => "L",
            'ı' => "i",
            _ => "",
        };
        if !listed.is_empty() {
            out.push_str(listed);
            base_is_latin = true;
            continue;
        }
        decompose_canonical(c, |part| {
            if is_combining_mark(part) {
                if !everywhere && !base_is_latin {
                    out.push(part);
                }
            } else {
                // Symbols and letters up to the IPA block, where the Latin script ends for this purpose.
                base_is_latin = part < '\u{370}' || matches!(part, '\u{1e00}'..='\u{1eff}');
                out.push(part);
            }
        });
    }
    out.nfc().collect()
}
