//! The sign-in service: secrets and assertions are checked, tokens end when a test wants them to.

use super::server::{Answer, Asked};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct Login {
    /// The application's secret.
    pub secret: Option<String>,
    /// The public key (PKCS #1) of the application's certificate.
    pub key: Option<Vec<u8>>,
    /// How often a device code is asked for before somebody entered it; none: there are no device codes.
    pub device: Option<usize>,
    /// Answered to every sign-in: an AADSTS number and words.
    pub refusal: Option<(u32, &'static str)>,
    /// A token is good for so many requests, then the service refuses it.
    pub requests_per_token: Option<usize>,
    pub signed_in: usize,
    pub used: usize,
}

impl Login {
    /// The answer to a sign-in, or the refusal of a request without a good token.
    pub fn check(&mut self, asked: &Asked) -> Option<Answer> {
        if asked.path.contains("/oauth2/") {
            return Some(self.answer(asked));
        }
        let error = json!({ "error": { "code": "InvalidAuthenticationToken", "message": "It has ended." } });
        (!self.admits(asked)).then(|| Answer::json(401, &error))
    }

    fn answer(&mut self, asked: &Asked) -> Answer {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&asked.body).into_owned().collect();
        let of = |name: &str| form.get(name).map_or("", String::as_str);
        if let Some((number, words)) = self.refusal {
            return refused("invalid_client", number, words);
        }
        if asked.path.ends_with("/devicecode") {
            return Answer::json(
                200,
                &json!({ "device_code": "device", "user_code": "ABCD-EFGH", "verification_uri": "https://login.test/device",
                    "expires_in": 900, "interval": 0, "message": "" }),
            );
        }
        let good = match of("grant_type") {
            "client_credentials" if form.contains_key("client_assertion") => self.verified(of("client_assertion")),
            "client_credentials" => self.secret.as_deref() == Some(of("client_secret")),
            "refresh_token" => of("refresh_token") == "refresh",
            "urn:ietf:params:oauth:grant-type:device_code" => match self.device {
                Some(0) => of("device_code") == "device",
                Some(left) => {
                    self.device = Some(left - 1);
                    return refused("authorization_pending", 70016, "Nobody entered the code yet.");
                }
                None => false,
            },
            _ => false,
        };
        if !good {
            return refused("invalid_client", 7000215, "Invalid client secret provided.");
        }
        self.signed_in += 1;
        self.used = 0;
        let mut token = json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": self.token() });
        if self.device.is_some() {
            token["refresh_token"] = json!("refresh");
        }
        Answer::json(200, &token)
    }

    fn token(&self) -> String {
        format!("token-{}", self.signed_in)
    }

    fn verified(&self, assertion: &str) -> bool {
        let Some((signed, signature)) = assertion.rsplit_once('.') else { return false };
        let (Some(key), Ok(signature)) = (&self.key, URL_SAFE_NO_PAD.decode(signature)) else { return false };
        let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key);
        key.verify(signed.as_bytes(), &signature).is_ok()
    }

    /// Whether a request may pass: it carries the token that was given last, and that token has not ended.
    fn admits(&mut self, asked: &Asked) -> bool {
        let with = asked.header("authorization").is_some_and(|v| v == format!("Bearer {}", self.token()));
        let ended = self.requests_per_token.is_some_and(|most| self.used >= most);
        self.used += 1;
        with && !ended
    }
}

fn refused(error: &str, number: u32, words: &str) -> Answer {
    let body: Value = json!({ "error": error, "error_description": format!("AADSTS{number}: {words}"),
        "error_codes": [number], "trace_id": "t", "correlation_id": "c" });
    Answer::json(if error == "invalid_client" { 401 } else { 400 }, &body)
}
