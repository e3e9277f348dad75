//! What went wrong with Graph or the sign-in: its kind for the program, its words for the administrator.

use super::{aadsts, permissions};
use crate::error::{Error, Place};
use crate::report::plain;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;

/// What sort of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The login service refused.
    SignIn,
    /// The token was refused, again after it was renewed.
    Unauthorized,
    /// A permission is missing.
    Forbidden,
    NotFound,
    /// The object is not what the request took it for (409, 412).
    Conflict,
    /// The request is wrong, or this tenant does not know it.
    BadRequest,
    /// The tenant lacks a licence for this.
    Licence,
    /// Refused too often, or for too long.
    Throttled,
    /// The service failed, again and again.
    Service,
    /// A page's token has expired: the list has to be read again from its start.
    ExpiredPage,
    /// A delta token has expired: a full reading is needed.
    ExpiredDelta,
    /// The network, a name, a proxy.
    Transport,
    Tls,
    /// The answer is no JSON, is cut, too large, or breaks Graph's own rules.
    Malformed,
    /// A link to another host, or links that go round in a circle.
    Link,
}

/// A failed request.
#[derive(Debug, Clone)]
pub struct Fault {
    pub kind: FaultKind,
    pub status: Option<u16>,
    /// Graph's own code, such as `Authorization_RequestDenied`, or the AADSTS number.
    pub code: Option<Box<str>>,
    pub words: String,
    /// Graph's id of the request, for Microsoft's support.
    pub request_id: Option<Box<str>>,
    /// Method and path, without what follows a question mark in links that carry tokens.
    pub request: String,
    pub hint: Option<String>,
    /// Whether the request was perhaps carried out all the same: nobody answered, or the answer tells nothing.
    pub doubt: bool,
}

/// Graph's own words in an error's body: code, message, request id. Services behind Graph differ in letter case, leave
/// parts out or put null there; what is not understood does not cost the rest.
fn detail(body: &[u8]) -> (String, String, Option<String>) {
    fn member<'v>(value: &'v Value, name: &str) -> &'v Value {
        let found = value.as_object().and_then(|o| o.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)));
        found.map_or(&Value::Null, |(_, value)| value)
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = member(&body, "error");
    // Services that speak OAuth give the error as a text.
    if error.is_string() {
        return (text(error), text(member(&body, "error_description")), None);
    }
    let inner = member(error, "innerError");
    (
        text(member(error, "code")),
        text(member(error, "message")),
        member(inner, "request-id").as_str().map(str::to_owned),
    )
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LoginError {
    error: String,
    error_description: String,
    error_codes: Vec<u32>,
    timestamp: Option<String>,
    trace_id: Option<String>,
}

impl Fault {
    pub(super) fn new(kind: FaultKind, request: &str, words: impl Into<String>) -> Fault {
        Fault {
            kind,
            status: None,
            code: None,
            words: words.into(),
            request_id: None,
            request: request.to_owned(),
            hint: None,
            doubt: false,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Fault {
        self.hint = Some(hint.into());
        self
    }

    /// From an answer that is no success.
    pub(super) fn answer(request: &str, status: u16, request_id: Option<String>, body: &[u8]) -> Fault {
        let (code, message, inner_id) = detail(body);
        let kind = kind_of(status, &code, &message);
        let words = match (code.is_empty(), is_html(body)) {
            (false, _) if message.is_empty() => code.clone(),
            (false, _) => format!("{code}: {message}"),
            (true, true) => "the answer is a web page, not Graph's".to_owned(),
            (true, false) => "the answer says no more".to_owned(),
        };
        let mut fault = Fault::new(kind, request, words);
        fault.status = Some(status);
        fault.doubt = status >= 500;
        fault.code = (!code.is_empty()).then(|| code.into());
        fault.request_id = request_id.or(inner_id).map(Into::into);
        let needed =
            (kind == FaultKind::Forbidden && !is_html(body)).then(|| permissions::of_request(request)).flatten();
        match (needed, remedy(kind, is_html(body))) {
            (Some(need), _) => fault.hint(format!(
                "To {}, the application needs the permission {} and an administrator's consent to it; groupshift preflight compares all of them.",
                need.what,
                need.least()
            )),
            (None, "") => fault,
            (None, hint) => fault.hint(hint),
        }
    }

    /// From a refusal of the login service. What it says is shown to its first line, without the secret.
    pub(super) fn login(request: &str, status: u16, body: &[u8], secret: &str) -> Fault {
        let said: LoginError = serde_json::from_slice(body).unwrap_or_default();
        let code = said.error_codes.first().copied().or_else(|| aadsts::number(&said.error_description));
        let line = said.error_description.lines().next().unwrap_or("").trim();
        let line = if secret.is_empty() { line.to_owned() } else { line.replace(secret, "…") };
        let explained = code.and_then(aadsts::explain);
        let words = match (explained, said.error.is_empty()) {
            (Some((words, _)), _) => format!("{words} ({line})"),
            (None, false) => format!("{}: {line}", said.error),
            (None, true) if is_html(body) => "the answer is a web page, not the login service's".to_owned(),
            (None, true) => "the login service refused and says no more".to_owned(),
        };
        let mut fault = Fault::new(FaultKind::SignIn, request, words);
        fault.status = Some(status);
        fault.code = match said.error.as_str() {
            // What a device code's sign-in waits on is told by the protocol's word; the number varies.
            "" | "authorization_pending" | "slow_down" => None,
            _ => code.map(|c| format!("AADSTS{c}").into()),
        }
        .or((!said.error.is_empty()).then(|| said.error.into()))
        .or(code.map(|c| format!("AADSTS{c}").into()));
        fault.request_id = match (said.trace_id, said.timestamp) {
            (Some(trace), Some(time)) => Some(format!("{trace} at {time}").into()),
            (trace, _) => trace.map(Into::into),
        };
        fault.hint = explained.map(|(_, remedy)| remedy.to_owned());
        fault
    }

    /// From an error of the HTTP client.
    pub(super) fn transport(request: &str, error: &reqwest::Error) -> Fault {
        // Nothing was sent before there was a connection.
        let doubt = !error.is_connect();
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        let mut deepest = String::new();
        while let Some(this) = cause {
            if let Some(tls) = tls_error(this) {
                let (words, hint) = crate::tls::explain(tls);
                let hint = match tls {
                    rustls::Error::InvalidCertificate(_) => hint,
                    _ => "What answers under this address speaks no TLS that is safe: check [entra] graph_url and login_url, and the proxy (HTTPS_PROXY, NO_PROXY).".to_owned(),
                };
                return Fault { doubt, ..Fault::new(FaultKind::Tls, request, words).hint(hint) };
            }
            deepest = this.to_string();
            cause = this.source();
        }
        let words = match (error.is_timeout(), error.is_connect()) {
            (true, _) => "no answer in time".to_owned(),
            (_, true) => format!("no connection: {deepest}"),
            _ => format!("the connection broke: {deepest}"),
        };
        let fault = Fault::new(FaultKind::Transport, request, words);
        Fault { doubt, ..fault.hint("Check the network and the proxy (HTTPS_PROXY, NO_PROXY), then try again.") }
    }

    /// An error that came in an answer that began as a success.
    pub(super) fn broken_off(self) -> Fault {
        Fault { kind: FaultKind::Malformed, words: format!("the answer ends in an error: {}", self.words), ..self }
    }

    pub fn is_missing(&self) -> bool {
        self.kind == FaultKind::NotFound
    }
    /// The list has to be read again from its start.
    pub fn wants_restart(&self) -> bool {
        matches!(self.kind, FaultKind::ExpiredPage | FaultKind::ExpiredDelta)
    }
}

/// The TLS error that this error is or wraps; an I/O error may wrap another.
fn tls_error<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e rustls::Error> {
    let mut this = error;
    loop {
        if let Some(tls) = this.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        this = this.downcast_ref::<std::io::Error>()?.get_ref()?;
    }
}

fn kind_of(status: u16, code: &str, message: &str) -> FaultKind {
    let code = code.to_ascii_lowercase();
    let expired_delta = ["syncstatenotfound", "syncstateinvalid", "resyncrequired"].iter().any(|c| code.contains(c));
    match status {
        _ if expired_delta => FaultKind::ExpiredDelta,
        410 => FaultKind::ExpiredDelta,
        _ if code.contains("expiredpagetoken") => FaultKind::ExpiredPage,
        401 => FaultKind::Unauthorized,
        // Some services answer a missing licence with 403, others with 400.
        400 | 403
            if ["premium", "license", "licence", "tenant has no valid"]
                .iter()
                .any(|w| message.to_ascii_lowercase().contains(w)) =>
        {
            FaultKind::Licence
        }
        403 => FaultKind::Forbidden,
        404 => FaultKind::NotFound,
        409 | 412 => FaultKind::Conflict,
        429 => FaultKind::Throttled,
        500.. => FaultKind::Service,
        _ => FaultKind::BadRequest,
    }
}

fn remedy(kind: FaultKind, html: bool) -> &'static str {
    match kind {
        _ if html => "A proxy may have answered instead of Graph: check HTTPS_PROXY, NO_PROXY and its sign-in page.",
        FaultKind::Forbidden => {
            "The application lacks a permission, or consent to it: groupshift preflight names which."
        }
        FaultKind::Unauthorized => "The token is not accepted: sign in again; check [entra] cloud and tenant_id.",
        FaultKind::Throttled => "The tenant is at its limit: try later, or take less of it with --graph-budget.",
        FaultKind::Service => "Microsoft's service is failing: look at its health page, and try again later.",
        FaultKind::Licence => "The tenant lacks the licence for this.",
        _ => "",
    }
}

pub(super) fn is_html(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    body.trim_ascii_start().first() == Some(&b'<')
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", plain(&self.request), plain(&self.words))?;
        let status = self.status.map(|s| format!("HTTP {s}"));
        let id = self.request_id.as_ref().map(|id| format!("request {}", plain(id)));
        let more: Vec<String> = status.into_iter().chain(id).collect();
        if more.is_empty() { Ok(()) } else { write!(f, " ({})", more.join(", ")) }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        let place = match fault.kind {
            FaultKind::SignIn => "sign-in to Entra",
            _ => "Microsoft Graph",
        };
        let error = Error::failed(fault.to_string()).at(Place::default().object(place));
        match &fault.hint {
            Some(hint) => error.hint(hint.clone()),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_become_kinds() {
        let body = |code: &str, message: &str| {
            serde_json::json!({ "error": { "code": code, "message": message, "innerError": { "request-id": "r1" } } })
                .to_string()
        };
        for (status, code, message, kind) in [
            (400, "Directory_ExpiredPageToken", "", FaultKind::ExpiredPage),
            (410, "", "", FaultKind::ExpiredDelta),
            (400, "syncStateNotFound", "", FaultKind::ExpiredDelta),
            (404, "SyncStateNotFound", "", FaultKind::ExpiredDelta),
            (401, "InvalidAuthenticationToken", "", FaultKind::Unauthorized),
            (403, "Authorization_RequestDenied", "Insufficient privileges", FaultKind::Forbidden),
            (
                403,
                "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
                "Neither tenant is B2C or tenant doesn't have premium license",
                FaultKind::Licence,
            ),
            (404, "Request_ResourceNotFound", "", FaultKind::NotFound),
            (412, "PreconditionFailed", "", FaultKind::Conflict),
            (429, "TooManyRequests", "", FaultKind::Throttled),
            (503, "ServiceUnavailable", "", FaultKind::Service),
            (400, "Request_UnsupportedQuery", "", FaultKind::BadRequest),
        ] {
            let fault = Fault::answer("GET /v1.0/groups", status, None, body(code, message).as_bytes());
            assert_eq!(fault.kind, kind, "{status} {code}");
            assert!(fault.to_string().contains("request r1"), "{fault}");
        }
        let page = Fault::answer("GET /v1.0/groups", 403, Some("h1".to_owned()), b"\xEF\xBB\xBF <html>");
        assert!(page.hint.unwrap().contains("proxy"));
        assert_eq!(page.request_id.as_deref(), Some("h1"));
    }

    #[test]
    fn a_refused_sign_in_is_explained_without_the_secret() {
        let body = serde_json::json!({
            "error": "invalid_client",
            "error_description": "AADSTS7000215: Invalid client secret provided: hunter2.\r\nTrace ID: t",
            "error_codes": [7_000_215], "timestamp": "2026-11-21 05:00:00Z", "trace_id": "t-1"
        });
        let fault = Fault::login("sign in", 401, body.to_string().as_bytes(), "hunter2");
        let text = format!("{fault} {:?}", fault.hint);
        assert!(text.contains("client secret is wrong") && text.contains("t-1 at 2026"), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("Trace ID"), "{text}");
        assert_eq!(fault.code.as_deref(), Some("AADSTS7000215"));
    }
}
