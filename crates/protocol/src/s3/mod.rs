//! Amazon S3: operations, errors, bodies and the small rules between them.

pub mod checksum;
pub mod conditional;
pub mod cors;
pub mod date;
pub mod error;
mod header_lines;
pub mod names;
pub mod object_headers;
pub mod operation;
pub mod range;
pub mod xml;
