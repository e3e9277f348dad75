//! What Active Directory means by its result codes and by the numbers in its diagnostic messages.

use super::fault::FaultKind;

/// What a failure is, in words, and what to do about it.
pub(super) struct Meaning {
    pub kind: FaultKind,
    pub words: &'static str,
    pub hint: &'static str,
}

const fn meaning(kind: FaultKind, words: &'static str, hint: &'static str) -> Meaning {
    Meaning { kind, words, hint }
}

/// Sub-codes of a refused bind: `data 52e` in the server's message (Windows logon errors, hexadecimal).
static LOGON: &[(u32, Meaning)] = &[
    (
        0x525,
        meaning(
            FaultKind::Credentials,
            "there is no such account",
            "Check [ad] user: user@domain, DOMAIN\\user, or the account's distinguished name.",
        ),
    ),
    (
        0x52e,
        meaning(
            FaultKind::Credentials,
            "wrong user name or password",
            "Check [ad] user and the password; repeated attempts can lock the account.",
        ),
    ),
    (
        0x52f,
        meaning(
            FaultKind::Credentials,
            "account restrictions forbid this sign-in",
            "Look at the account's restrictions and the domain's policies.",
        ),
    ),
    (
        0x530,
        meaning(
            FaultKind::Credentials,
            "the account may not sign in at this hour",
            "Change the account's logon hours, or try again later.",
        ),
    ),
    (
        0x531,
        meaning(
            FaultKind::Credentials,
            "the account may not sign in from this computer",
            "Add this computer to the account's list of workstations.",
        ),
    ),
    (0x532, meaning(FaultKind::Credentials, "the account's password has expired", "Set a new password.")),
    (0x533, meaning(FaultKind::Credentials, "the account is disabled", "Enable the account, or use another.")),
    (
        0x568,
        meaning(
            FaultKind::Credentials,
            "the account is in too many groups for a sign-in",
            "Use an account with fewer group memberships.",
        ),
    ),
    (0x701, meaning(FaultKind::Credentials, "the account has expired", "Extend the account, or use another.")),
    (
        0x773,
        meaning(
            FaultKind::Credentials,
            "the password has to be changed before the first sign-in",
            "Sign in once interactively, or clear \"user must change password at next logon\".",
        ),
    ),
    (
        0x775,
        meaning(
            FaultKind::Credentials,
            "the account is locked out",
            "Unlock the account; find out what locked it before you try again.",
        ),
    ),
];

/// Windows and directory-service error numbers that begin a diagnostic message, as in `00002098: …`.
static NUMBERS: &[(u32, Meaning)] = &[
    (
        0x0000_04DC,
        meaning(
            FaultKind::Credentials,
            "the server wants a sign-in before this operation",
            "Configure [ad] bind and user.",
        ),
    ),
    (
        0x0000_0525,
        meaning(
            FaultKind::NoSuchObject,
            "the account or member named does not exist",
            "Check the name; it may have been deleted or renamed meanwhile.",
        ),
    ),
    (0x0000_0561, meaning(FaultKind::Guard, "the object is not a member of the group", "")),
    (0x0000_0562, meaning(FaultKind::Guard, "the object is a member of the group already", "")),
    (
        0x0000_2023,
        meaning(
            FaultKind::Limit,
            "the server's size limit ended the search",
            "Read in pages, or raise MaxPageSize in the LDAP policies.",
        ),
    ),
    (
        0x0000_2024,
        meaning(
            FaultKind::Limit,
            "an administrative limit of the server ended the operation",
            "Look at the server's LDAP policies (ntdsutil, \"LDAP policies\").",
        ),
    ),
    (
        0x0000_2028,
        meaning(
            FaultKind::StrongAuth,
            "the server wants a stronger sign-in: TLS or signing",
            "Use ldaps://, or starttls = true, or bind = \"gssapi\".",
        ),
    ),
    (
        0x0000_202B,
        meaning(
            FaultKind::Referral,
            "the object belongs to another server",
            "Connect to a domain controller of the domain that holds it.",
        ),
    ),
    (
        0x0000_2030,
        meaning(
            FaultKind::NoSuchObject,
            "there is no such object",
            "Check the distinguished name; the account may also be unable to see it.",
        ),
    ),
    (
        0x0000_208D,
        meaning(
            FaultKind::NoSuchObject,
            "there is no such object",
            "Check the distinguished name; the account may also be unable to see it.",
        ),
    ),
    (0x0000_2081, meaning(FaultKind::Guard, "the value breaks a rule of the attribute", "")),
    (0x0000_2083, meaning(FaultKind::Guard, "the attribute has this value already", "")),
    (
        0x0000_2098,
        meaning(
            FaultKind::AccessDenied,
            "the account lacks the right for this operation",
            "Grant it, or use another account; groupshift preflight names the right.",
        ),
    ),
    (0x0000_2141, meaning(FaultKind::Schema, "the group type is invalid", "")),
    (0x0000_2142, meaning(FaultKind::Schema, "a global group cannot hold such a nested group in a mixed domain", "")),
    (0x0000_2143, meaning(FaultKind::Schema, "a local group cannot hold such a nested group in a mixed domain", "")),
    (0x0000_2144, meaning(FaultKind::Schema, "a global group cannot have a local group as a member", "")),
    (0x0000_2145, meaning(FaultKind::Schema, "a global group cannot have a universal group as a member", "")),
    (0x0000_2146, meaning(FaultKind::Schema, "a universal group cannot have a local group as a member", "")),
    (0x0000_2147, meaning(FaultKind::Schema, "a global group cannot have a member of another domain", "")),
    (
        0x0000_2148,
        meaning(FaultKind::Schema, "a local group cannot have a local group of another domain as a member", ""),
    ),
    (0x0000_2149, meaning(FaultKind::Schema, "a group with primary members cannot become a distribution group", "")),
    (0x0000_2182, meaning(FaultKind::Schema, "an account group cannot have a universal group as a member", "")),
    (
        0x8009_0346,
        meaning(
            FaultKind::StrongAuth,
            "the server wants a channel binding token",
            "Sign in with bind = \"gssapi\" over ldaps://, or with bind = \"simple\" over TLS; the password need not be wrong.",
        ),
    ),
];

/// LDAP result codes (RFC 4511, appendix A).
static CODES: &[(u32, Meaning)] = &[
    (1, meaning(FaultKind::Other, "operations error", "The server may want a sign-in first, or cannot do this now.")),
    (2, meaning(FaultKind::Protocol, "protocol error", "")),
    (
        3,
        meaning(
            FaultKind::Limit,
            "the server's time limit ended the search",
            "Try again when the server is less busy, or raise MaxQueryDuration in the LDAP policies.",
        ),
    ),
    (
        4,
        meaning(
            FaultKind::Limit,
            "the server's size limit ended the search",
            "Raise MaxPageSize or MaxResultSetSize in the LDAP policies.",
        ),
    ),
    (7, meaning(FaultKind::StrongAuth, "the server does not support this way to sign in", "Choose another [ad] bind.")),
    (
        8,
        meaning(
            FaultKind::StrongAuth,
            "the server wants a stronger sign-in: TLS or signing",
            "Use ldaps://, or starttls = true, or bind = \"gssapi\".",
        ),
    ),
    (
        10,
        meaning(
            FaultKind::Referral,
            "the object belongs to another server",
            "Connect to a domain controller of the domain that holds it.",
        ),
    ),
    (
        11,
        meaning(
            FaultKind::Limit,
            "an administrative limit of the server ended the operation",
            "Look at the server's LDAP policies.",
        ),
    ),
    (12, meaning(FaultKind::Unsupported, "the server does not support a control that this operation needs", "")),
    (13, meaning(FaultKind::StrongAuth, "the server wants encryption", "Use ldaps:// or starttls = true.")),
    (16, meaning(FaultKind::Guard, "the attribute, or the value to remove, is not there", "")),
    (17, meaning(FaultKind::Schema, "the schema has no such attribute", "")),
    (18, meaning(FaultKind::Schema, "the attribute cannot be compared so", "")),
    (19, meaning(FaultKind::Guard, "the value breaks a rule of the attribute", "")),
    (20, meaning(FaultKind::Guard, "the attribute has a value already", "")),
    (21, meaning(FaultKind::Schema, "the value is not valid for this attribute", "")),
    (
        32,
        meaning(
            FaultKind::NoSuchObject,
            "there is no such object",
            "Check the distinguished name; the account may also be unable to see it.",
        ),
    ),
    (34, meaning(FaultKind::NoSuchObject, "this is not a valid distinguished name", "")),
    (
        48,
        meaning(
            FaultKind::Credentials,
            "this way to sign in is not allowed for the account",
            "Choose another [ad] bind or user.",
        ),
    ),
    (49, meaning(FaultKind::Credentials, "the sign-in was refused", "Check [ad] user and the password.")),
    (
        50,
        meaning(
            FaultKind::AccessDenied,
            "the account lacks the right for this operation",
            "Grant it, or use another account; groupshift preflight names the right.",
        ),
    ),
    (51, meaning(FaultKind::Busy, "the server is busy", "Try again in a while.")),
    (
        52,
        meaning(
            FaultKind::Busy,
            "the server is not available now",
            "Try again in a while, or use another domain controller.",
        ),
    ),
    (53, meaning(FaultKind::Guard, "the server is unwilling to do this", "")),
    (64, meaning(FaultKind::Schema, "the schema does not allow this name", "")),
    (65, meaning(FaultKind::Schema, "the schema does not allow this on such an object", "")),
    (68, meaning(FaultKind::Guard, "it exists already", "")),
    (80, meaning(FaultKind::Other, "the server failed with an error of its own", "")),
];

/// The meaning of a result code with the server's message. The message knows more than the code, where it has a number.
pub(super) fn of(code: u32, message: &str) -> Option<&'static Meaning> {
    if matches!(code, 1 | 8 | 49)
        && let Some(found) = number_after(message, "data ").and_then(|n| find(LOGON, n))
    {
        return Some(found);
    }
    leading_number(message).and_then(|n| find(NUMBERS, n)).or_else(|| find(CODES, code))
}

fn find(table: &'static [(u32, Meaning)], number: u32) -> Option<&'static Meaning> {
    table.iter().find(|(n, _)| *n == number).map(|(_, m)| m)
}

/// The eight hexadecimal digits that begin a message of Active Directory.
fn leading_number(message: &str) -> Option<u32> {
    let digits = message.trim_start().get(..8)?;
    let ends = message.trim_start().as_bytes().get(8).is_none_or(|b| !b.is_ascii_alphanumeric());
    ends.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

fn number_after(message: &str, word: &str) -> Option<u32> {
    let (_, rest) = message.split_once(word)?;
    let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
    u32::from_str_radix(&rest[..end], 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_says_more_than_its_code() {
        let bind = |data: &str| {
            format!("80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {data}, v3839\0")
        };
        for (code, message, words) in [
            (49, bind("52e"), "wrong user name or password"),
            (49, bind("525"), "no such account"),
            (49, bind("530"), "at this hour"),
            (49, bind("531"), "from this computer"),
            (49, bind("532"), "password has expired"),
            (49, bind("533"), "is disabled"),
            (49, bind("701"), "account has expired"),
            (49, bind("773"), "has to be changed"),
            (49, bind("775"), "locked out"),
            (49, bind("9999"), "sign-in was refused"),
            (49, "80090346: LdapErr: DSID-0C090569, comment: AcceptSecurityContext error, data 80090346, v4563".to_owned(), "channel binding"),
            (8, "00002028: LdapErr: DSID-0C090202".to_owned(), "TLS or signing"),
            (8, "BindSimple: Transport encryption required.".to_owned(), "TLS or signing"),
            (50, "00002098: SecErr: DSID-03150F94, problem 4003".to_owned(), "lacks the right"),
            (32, "0000208D: NameErr: DSID-0310028B".to_owned(), "no such object"),
            (53, "00002145: SvcErr".to_owned(), "universal group as a member"),
            (53, "".to_owned(), "unwilling"),
            (1, "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be completed".to_owned(), "wants a sign-in"),
            (51, "busy".to_owned(), "is busy"),
            (20, "0000200D: Attribute exists".to_owned(), "has a value already"),
        ] {
            let meaning = of(code, &message).unwrap();
            assert!(meaning.words.contains(words), "{code} {message}: {}", meaning.words);
        }
        assert!(of(9999, "").is_none());
    }
}
