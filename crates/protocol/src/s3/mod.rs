//! Amazon S3: operations, errors, bodies and the small rules between them.

pub mod acl;
pub mod checksum;
pub mod conditional;
pub mod cors;
pub mod date;
pub mod error;
mod header_lines;
pub mod lifecycle;
pub mod names;
pub mod object_headers;
pub mod operation;
pub mod post_form;
pub mod public_access_block;
pub mod range;
pub mod tagging;
pub mod xml;
