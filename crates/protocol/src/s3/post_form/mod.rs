//! `multipart/form-data` as browsers post it to a bucket (RFC 7578, RFC 2046 §5.1; wire: "Browser POST"), read while it
//! arrives.
//!
//! Two readers, one after the other, neither of which waits for bytes: whoever has the body hands them pieces of any
//! size. [`FieldReader`] takes everything before the file, at most [`MAX_FORM_BYTES`] of it; [`FileReader`] lets the
//! content of the file through and finds its end. What they find does not depend on how the body was cut.
//!
//! Strict where clients agree, since two readers of one form must not see two forms: lines end in CRLF, a boundary
//! stands alone on its line, the form ends with its last boundary.

mod answer;
mod boundary;
mod disposition;
mod fields;
mod file;

pub use answer::{post_response, redirect_location};
pub use boundary::{BOUNDARY_MAX, Boundary};
pub use fields::{FieldReader, MAX_PART_HEADERS};
pub use file::{AFTER_FILE_MAX, FileReader};
pub use gatepass_signing::post_policy::MAX_FORM_BYTES;
