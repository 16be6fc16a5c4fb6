//! Lifecycle rules: the document, and what it says about an object, a version or an upload.

mod configuration;
mod document;
mod due;

pub use configuration::{
    Expiration, Filter, FilterForm, LifecycleConfiguration, NoncurrentExpiration, RULE_ID_MAX, RULES_MAX, Rule, Status,
};
pub use document::LIFECYCLE_LIMITS;
pub use due::{Candidate, Day, Due};
