//! Cross-origin resource sharing ("Using cross-origin resource sharing (CORS)", Amazon S3 User Guide): the
//! configuration of a bucket, and what it says to a preflight or an actual request.

mod configuration;
mod evaluate;

pub use configuration::{CONFIGURATION_LIMITS, CorsConfiguration, CorsRule, RULE_ID_MAX, RULES_MAX};
pub use evaluate::{CorsHeaders, Preflight};
