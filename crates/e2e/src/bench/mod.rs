//! `cargo xtask bench store`: the store beside servers that others wrote, under the same load on the same disk.
//!
//! The load takes the same two cores as the server, so requests per second say as much about the load as about the
//! server. What is compared is therefore the server's own CPU time per request, as the kernel counts it, unless a name
//! says throughput.

pub mod figures;
pub mod load;
pub mod process;
pub mod rgw;
pub mod servers;
pub mod size;
pub mod urls;
