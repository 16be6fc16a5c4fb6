//! Bodies on their way in and out, with a bounded amount of memory for each.

mod document;
mod form;
mod pieces;
mod receive;
mod send;
mod sink;
mod through;

pub(crate) use document::{Bounds, document};
pub(crate) use form::{FileBody, fields};
pub use receive::CONTENT_MAX_BYTES;
pub(crate) use receive::{BATCH_BYTES, Plan, Received, receive};
pub(crate) use send::{ObjectBody, ResponseBody};
pub(crate) use through::{Stretch, copy_of_stretch, digests_of_pieces};
