//! The addresses of Microsoft's clouds, and what may be followed.

use crate::config::{self, Cloud};
use crate::error::{Error, Place, Result};
use url::Url;

/// Where to sign in and where Graph is.
#[derive(Debug, Clone)]
pub struct Addresses {
    pub login: Url,
    pub graph: Url,
}

impl Addresses {
    pub fn of(entra: &config::Entra) -> Result<Addresses> {
        let (login, graph) = match entra.cloud {
            Cloud::Global => ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
            Cloud::Usgov => ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
            Cloud::Dod => ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
            Cloud::China => ("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
        };
        Ok(Addresses {
            login: parse(entra.login_url.as_deref().unwrap_or(login), "[entra] login_url")?,
            graph: parse(entra.graph_url.as_deref().unwrap_or(graph), "[entra] graph_url")?,
        })
    }

    /// What the token is for: Graph of the chosen cloud, also where requests take another way.
    pub fn scope(cloud: Cloud) -> &'static str {
        match cloud {
            Cloud::Global => "https://graph.microsoft.com/.default",
            Cloud::Usgov => "https://graph.microsoft.us/.default",
            Cloud::Dod => "https://dod-graph.microsoft.us/.default",
            Cloud::China => "https://microsoftgraph.chinacloudapi.cn/.default",
        }
    }

    /// The address of a path such as `/v1.0/groups?$top=999`, or of a link that Graph gave. A link to another host,
    /// scheme or port is refused: tokens go to the configured host only.
    pub fn graph_address(&self, path: &str) -> Result<Url, String> {
        if path.starts_with('/') && !path.starts_with("//") {
            let base = self.graph.as_str().trim_end_matches('/');
            return Url::parse(&format!("{base}{path}")).map_err(|e| format!("{path} is no path: {e}"));
        }
        let url = Url::parse(path).map_err(|e| format!("Graph gave a link that is no address: {e}"))?;
        match url.origin() == self.graph.origin() {
            true => Ok(url),
            false => Err(format!(
                "Graph gave a link to {}, which is not the configured {}",
                url.origin().ascii_serialization(),
                self.graph.origin().ascii_serialization()
            )),
        }
    }
}

fn parse(text: &str, key: &str) -> Result<Url> {
    let wrong = |why: String| Error::usage(why).at(Place::default().object(key));
    let url = Url::parse(text).map_err(|e| wrong(format!("not an address: {e}")))?;
    match url.scheme() == "https" && url.host_str().is_some() {
        true => Ok(url),
        false => Err(wrong("tokens and secrets travel over https:// only".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_configured_host_is_followed() {
        let entra =
            config::Entra { graph_url: Some("https://graph.test:8443/proxy/".to_owned()), ..Default::default() };
        let addresses = Addresses::of(&entra).unwrap();
        assert_eq!(
            addresses.graph_address("/v1.0/groups?$top=5").unwrap().as_str(),
            "https://graph.test:8443/proxy/v1.0/groups?$top=5"
        );
        assert!(addresses.graph_address("https://graph.test:8443/v1.0/groups?$skiptoken=x").is_ok());
        for link in [
            "https://graph.test/v1.0/groups",
            "http://graph.test:8443/v1.0",
            "https://evil.test:8443/v1.0",
            "https://graph.test:8443@evil.test/",
            "ftp:x",
            "//evil.test/v1.0",
            "groups",
        ] {
            assert!(addresses.graph_address(link).is_err(), "{link}");
        }
        for url in ["http://graph.test", "graph.test", "https://", "file:///etc/passwd"] {
            let entra = config::Entra { graph_url: Some(url.to_owned()), ..Default::default() };
            assert!(Addresses::of(&entra).is_err(), "{url}");
        }
    }
}
