//! The tests of the crate from outside: AWS's vectors, the rules of the verifier, attacks, and other signers as judges.
//! One binary, so that it links once.

mod attacks;
mod chunk_peers;
mod chunked;
mod encoder;
mod mutations;
mod peers;
mod peers_v4a;
mod post_policy;
mod presign;
mod signer;
mod sigv2;
mod sigv4a;
mod support;
mod vectors;
mod verify;
