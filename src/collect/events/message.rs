//! The English text of an event, back into the fields that XML has: parts such as `Subject:` at the start of a line,
//! below each its lines `Label:  value`, indented.

use std::collections::BTreeMap;

/// Part, label, and the name that XML gives the field. The first that is found stands: an attribute's value comes later
/// and may have line breaks and words of its own.
const FIELDS: [(&str, &str, &str); 23] = [
    ("subject", "security id", "SubjectUserSid"),
    ("subject", "account name", "SubjectUserName"),
    ("subject", "account domain", "SubjectDomainName"),
    ("member", "security id", "MemberSid"),
    ("member", "account name", "MemberName"),
    ("group", "security id", "TargetSid"),
    ("group", "account name", "TargetUserName"),
    ("group", "group name", "TargetUserName"),
    ("group", "account domain", "TargetDomainName"),
    ("group", "group domain", "TargetDomainName"),
    ("new group", "security id", "TargetSid"),
    ("new group", "group name", "TargetUserName"),
    ("new group", "group domain", "TargetDomainName"),
    ("deleted group", "security id", "TargetSid"),
    ("deleted group", "group name", "TargetUserName"),
    ("deleted group", "group domain", "TargetDomainName"),
    ("object", "dn", "ObjectDN"),
    ("object", "guid", "ObjectGUID"),
    ("object", "class", "ObjectClass"),
    ("attribute", "ldap display name", "AttributeLDAPDisplayName"),
    ("attribute", "value", "AttributeValue"),
    ("operation", "type", "OperationType"),
    ("operation", "correlation id", "OpCorrelationID"),
];

/// `None`: there is no subject, so this is no English text of such an event.
pub(super) fn fields(text: &str) -> Option<BTreeMap<String, String>> {
    let mut out = BTreeMap::new();
    let mut part = String::new();
    let mut subject = false;
    for line in text.lines() {
        let Some((label, value)) = line.split_once(':') else { continue };
        let (indented, value) = (label.starts_with([' ', '\t']), value.trim());
        let label = label.trim().to_ascii_lowercase();
        if !indented && value.is_empty() {
            subject |= label == "subject";
            part = label;
            continue;
        }
        let known = FIELDS.iter().find(|(p, l, _)| *p == part && *l == label);
        if let Some((_, _, name)) = known {
            out.entry((*name).to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    subject.then_some(out)
}
