//! The XML of bodies.

pub mod writer;
