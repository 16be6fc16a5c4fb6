//! Random inputs for every parser, on the stable toolchain.
//!
//! A [`Target`](targets::Target) is a parser and a plain property of it. A [`campaign`] feeds it inputs that are
//! changed copies of its corpus: bits flipped, pieces moved, words of its language put in, numbers pushed over their
//! limits. Nothing watches which code runs; instead a target says what became of an input (accepted, or refused for
//! which reason), and an input that brought about something new is kept and changed further. So a campaign finds its way
//! through a parser's checks, and a corpus holds one small input for each thing that a parser can say.
//!
//! The same seed and corpus make the same inputs on every machine.

pub mod campaign;
pub mod chance;
pub mod corpus;
pub mod example;
mod mutate;
pub mod targets;
