//! Signatures over SHA-1, which CloudFront still takes by default and which no safe Rust library makes.
