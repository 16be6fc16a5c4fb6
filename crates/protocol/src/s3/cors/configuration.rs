//! The CORS configuration of a bucket, from and to XML.

use http::HeaderName;

use crate::s3::error::S3Error;
use crate::s3::xml::reader::{Element, Limits, parse};
use crate::s3::xml::writer::XmlWriter;

/// The most rules of a configuration.
pub const RULES_MAX: usize = 100;
/// The longest id of a rule, in characters.
pub const RULE_ID_MAX: usize = 255;
/// The limits of the body. S3's own is 64 KiB.
pub const CONFIGURATION_LIMITS: Limits = Limits { bytes: 64 * 1024, elements: 4 * 1024 };

/// Methods that a rule may allow.
pub(super) const METHODS: [&str; 5] = ["GET", "PUT", "POST", "DELETE", "HEAD"];

/// 1 to 100 rules, of which the first that matches counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsConfiguration {
    rules: Vec<CorsRule>,
}

/// One rule. Every text in it can be sent as a header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsRule {
    pub(super) id: Option<String>,
    pub(super) allowed_origins: Vec<String>,
    pub(super) allowed_methods: Vec<String>,
    pub(super) allowed_headers: Vec<String>,
    pub(super) expose_headers: Vec<String>,
    pub(super) max_age_seconds: Option<u32>,
}

impl CorsRule {
    /// Begins a rule that allows these methods from these origins.
    pub fn new(origins: &[&str], methods: &[&str]) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self { allowed_origins: owned(origins), allowed_methods: owned(methods), ..Self::default() }
    }

    /// Allows request headers of these names; `*` stands for any text in one.
    #[must_use]
    pub fn allow_headers(mut self, names: &[&str]) -> Self {
        self.allowed_headers.extend(names.iter().map(|name| (*name).to_owned()));
        self
    }

    /// Lets scripts read answer headers of these names.
    #[must_use]
    pub fn expose_headers(mut self, names: &[&str]) -> Self {
        self.expose_headers.extend(names.iter().map(|name| (*name).to_owned()));
        self
    }

    /// Lets browsers remember the answer to a preflight for so long.
    #[must_use]
    pub fn max_age_seconds(mut self, seconds: u32) -> Self {
        self.max_age_seconds = Some(seconds);
        self
    }

    fn parse(rule: &Element) -> Result<Self, S3Error> {
        let texts = |name| rule.all(name).map(|element| element.text().trim().to_owned()).collect();
        let max_age =
            rule.optional("MaxAgeSeconds")?.map(|text| text.trim().parse().map_err(|_| S3Error::malformed_xml()));
        Ok(Self {
            id: rule.optional("ID")?.map(str::to_owned),
            allowed_origins: texts("AllowedOrigin"),
            allowed_methods: texts("AllowedMethod"),
            allowed_headers: texts("AllowedHeader"),
            expose_headers: texts("ExposeHeader"),
            max_age_seconds: max_age.transpose()?,
        })
    }

    fn check(&self) -> Result<(), S3Error> {
        if self.allowed_origins.is_empty() || self.allowed_methods.is_empty() {
            return Err(S3Error::malformed_xml());
        }
        if let Some(id) = self.id.as_ref().filter(|id| id.chars().count() > RULE_ID_MAX) {
            return Err(S3Error::invalid_argument(
                format!("The ID of a rule has at most {RULE_ID_MAX} characters"),
                "ID",
                id,
            ));
        }
        if let Some(method) = self.allowed_methods.iter().find(|method| !METHODS.contains(&method.as_str())) {
            let message = format!("Found unsupported HTTP method in CORS config. Unsupported method is {method}");
            return Err(S3Error::invalid_request(message));
        }
        for origin in &self.allowed_origins {
            // It is sent back, so it must be a header value; blanks and controls are in no origin anyway.
            if origin.is_empty() || !origin.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(S3Error::invalid_request(format!(
                    "AllowedOrigin \"{origin}\" contains invalid character."
                )));
            }
            check_wildcards("AllowedOrigin", origin)?;
        }
        for header in &self.allowed_headers {
            check_wildcards("AllowedHeader", header)?;
            check_header_name("AllowedHeader", header)?;
        }
        for header in &self.expose_headers {
            if header.contains('*') {
                return Err(S3Error::invalid_request(format!(
                    "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
                )));
            }
            check_header_name("ExposeHeader", header)?;
        }
        Ok(())
    }
}

fn check_wildcards(element: &str, text: &str) -> Result<(), S3Error> {
    if text.matches('*').count() <= 1 {
        return Ok(());
    }
    Err(S3Error::invalid_request(format!("{element} \"{text}\" can not have more than one wildcard.")))
}

/// A header name is a token (RFC 9110 §5.1), in which `*` is legal. That keeps line breaks out of answers.
fn check_header_name(element: &str, name: &str) -> Result<(), S3Error> {
    if HeaderName::try_from(name).is_ok() {
        return Ok(());
    }
    Err(S3Error::invalid_request(format!("{element} \"{name}\" contains invalid character.")))
}

impl CorsConfiguration {
    /// Checks rules that were made here.
    pub fn new(rules: Vec<CorsRule>) -> Result<Self, S3Error> {
        if rules.is_empty() {
            return Err(S3Error::malformed_xml());
        }
        if rules.len() > RULES_MAX {
            let message = format!("The number of CORS rules should not exceed allowed limit of {RULES_MAX} rules.");
            return Err(S3Error::invalid_request(message));
        }
        rules.iter().try_for_each(CorsRule::check)?;
        Ok(Self { rules })
    }

    /// Parses and checks the body of PutBucketCors.
    pub fn parse(body: &[u8]) -> Result<Self, S3Error> {
        let root = parse(body, "CORSConfiguration", CONFIGURATION_LIMITS)?;
        let rules = root.all("CORSRule").map(CorsRule::parse).collect::<Result<_, _>>()?;
        Self::new(rules)
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[CorsRule] {
        &self.rules
    }

    /// The answer of GetBucketCors, which is also the body of PutBucketCors.
    pub fn to_xml(&self) -> String {
        let mut xml = XmlWriter::new("CORSConfiguration");
        for rule in &self.rules {
            xml.element("CORSRule", |xml| {
                xml.optional("ID", rule.id.as_deref());
                let lists = [
                    ("AllowedHeader", &rule.allowed_headers),
                    ("AllowedMethod", &rule.allowed_methods),
                    ("AllowedOrigin", &rule.allowed_origins),
                    ("ExposeHeader", &rule.expose_headers),
                ];
                for (element, texts) in lists {
                    for text in texts {
                        xml.text(element, text);
                    }
                }
                if let Some(seconds) = rule.max_age_seconds {
                    xml.number("MaxAgeSeconds", seconds.into());
                }
            });
        }
        xml.finish()
    }
}
