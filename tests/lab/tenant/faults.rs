//! What may go wrong between a client and the service, planned for one operation.

use super::Tenant;
use super::server::{Answer, Asked, Sent};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// 429, with this `Retry-After`.
    Throttled(Option<&'static str>),
    /// 503.
    Unavailable,
    /// The connection ends before anything is answered.
    ResetBefore,
    /// The connection ends within the answer.
    ResetWithin,
    /// It is done, and the connection ends before anything is answered.
    ResetAfter,
    /// It is done, and answered with 503.
    UnavailableAfter,
    Forbidden,
    /// Half of the body, as if it were the whole.
    Truncated,
    /// A page that begins well ends in an error.
    BrokenOff,
    /// The page, and once more the same behind it.
    Doubled,
    WebPage,
    Unauthorized,
    ExpiredPage,
    /// The list goes on at this address.
    ForeignLink(String),
    /// The list goes on with itself, always.
    Loop,
    /// The same page comes twice.
    RepeatedPage,
    /// The last object of a page stands on the next one too.
    RepeatedObject,
    /// A body of 200 MB is announced.
    Oversized,
}

/// The next request of this operation fails so.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub operation: String,
    pub kind: Kind,
}

/// A request without what differs from object to object: ids are left out, and of the query only what tells one use of
/// a path from another remains.
pub fn operation(method: &str, path: &str, query: &str) -> String {
    let id = |s: &str| s.len() == 36 && s.matches('-').count() == 4;
    let job = |s: &str| s.contains('.') && s != "v1.0" && !s.starts_with("microsoft.");
    let mut path: Vec<&str> = path.split('/').map(|s| if id(s) || job(s) { "{id}" } else { s }).collect();
    // Ids of assignments have no form that would tell them.
    if let Some(at) = path.iter().position(|s| *s == "appRoleAssignedTo").filter(|at| at + 1 < path.len()) {
        path[at + 1] = "{id}";
    }
    let marks = ["$skiptoken=", "$deltatoken=latest", "$deltatoken=", "$filter="];
    let mark = marks.iter().find(|mark| query.replace("%24", "$").contains(**mark)).unwrap_or(&"");
    format!("{method} {} {mark}", path.join("/")).trim_end().to_owned()
}

impl Tenant {
    /// Whether the next such request fails before it is carried out.
    pub(super) fn fails_before(&self, operation: &str) -> bool {
        let after = [Kind::ResetAfter, Kind::ResetWithin, Kind::UnavailableAfter];
        self.faults.iter().find(|f| f.operation == operation).is_some_and(|f| !after.contains(&f.kind))
    }

    fn planned(&mut self, operation: &str) -> Option<Kind> {
        let at = self.faults.iter().position(|f| f.operation == operation)?;
        Some(match self.faults[at].kind {
            Kind::Loop => Kind::Loop,
            _ => self.faults.remove(at).kind,
        })
    }

    /// The refusal of one part of a batch, and whether the part is carried out all the same.
    pub(super) fn fault_of_part(&mut self, method: &str, path: &str, query: &str, id: &Value) -> Option<(Value, bool)> {
        let error = |code: &str| json!({ "error": { "code": code, "message": "as planned" } });
        // Reads go by the one name, as they always did.
        let method = if method == "GET" { "PART".to_owned() } else { format!("PART {method}") };
        let kind = self.planned(&operation(&method, path, query))?;
        let done = kind == Kind::UnavailableAfter;
        let answer = match kind {
            Kind::Throttled(after) => {
                let headers = after.map_or(json!({}), |after| json!({ "Retry-After": after }));
                json!({ "id": id, "status": 429, "headers": headers, "body": error("TooManyRequests") })
            }
            Kind::Forbidden => json!({ "id": id, "status": 403, "body": error("Authorization_RequestDenied") }),
            _ => json!({ "id": id, "status": 503, "body": error("ServiceUnavailable") }),
        };
        Some((answer, done))
    }

    /// The answer to a request, with what was planned for it.
    pub fn exchange(&mut self, asked: &Asked) -> Answer {
        if asked.query.contains("$skiptoken=again")
            && let Some(body) = self.again.take()
        {
            return Answer::json(200, &body);
        }
        let refused = |status, code: &str| {
            let error =
                json!({ "error": { "code": code, "message": "as planned", "innerError": { "request-id": "9e0c" } } });
            Answer::json(status, &error)
        };
        let Some(kind) = self.planned(&operation(&asked.method, &asked.path, &asked.query)) else {
            let (status, body) = self.serve(asked);
            return Answer::json(status, &body);
        };
        match kind {
            Kind::Throttled(after) => {
                let mut answer = refused(429, "TooManyRequests");
                answer.headers.extend(after.map(|after| ("retry-after", after.to_owned())));
                return answer;
            }
            Kind::Unavailable => return refused(503, "ServiceUnavailable"),
            Kind::Unauthorized => return refused(401, "InvalidAuthenticationToken"),
            Kind::ExpiredPage => return refused(400, "Directory_ExpiredPageToken"),
            Kind::Forbidden => return refused(403, "Authorization_RequestDenied"),
            Kind::ResetBefore => return Answer { sent: Sent::Nothing, ..refused(200, "") },
            _ => {}
        }
        let (status, mut body) = self.serve(asked);
        let itself = format!("{}{}?{}", self.base, asked.path, asked.query);
        match &kind {
            Kind::ForeignLink(address) => body["@odata.nextLink"] = json!(address),
            Kind::Loop => body["@odata.nextLink"] = json!(itself),
            Kind::RepeatedPage | Kind::RepeatedObject => {
                let mut second = body.clone();
                if kind == Kind::RepeatedObject {
                    let Some(values) = second["value"].as_array_mut() else {
                        panic!("{} {} answers {status} without a list: {second}", asked.method, asked.target())
                    };
                    let last = values.len().saturating_sub(1);
                    values.drain(..last);
                }
                body.as_object_mut().unwrap().remove("@odata.deltaLink");
                body["@odata.nextLink"] = json!(format!("{itself}&$skiptoken=again"));
                self.again = Some(second);
            }
            _ => {}
        }
        match kind {
            Kind::ResetAfter => return Answer { sent: Sent::Nothing, ..refused(200, "") },
            Kind::UnavailableAfter => return refused(503, "ServiceUnavailable"),
            _ => {}
        }
        let whole = Answer::json(status, &body);
        let Sent::Whole(bytes) = &whole.sent else { return whole };
        let half = bytes[..bytes.len() / 2].to_vec();
        let sent = match kind {
            // Half a number is a number; nothing is not.
            Kind::Truncated if body.is_number() => Sent::Whole(Vec::new()),
            Kind::Truncated => Sent::Whole(half),
            Kind::BrokenOff => {
                let end = br#","error":{"code":"InternalServerError","message":"The rest is missing"}}"#;
                Sent::Whole([&bytes[..bytes.len() - 1], end].concat())
            }
            Kind::Doubled => Sent::Whole([&bytes[..], &bytes[..]].concat()),
            Kind::ResetWithin => Sent::Cut(half, bytes.len()),
            Kind::Oversized => Sent::Cut(half, 200 << 20),
            Kind::WebPage => {
                let page = b"<!DOCTYPE html><html><body>Please sign in to the proxy</body></html>".to_vec();
                return Answer {
                    status: 200,
                    headers: vec![("content-type", "text/html".to_owned())],
                    sent: Sent::Whole(page),
                };
            }
            _ => return whole,
        };
        Answer { sent, ..whole }
    }
}
