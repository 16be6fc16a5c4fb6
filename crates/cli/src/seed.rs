//! A seed file: what a fresh store begins with.

use std::{fs, path::Path};

use gatepass_protocol::s3::cors::{CorsConfiguration, CorsRule};
use serde::Deserialize;

use crate::failure::{Explain as _, Failure, Result};

/// What a store begins with. Without a file: nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seed {
    #[serde(default)]
    pub(crate) buckets: Vec<Bucket>,
}

/// A bucket, with its CORS rules if it has any.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    #[serde(default)]
    cors: Vec<Rule>,
}

/// A CORS rule, in S3's words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    allowed_origins: Vec<String>,
    allowed_methods: Vec<String>,
    #[serde(default)]
    allowed_headers: Vec<String>,
    #[serde(default)]
    expose_headers: Vec<String>,
    max_age_seconds: Option<u32>,
}

impl Seed {
    /// Reads the file, where one is given.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = fs::read_to_string(path).explain(format!("the seed file {} cannot be read", path.display()))?;
        let seed: Self = toml::from_str(&text).map_err(|error| {
            Failure::refused(format_args!("the seed file {} cannot be used\n{error}", path.display())).hint(
                "a seed file has [[buckets]] with a `name`, and [[buckets.cors]] with `allowed_origins`, \
                 `allowed_methods`, `allowed_headers`, `expose_headers` and `max_age_seconds`",
            )
        })?;
        // Rules that no bucket takes are found before anything has been started.
        seed.buckets.iter().try_for_each(|bucket| bucket.cors().map(drop))?;
        Ok(seed)
    }
}

impl Bucket {
    /// The rules, checked as the store will check them.
    pub(crate) fn cors(&self) -> Result<Option<CorsConfiguration>> {
        if self.cors.is_empty() {
            return Ok(None);
        }
        let rules = self.cors.iter().map(Rule::to_protocol).collect();
        CorsConfiguration::new(rules)
            .map(Some)
            .map_err(|error| Failure::refused(format_args!("the CORS rules of `{}`: {}", self.name, error.message())))
    }
}

impl Rule {
    fn to_protocol(&self) -> CorsRule {
        let rule = CorsRule::new(&borrowed(&self.allowed_origins), &borrowed(&self.allowed_methods))
            .allow_headers(&borrowed(&self.allowed_headers))
            .expose_headers(&borrowed(&self.expose_headers));
        match self.max_age_seconds {
            Some(seconds) => rule.max_age_seconds(seconds),
            None => rule,
        }
    }
}

fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
