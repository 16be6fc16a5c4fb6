//! Cross-origin resource sharing, as S3 does it.
