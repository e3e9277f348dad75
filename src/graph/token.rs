//! What an access token says of itself. It is not verified here (that is Graph's business) and nothing safety rests on
//! depends on it: it tells when to renew, and what `preflight` shows of permissions.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// The claims this program reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// Unix seconds.
    pub exp: Option<i64>,
    pub aud: Option<String>,
    /// The tenant.
    pub tid: Option<String>,
    /// The application's id and name.
    pub appid: Option<String>,
    pub app_displayname: Option<String>,
    /// Application permissions.
    pub roles: Vec<String>,
    /// Delegated permissions, separated by blanks.
    pub scp: Option<String>,
    pub upn: Option<String>,
    /// The signed-in user's directory roles, as template ids.
    pub wids: Vec<String>,
}

impl Claims {
    /// From a token; `None` where it is none of the readable kind.
    pub fn of(token: &str) -> Option<Claims> {
        let mut parts = token.split('.');
        let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
    /// Every permission the token carries.
    pub fn permissions(&self) -> Vec<&str> {
        let delegated = self.scp.as_deref().unwrap_or("").split_whitespace();
        self.roles.iter().map(String::as_str).chain(delegated).collect()
    }
    /// On behalf of a user.
    pub fn is_delegated(&self) -> bool {
        self.scp.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_from_the_middle() {
        let token = |claims: &str| format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims));
        let app = Claims::of(&token(r#"{"exp":5,"roles":["Group.Read.All"],"tid":"t","more":[1]}"#)).unwrap();
        assert_eq!((app.exp, app.permissions(), app.is_delegated()), (Some(5), vec!["Group.Read.All"], false));
        let user = Claims::of(&token(r#"{"scp":"User.Read Group.Read.All","upn":"a@b"}"#)).unwrap();
        assert_eq!((user.permissions(), user.is_delegated()), (vec!["User.Read", "Group.Read.All"], true));
        for bad in ["", "opaque", "a.b", "a.!.c", &token("5"), &token("{\"exp\":\"x\"}")] {
            assert_eq!(Claims::of(bad), None, "{bad}");
        }
    }
}
