//! CloudFront's URLs and cookies from outside: what is made, what is taken, what is refused, and others' signatures.
//! One binary, so that it links once.

mod attacks;
mod forgeries;
mod keys;
mod lint;
mod matching;
mod mutations;
mod signing;
mod support;
mod vectors;
mod verifying;
