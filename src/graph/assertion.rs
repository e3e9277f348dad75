//! The one JWT this program signs: the client assertion of a sign-in by certificate (PS256, `x5t#S256`).

use crate::error::{Error, Place, Result};
use crate::tls;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair, RSA_PSS_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::path::Path;

/// How long an assertion is good for.
const LIFETIME: i64 = 600;

/// The application's certificate and key, read once.
pub struct Signer {
    thumbprint: String,
    key: RsaKeyPair,
}

impl Signer {
    pub fn new(certificate: &Path, key_file: &Path) -> Result<Signer> {
        let chain = tls::certificates(certificate)?;
        let refused = |why: &str| {
            Error::input(Place::file(key_file), why.to_owned())
                .hint("Use an RSA key of 2048 bits or more, as PKCS #8 or PKCS #1 in PEM; register its certificate with the application.")
        };
        let key = match tls::private_key(key_file)? {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(refused("the key is not an RSA key, which a sign-in by certificate needs")),
        };
        let key = key.map_err(|_| refused("the key is not an RSA key that can sign (PS256)"))?;
        // SubjectPublicKeyInfo holds the public key as it stands, so a foreign certificate is noticed here, not by the
        // service. A file with the whole chain may have it in any place.
        let public = key.public_key().as_ref();
        let Some(own) = chain.iter().find(|c| c.windows(public.len()).any(|w| w == public)) else {
            return Err(Error::input(Place::file(certificate), "the certificate belongs to another key")
                .hint(format!("{} has to hold the certificate's key.", key_file.display())));
        };
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(own));
        Ok(Signer { thumbprint, key })
    }

    /// An assertion for this token endpoint, valid from `now` (Unix seconds).
    pub fn sign(&self, client: &str, audience: &str, now: i64) -> Result<String> {
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint });
        let claims = json!({
            "aud": audience,
            "iss": client,
            "sub": client,
            "jti": uuid::Uuid::new_v4().to_string(),
            "iat": now,
            // A minute back, so that a clock slightly ahead does not make the assertion one of the future.
            "nbf": now - 60,
            "exp": now + LIFETIME,
        });
        let text = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| Error::failed("the client assertion could not be signed"))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn encode(value: &serde_json::Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
