//! Signing in: certificate, client secret, device code, or a token that was handed in. Tokens stay in memory.

use super::assertion::Signer;
use super::cloud::Addresses;
use super::fault::{Fault, FaultKind};
use super::retry;
use super::token::Claims;
use crate::config::{self, Auth, Secret};
use crate::error::{Error, Result};
use crate::report::plain;
use chrono::Utc;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

/// A token is renewed this long before its end, so that a long request does not outlive it; one that lasts less than
/// twice as long, at half of its time.
const MARGIN: i64 = 300;
/// No code is good for longer; also keeps a nonsensical time from overflowing the clock.
const LONGEST_CODE: Duration = Duration::from_secs(24 * 3600);
/// An answer of the login service longer than this is none.
const MAX_ANSWER: usize = 1 << 20;

/// What a person has to do to sign in: open the address and enter the code.
#[derive(Debug, Clone)]
pub struct DeviceCode {
    pub address: String,
    pub code: String,
    pub expires_in: Duration,
}

/// Shows a device code.
pub type ShowCode = Box<dyn Fn(&DeviceCode) + Send + Sync>;

enum Way {
    Certificate(Box<Signer>),
    Secret(SecretString),
    DeviceCode(ShowCode),
    Handed,
}

struct Token {
    value: SecretString,
    /// Unix seconds; `None` where the token does not say.
    ends: Option<i64>,
    /// From when on another is asked for, in Unix seconds.
    renew: i64,
    refresh: Option<SecretString>,
}

impl Token {
    fn new(value: SecretString, ends: Option<i64>, refresh: Option<SecretString>, now: i64) -> Token {
        let renew = ends.map_or(i64::MAX, |ends| ends - MARGIN.min((ends - now) / 2));
        Token { value, ends, renew, refresh }
    }
}

/// Signs in when needed and keeps the token.
pub(super) struct SignIn {
    way: Way,
    client_id: String,
    scope: String,
    token_url: String,
    device_url: String,
    token: Mutex<Option<Token>>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
    #[serde(default)]
    expires_in: Option<serde_json::Value>,
    #[serde(default)]
    refresh_token: Option<SecretString>,
}

#[derive(Deserialize)]
struct DeviceAnswer {
    device_code: SecretString,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: String,
    #[serde(default = "quarter_hour")]
    expires_in: u64,
    #[serde(default = "five")]
    interval: u64,
}

fn quarter_hour() -> u64 {
    900
}
fn five() -> u64 {
    5
}

impl SignIn {
    pub fn new(
        entra: &config::Entra,
        addresses: &Addresses,
        secret: &dyn Fn(Secret) -> Result<SecretString>,
        show: ShowCode,
    ) -> Result<SignIn> {
        let tenant = entra.tenant_id.as_deref().ok_or_else(|| config::missing("entra", "tenant_id"))?;
        let client_id = match (entra.auth, &entra.client_id) {
            (Auth::Token, id) => id.clone().unwrap_or_default(),
            (_, Some(id)) => id.clone(),
            (_, None) => return Err(config::missing("entra", "client_id")),
        };
        let mut token = None;
        let way = match entra.auth {
            Auth::Certificate => {
                let certificate =
                    entra.certificate_file.as_deref().ok_or_else(|| config::missing("entra", "certificate_file"))?;
                let key = entra.private_key_file.as_deref().unwrap_or(certificate);
                Way::Certificate(Box::new(Signer::new(certificate, key)?))
            }
            Auth::Secret => Way::Secret(secret(Secret::ClientSecret)?),
            Auth::DeviceCode => Way::DeviceCode(show),
            Auth::Token => {
                let value = secret(Secret::GraphToken)?;
                let ends = Claims::of(value.expose_secret()).and_then(|c| c.exp);
                if ends.is_some_and(|ends| ends <= Utc::now().timestamp()) {
                    return Err(Error::usage("the token that was handed in has expired").hint("Get a new one."));
                }
                token = Some(Token::new(value, ends, None, Utc::now().timestamp()));
                Way::Handed
            }
        };
        let login = addresses.login.as_str().trim_end_matches('/');
        let mut scope = Addresses::scope(entra.cloud).to_owned();
        if let Way::DeviceCode(_) = way {
            scope.push_str(" offline_access");
        }
        Ok(SignIn {
            way,
            client_id,
            scope,
            token_url: format!("{login}/{tenant}/oauth2/v2.0/token"),
            device_url: format!("{login}/{tenant}/oauth2/v2.0/devicecode"),
            token: Mutex::new(token),
        })
    }

    /// A token that is good for a while; signs in where there is none.
    pub async fn token(&self, http: &reqwest::Client) -> Result<SecretString, Fault> {
        let mut held = self.token.lock().await;
        let now = Utc::now().timestamp();
        if let Some(token) = &*held {
            if matches!(self.way, Way::Handed) && token.ends.is_some_and(|ends| ends <= now) {
                return Err(self.over());
            }
            if matches!(self.way, Way::Handed) || token.renew > now {
                return Ok(token.value.clone());
            }
        }
        // The old token stays until there is a new one: a sign-in that fails for now does not lose the way to renew it.
        let refresh = held.as_ref().and_then(|t| t.refresh.clone());
        let fresh = self.fetch(http, refresh).await?;
        let value = fresh.value.clone();
        *held = Some(fresh);
        Ok(value)
    }

    /// Forgets a token that was refused, so that the next request signs in again. False where no other can be had.
    pub async fn refused(&self, value: &SecretString) -> bool {
        let mut held = self.token.lock().await;
        if matches!(self.way, Way::Handed) {
            return false;
        }
        if let Some(token) = &mut *held
            && token.value.expose_secret() == value.expose_secret()
        {
            token.renew = 0;
        }
        true
    }

    fn over(&self) -> Fault {
        Fault::new(FaultKind::SignIn, "sign in", "the token that was handed in has expired")
            .hint("Get a new one; for longer runs sign in with auth = \"certificate\".")
    }

    async fn fetch(&self, http: &reqwest::Client, refresh: Option<SecretString>) -> Result<Token, Fault> {
        match &self.way {
            Way::Handed => Err(self.over()),
            Way::Secret(secret) => {
                let form = [("grant_type", "client_credentials"), ("client_secret", secret.expose_secret())];
                self.ask(http, &form, secret.expose_secret()).await
            }
            Way::Certificate(signer) => {
                let assertion = signer
                    .sign(&self.client_id, &self.token_url, Utc::now().timestamp())
                    .map_err(|e| Fault::new(FaultKind::SignIn, "sign in", e.message))?;
                let form = [
                    ("grant_type", "client_credentials"),
                    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                    ("client_assertion", &assertion),
                ];
                self.ask(http, &form, &assertion).await
            }
            Way::DeviceCode(show) => {
                if let Some(refresh) = refresh {
                    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
                    match self.ask(http, &form, refresh.expose_secret()).await {
                        Err(fault) if fault.kind == FaultKind::SignIn => {}
                        // The service need not give another one each time.
                        Ok(token) => return Ok(Token { refresh: token.refresh.or(Some(refresh)), ..token }),
                        failed => return failed,
                    }
                }
                self.device(http, show).await
            }
        }
    }

    async fn device(&self, http: &reqwest::Client, show: &ShowCode) -> Result<Token, Fault> {
        let form = [("client_id", self.client_id.as_str()), ("scope", self.scope.as_str())];
        let (status, body) = post(http, &self.device_url, &form).await?;
        if status != 200 {
            return Err(Fault::login("ask for a device code", status, &body, ""));
        }
        let answer: DeviceAnswer = serde_json::from_slice(&body)
            .map_err(|_| Fault::new(FaultKind::Malformed, "ask for a device code", "the answer is not understood"))?;
        let lasts = Duration::from_secs(answer.expires_in);
        show(&DeviceCode {
            address: plain(&answer.verification_uri),
            code: plain(&answer.user_code),
            expires_in: lasts,
        });
        let until = Instant::now() + lasts.min(LONGEST_CODE);
        let mut interval = Duration::from_secs(answer.interval.clamp(1, 60));
        let code = answer.device_code.expose_secret();
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code)];
        while Instant::now() < until {
            sleep(interval).await;
            match self.ask(http, &form, code).await {
                Err(fault) if matches!(fault.code.as_deref(), Some("AADSTS70016" | "authorization_pending")) => {}
                Err(fault) if fault.code.as_deref() == Some("slow_down") => interval += Duration::from_secs(5),
                other => return other,
            }
        }
        Err(Fault::new(FaultKind::SignIn, "sign in", "the code was not entered in time")
            .hint("Start again: a new code is shown."))
    }

    /// One request to the token endpoint.
    async fn ask(&self, http: &reqwest::Client, form: &[(&str, &str)], secret: &str) -> Result<Token, Fault> {
        let mut form = form.to_vec();
        form.push(("client_id", &self.client_id));
        form.push(("scope", &self.scope));
        let (status, body) = post(http, &self.token_url, &form).await?;
        if status != 200 {
            return Err(Fault::login("sign in", status, &body, secret));
        }
        let answer: TokenAnswer = serde_json::from_slice(&body)
            .map_err(|_| Fault::new(FaultKind::Malformed, "sign in", "the login service's answer is not understood"))?;
        let lasts = answer.expires_in.as_ref().and_then(seconds);
        let now = Utc::now().timestamp();
        let ends = match lasts {
            Some(lasts) => Some(now.saturating_add(lasts)),
            None => Claims::of(answer.access_token.expose_secret()).and_then(|c| c.exp),
        };
        Ok(Token::new(answer.access_token, ends, answer.refresh_token, now))
    }
}

/// `expires_in` comes as a number, from some services as text.
fn seconds(value: &serde_json::Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// Posts a form; a failing service or connection is tried again. Asking for a token changes nothing.
async fn post(http: &reqwest::Client, url: &str, form: &[(&str, &str)]) -> Result<(u16, Vec<u8>), Fault> {
    let mut attempt = 0;
    loop {
        let sent = http.post(url).form(form).send().await;
        let fault = match sent {
            Ok(answer) => {
                let status = answer.status().as_u16();
                let after = answer.headers().get("retry-after").and_then(|v| v.to_str().ok()).map(str::to_owned);
                let body = super::client::body_of(answer, "sign in", MAX_ANSWER).await?;
                if !retry::is_passing(status) || attempt + 1 >= 5 {
                    return Ok((status, body));
                }
                let asked = after.and_then(|v| retry::retry_after(&v, Utc::now()));
                sleep(asked.unwrap_or_else(|| retry::pause(attempt, fastrand::f64())).min(Duration::from_secs(60)))
                    .await;
                attempt += 1;
                continue;
            }
            Err(e) => Fault::transport("sign in", &e),
        };
        if fault.kind != FaultKind::Transport || attempt + 1 >= 4 {
            return Err(fault);
        }
        sleep(retry::pause(attempt, fastrand::f64())).await;
        attempt += 1;
    }
}
