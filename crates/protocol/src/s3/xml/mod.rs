//! The XML of bodies: what clients send, parsed within limits, and what they are answered.

pub mod listing;
pub mod reader;
pub mod requests;
pub mod responses;
pub mod settings;
pub mod writer;
