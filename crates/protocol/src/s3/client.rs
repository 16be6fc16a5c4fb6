//! What a client of S3 sends, and reads.
