//! The functions that the documentation names, with how many argument slots each takes. Which of the two references
//! names it does not matter here: the default mappings of a job to Active Directory use both.

/// A documented function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Append,
    AppRoleAssignments,
    AppRoleAssignmentsComplex,
    BitAnd,
    CBool,
    CDate,
    CRef,
    CStr,
    Coalesce,
    Contains,
    ConvertFromBase64,
    ConvertToBase64,
    ConvertToUtf8Hex,
    Count,
    DateAdd,
    DateDiff,
    DateFromNum,
    DefaultDomain,
    DnComponent,
    Error,
    FormatDateTime,
    Guid,
    Iif,
    IgnoreFlowIfNullOrEmpty,
    InStr,
    IsNull,
    IsNullOrEmpty,
    IsPresent,
    IsString,
    Item,
    Join,
    Left,
    Len,
    Mid,
    NormalizeDiacritics,
    Not,
    Now,
    NumFromDate,
    PCase,
    RandomString,
    Redact,
    RemoveDuplicates,
    Replace,
    SelectUniqueValue,
    SingleAppRoleAssignment,
    Split,
    StringFromSid,
    StripSpaces,
    Switch,
    ToLower,
    ToUpper,
    Trim,
    Word,
}

impl Function {
    /// True for functions that the Cloud Sync reference does not list, and no default mapping to Active Directory uses.
    pub fn is_app_provisioning_only(self) -> bool {
        use Function as F;
        matches!(
            self,
            F::AppRoleAssignmentsComplex
                | F::CDate
                | F::Coalesce
                | F::DateAdd
                | F::DateDiff
                | F::DefaultDomain
                | F::Len
                | F::Now
                | F::NumFromDate
                | F::PCase
                | F::RandomString
                | F::Redact
        )
    }
}

/// One entry: the function, its documented spelling, least and most argument slots.
pub struct Entry {
    pub function: Function,
    pub name: &'static str,
    pub min: usize,
    pub max: usize,
}

const MANY: usize = usize::MAX;

const fn entry(function: Function, name: &'static str, min: usize, max: usize) -> Entry {
    Entry { function, name, min, max }
}

pub static CATALOG: &[Entry] = &[
    entry(Function::Append, "Append", 2, 2),
    entry(Function::AppRoleAssignments, "AppRoleAssignments", 1, 1),
    entry(Function::AppRoleAssignmentsComplex, "AppRoleAssignmentsComplex", 1, 1),
    entry(Function::BitAnd, "BitAnd", 2, 2),
    entry(Function::CBool, "CBool", 1, 1),
    entry(Function::CDate, "CDate", 1, 1),
    entry(Function::CRef, "CRef", 1, 1),
    entry(Function::CStr, "CStr", 1, 1),
    entry(Function::Coalesce, "Coalesce", 1, MANY),
    entry(Function::Contains, "Contains", 0, MANY),
    entry(Function::ConvertFromBase64, "ConvertFromBase64", 1, 2),
    entry(Function::ConvertToBase64, "ConvertToBase64", 1, 1),
    entry(Function::ConvertToUtf8Hex, "ConvertToUTF8Hex", 1, 1),
    entry(Function::Count, "Count", 1, 1),
    entry(Function::DateAdd, "DateAdd", 3, 3),
    entry(Function::DateDiff, "DateDiff", 3, 3),
    entry(Function::DateFromNum, "DateFromNum", 1, 1),
    entry(Function::DefaultDomain, "DefaultDomain", 0, 0),
    entry(Function::DnComponent, "DNComponent", 2, 2),
    entry(Function::Error, "Error", 1, 1),
    entry(Function::FormatDateTime, "FormatDateTime", 3, 4),
    entry(Function::Guid, "Guid", 0, 0),
    entry(Function::Iif, "IIF", 3, 3),
    entry(Function::IgnoreFlowIfNullOrEmpty, "IgnoreFlowIfNullOrEmpty", 1, 1),
    entry(Function::InStr, "InStr", 2, 4),
    entry(Function::IsNull, "IsNull", 1, 1),
    entry(Function::IsNullOrEmpty, "IsNullOrEmpty", 1, 1),
    entry(Function::IsPresent, "IsPresent", 1, 1),
    entry(Function::IsString, "IsString", 1, 1),
    entry(Function::Item, "Item", 2, 2),
    entry(Function::Join, "Join", 2, MANY),
    entry(Function::Left, "Left", 2, 2),
    entry(Function::Len, "Len", 1, 1),
    entry(Function::Mid, "Mid", 2, 3),
    entry(Function::NormalizeDiacritics, "NormalizeDiacritics", 1, 1),
    entry(Function::Not, "Not", 1, 1),
    entry(Function::Now, "Now", 0, 0),
    entry(Function::NumFromDate, "NumFromDate", 1, 1),
    entry(Function::PCase, "PCase", 1, 2),
    entry(Function::RandomString, "RandomString", 5, 6),
    entry(Function::Redact, "Redact", 1, 1),
    entry(Function::RemoveDuplicates, "RemoveDuplicates", 1, 1),
    entry(Function::Replace, "Replace", 2, 7),
    entry(Function::SelectUniqueValue, "SelectUniqueValue", 1, MANY),
    entry(Function::SingleAppRoleAssignment, "SingleAppRoleAssignment", 1, 1),
    entry(Function::Split, "Split", 2, 2),
    entry(Function::StringFromSid, "StringFromSid", 1, 1),
    entry(Function::StripSpaces, "StripSpaces", 1, 1),
    entry(Function::Switch, "Switch", 4, MANY),
    entry(Function::ToLower, "ToLower", 1, 2),
    entry(Function::ToUpper, "ToUpper", 1, 2),
    entry(Function::Trim, "Trim", 1, 1),
    entry(Function::Word, "Word", 3, 3),
];

/// The entry of a name in any letter case.
pub fn find(name: &str) -> Option<&'static Entry> {
    CATALOG.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
}

/// The documented name nearest to one that is none, for a message.
pub fn nearest(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    CATALOG
        .iter()
        .map(|entry| (strsim::levenshtein(&lower, &entry.name.to_ascii_lowercase()), entry.name))
        // Of a short name most letters have to be right.
        .filter(|(distance, _)| *distance <= 2 && distance * 2 < lower.chars().count())
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_stands_once_and_is_found_in_any_case() {
        for (i, entry) in CATALOG.iter().enumerate() {
            assert!(entry.min <= entry.max);
            assert!(CATALOG[i + 1..].iter().all(|other| other.function != entry.function), "{}", entry.name);
            assert_eq!(find(&entry.name.to_uppercase()).map(|e| e.function), Some(entry.function));
        }
        assert!(find("Lef").is_none());
        assert_eq!(nearest("Lef"), Some("Left"));
        assert_eq!(nearest("Sprongle"), None);
        assert_eq!(nearest("Foo"), None);
    }
}
