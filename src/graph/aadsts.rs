//! What the login service means by its error codes, and what to do.

/// The words and the remedy for an AADSTS number.
pub(super) fn explain(code: u32) -> Option<(&'static str, &'static str)> {
    EXPLAINED.iter().find(|(known, ..)| *known == code).map(|(_, words, remedy)| (*words, *remedy))
}

/// The number in a text such as `AADSTS7000215: Invalid client secret provided.`
pub(super) fn number(text: &str) -> Option<u32> {
    let rest = text.split_once("AADSTS")?.1;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

static EXPLAINED: &[(u32, &str, &str)] = &[
    (16000, "the account is not in this tenant", "Sign in with an account of the tenant that [entra] tenant_id names."),
    (
        50034,
        "there is no such user in the tenant",
        "Sign in with an account of the tenant that [entra] tenant_id names.",
    ),
    (
        50053,
        "the account is locked, or the sign-in came from a blocked address",
        "Unlock the account, or try again later.",
    ),
    (50055, "the user's password has expired", "Set a new password."),
    (50057, "the user's account is disabled", "Enable the account, or use another."),
    (
        50076,
        "Conditional Access asks this user for a second factor",
        "Sign in with auth = \"device-code\" and complete the second factor, or use an application's certificate.",
    ),
    (50079, "the user has to enrol a second factor first", "Sign in once in a browser and enrol, then try again."),
    (
        50105,
        "the user is not assigned to the application",
        "Assign the user to the enterprise application, or switch off \"assignment required\".",
    ),
    (50126, "wrong user name or password", "Check the account and its password."),
    (
        50194,
        "the application is not set up for other tenants",
        "Use the tenant that the application is registered in: [entra] tenant_id.",
    ),
    (
        53000,
        "Conditional Access wants a compliant device",
        "Sign in from a device that the policy accepts, or use an application's certificate.",
    ),
    (
        53001,
        "Conditional Access wants a domain-joined device",
        "Sign in from a device that the policy accepts, or use an application's certificate.",
    ),
    (
        53003,
        "a Conditional Access policy forbids this sign-in",
        "Look at the sign-in in Entra's sign-in logs: it names the policy. Exclude the application or the account, or sign in from where the policy allows.",
    ),
    (
        65001,
        "nobody has consented to the permissions of the application",
        "An administrator grants consent: App registrations, API permissions, \"Grant admin consent\".",
    ),
    (65004, "the user declined the consent", "Sign in again and accept, or have an administrator consent."),
    (70008, "the sign-in has expired", "Sign in again."),
    (70011, "the scope asked for is not valid in this cloud", "Check [entra] cloud."),
    (70016, "the code has not been entered yet", "Enter the code at the address shown."),
    (70018, "the code is not valid any more", "Start again: a new code is shown."),
    (70019, "the code has expired", "Start again, and enter the code within its time."),
    (70020, "the code was not entered in time", "Start again, and enter the code within its time."),
    (70043, "the sign-in has expired by policy", "Sign in again."),
    (
        90002,
        "there is no such tenant",
        "Check [entra] tenant_id, and [entra] cloud: a tenant is known in its own cloud only.",
    ),
    (
        90072,
        "the account belongs to another tenant",
        "Sign in with an account of the tenant that [entra] tenant_id names.",
    ),
    (500011, "the tenant does not know Microsoft Graph under this address", "Check [entra] cloud."),
    (
        500021,
        "tenant restrictions of the network forbid this tenant",
        "Ask whoever runs the proxy to allow the tenant.",
    ),
    (700003, "the device of this sign-in is not known", "Sign in again."),
    (
        700016,
        "the application is not known in this tenant",
        "Check [entra] client_id and tenant_id; the application has to be registered in, or consented to by, this tenant.",
    ),
    (700024, "the client assertion is not valid now", "Check this computer's clock."),
    (
        700027,
        "the certificate is not registered with the application, or the signature does not match it",
        "Upload the certificate: App registrations, Certificates & secrets. Its thumbprint has to be that of [entra] certificate_file.",
    ),
    (
        700030,
        "the certificate is not acceptable",
        "Use a certificate with an RSA key of 2048 bits or more that has not expired.",
    ),
    (900023, "the tenant's name is not valid", "[entra] tenant_id is the tenant's id or one of its domains."),
    (900144, "the request lacks a part", "Check [entra] client_id and auth."),
    (1000502, "the certificate is not valid now", "Renew it and upload the new one, and check this computer's clock."),
    (7000112, "the application is disabled in this tenant", "Enable the enterprise application."),
    (
        7000215,
        "the client secret is wrong",
        "Give the secret's value, not its id. It is shown only when it is made; make a new one if it is lost.",
    ),
    (
        7000216,
        "the application needs a secret or a certificate for this sign-in",
        "Set auth = \"certificate\" or \"secret\", or allow public client flows for auth = \"device-code\".",
    ),
    (
        7000218,
        "the application needs a secret or a certificate for this sign-in",
        "For auth = \"device-code\": App registrations, Authentication, \"Allow public client flows\".",
    ),
    (7000222, "the client secret has expired", "Make a new secret, or better, register a certificate."),
    (
        7000229,
        "the application has no enterprise application in this tenant",
        "Consent to the application in this tenant, which creates it.",
    ),
    (50011, "the redirect address is not registered", "Register the application for public client flows."),
    (
        50020,
        "the account is of another tenant and no guest here",
        "Sign in with an account of the tenant that [entra] tenant_id names.",
    ),
    (
        50158,
        "Conditional Access asks for another step outside of Entra",
        "Complete it in a browser, or use an application's certificate.",
    ),
    (
        530032,
        "a security policy of the tenant forbids this sign-in",
        "Look at the sign-in in Entra's sign-in logs: it names the policy.",
    ),
    (530035, "security defaults forbid this sign-in", "Use an application's certificate."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_in_what_the_service_says() {
        for (text, expected) in [
            ("AADSTS7000215: Invalid client secret provided.", Some(7_000_215)),
            ("x AADSTS50076: y", Some(50_076)),
            ("AADSTS: none", None),
            ("AADSTS99999999999999: long", None),
            ("", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
        for code in [
            7_000_222, 7_000_215, 700_016, 90_002, 65_001, 53_003, 50_076, 50_079, 700_027, 700_024, 500_011, 70_016,
            70_019, 70_020,
        ] {
            let (words, remedy) = explain(code).unwrap();
            assert!(!words.is_empty() && remedy.ends_with('.'), "{code}");
        }
        let mut codes: Vec<u32> = EXPLAINED.iter().map(|e| e.0).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), EXPLAINED.len(), "each code stands once");
    }
}
