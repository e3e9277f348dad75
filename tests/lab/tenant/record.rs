//! The traffic as it was, one exchange a line, in the form that a check against the published description reads. The
//! parts of a batch are told once more as requests of their own, since the description knows a batch only as such.

use super::server::{Answer, Asked, Sent};
use serde_json::{Map, Value, json};
use std::time::Instant;

pub struct Recorder {
    begun: Instant,
    pub lines: Vec<Value>,
}

impl Default for Recorder {
    fn default() -> Self {
        Recorder { begun: Instant::now(), lines: Vec::new() }
    }
}

impl Recorder {
    pub fn push(&mut self, base: &str, asked: &Asked, answer: &Answer) {
        let seconds = self.begun.elapsed().as_secs_f64();
        let headers: Map<String, Value> = asked.headers.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
        let bytes: &[u8] = match &answer.sent {
            Sent::Whole(bytes) => bytes,
            Sent::Cut(..) | Sent::Nothing => b"null",
        };
        let answered: Value = serde_json::from_slice(bytes).unwrap_or(Value::Null);
        let told: Map<String, Value> = answer.headers.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
        self.lines.push(json!({
            "t": seconds,
            "request": { "method": asked.method, "url": format!("{base}{}", asked.target()), "headers": headers, "body": body },
            "response": { "status": answer.status, "headers": told, "body": answered },
        }));
        let Some(version) = asked.path.strip_suffix("/$batch") else { return };
        for part in answered["responses"].as_array().into_iter().flatten() {
            let Some(request) = body["requests"].as_array().and_then(|r| r.iter().find(|r| r["id"] == part["id"]))
            else {
                continue;
            };
            let mut headers = headers.clone();
            headers.retain(|name, _| name == "authorization");
            for (name, value) in request["headers"].as_object().into_iter().flatten() {
                headers.insert(name.to_lowercase(), value.clone());
            }
            let url = format!("{base}{version}{}", request["url"].as_str().unwrap_or_default());
            self.lines.push(json!({
                "t": seconds,
                "request": { "method": request["method"], "url": url, "headers": headers, "body": request["body"] },
                "response": { "status": part["status"], "headers": part["headers"], "body": part["body"] },
            }));
        }
    }

    pub fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}
