//! Requests as this collector makes them: a path in, pages, values or a number out, and trouble sorted by what it means
//! for a collection.

use crate::error::{Error, Result};
use serde_json::Value;

/// Why an answer is not there.
#[derive(Debug)]
pub enum Trouble {
    /// The account may not see it.
    Denied(Error),
    /// There is no such thing.
    Missing(Error),
    /// The service does not do this, or not so.
    Refused(Error),
    /// A page or delta token has expired: begin again.
    Expired(Error),
    /// Anything that ends the collection.
    Failed(Error),
}

impl Trouble {
    pub fn into_error(self) -> Error {
        match self {
            Trouble::Denied(e)
            | Trouble::Missing(e)
            | Trouble::Refused(e)
            | Trouble::Expired(e)
            | Trouble::Failed(e) => e,
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Failed(error)
    }
}

pub struct Wire {}

impl Wire {
    pub fn new(_: &crate::config::Config) -> Result<Self> {
        Ok(Wire {})
    }
    pub async fn may(&self, _: &str) -> Result<bool> {
        Ok(false)
    }
    pub fn sources(&self, _: &super::ledger::Ledger) {}
    pub fn usage(&self) -> String {
        String::new()
    }
    /// Hands each page to `each`, in order; returns the link from which changes can be read, where there is one.
    pub async fn pages(
        &self,
        query: &str,
        mut each: impl AsyncFnMut(Vec<u8>) -> Result<()>,
    ) -> Result<Option<String>, Trouble> {
        each(Vec::new()).await?;
        Err(Trouble::Failed(Error::failed(query)))
    }

    /// All objects of a collection, or the one object.
    pub async fn values(&self, query: &str) -> Result<Vec<Value>, Trouble> {
        let mut out = Vec::new();
        self.pages(query, async |body| {
            out.append(&mut list(&body, query)?);
            Ok(())
        })
        .await?;
        Ok(out)
    }

    /// One object.
    pub async fn value(&self, query: &str) -> Result<Value, Trouble> {
        let values = self.values(query).await?;
        let none = || Trouble::Failed(Error::failed(format!("Graph answers nothing to {query}")));
        values.into_iter().next().ok_or_else(none)
    }

    /// A number, where the service gives one.
    pub async fn count(&self, query: &str) -> Result<Option<u64>> {
        match self.values(query).await {
            Ok(_) => Ok(None),
            Err(Trouble::Failed(e)) => Err(e),
            Err(_) => Ok(None),
        }
    }

    pub async fn batch(&self, queries: &[String]) -> Result<Vec<Result<Value, Trouble>>, Trouble> {
        let mut out = Vec::new();
        for query in queries {
            out.push(self.value(query).await);
        }
        Ok(out)
    }
}

/// The objects of a body: of `value`, or the one object.
pub fn list(body: &[u8], query: &str) -> Result<Vec<Value>> {
    let path = std::path::Path::new(query);
    let value: Value = serde_json::from_slice(body).map_err(|e| crate::collect::graph_json::json_error(path, &e))?;
    match value {
        Value::Object(mut map) => Ok(match map.remove("value") {
            Some(Value::Array(values)) => values,
            Some(other) => {
                map.insert("value".to_owned(), other);
                vec![Value::Object(map)]
            }
            None => vec![Value::Object(map)],
        }),
        _ => Err(Error::input(crate::error::Place::file(path), "Graph's answer is no object")),
    }
}
