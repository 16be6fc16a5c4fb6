//! The words of the domain, each a type that cannot hold a wrong value.

pub(crate) mod checksum;
pub(crate) mod content_type;
pub(crate) mod file;
pub(crate) mod filename;
pub(crate) mod id;
pub(crate) mod link;
pub(crate) mod metadata;
pub(crate) mod principal;
pub(crate) mod session;
pub(crate) mod token;
pub(crate) mod upload;
