//! Says why a signed URL fails, without IO.
#![warn(missing_docs)]
