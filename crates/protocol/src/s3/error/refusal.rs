//! What a refused signature becomes.
