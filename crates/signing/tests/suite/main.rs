//! The tests of the crate from outside: AWS's vectors, the rules of the verifier, attacks, and other signers as judges.
//! One binary, so that it links once.

mod attacks;
mod chunked;
mod mutations;
mod peers;
mod presign;
mod signer;
mod support;
mod vectors;
mod verify;
