//! The whole stack under test: the built `gatepass` program, started as a user starts it, with clients that others wrote.
//!
//! This library holds what the tests (`tests/`) and the experiments (`src/bin/`) share: starting the program ([`dev`]),
//! speaking HTTP to it ([`http`], [`api`]), signing for its store ([`s3`]), and crashing it ([`faults`]). It contains no logic of
//! Gatepass: what is judged here is the program.

pub mod alone;
pub mod api;
pub mod bench;
pub mod dev;
pub mod faults;
pub mod http;
pub mod process;
pub mod programs;
pub mod s3;
pub mod scan;
pub mod stream;
