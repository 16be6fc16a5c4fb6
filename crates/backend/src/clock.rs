//! Where the service gets the time from. Only the binary reads the wall clock.

use std::sync::Arc;

use jiff::Timestamp;

/// A function that says what time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
