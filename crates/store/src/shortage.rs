//! What the system has run out of, in the words of S3: no defect of the store, and the request may be repeated.

use std::io;

use gatepass_protocol::s3::error::S3Error;

use crate::space::is_full;

/// What Linux answers where this process, or the whole system, may have no more files open (open(2)).
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;

/// The answer to a request for which the system had too little of something; nothing for any other failure.
pub(crate) fn of(error: &io::Error) -> Option<S3Error> {
    if is_full(error) {
        tracing::warn!(%error, "the disk is full");
        return Some(S3Error::disk_full());
    }
    if matches!(error.raw_os_error(), Some(ENFILE | EMFILE)) {
        tracing::warn!(%error, "no file can be opened until another is closed");
        return Some(S3Error::slow_down());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_out_may_be_asked_for_again_and_what_is_broken_is_a_defect() {
        let code = |error: io::Error| of(&error).map(|answer| answer.code().as_str());
        assert_eq!(code(io::ErrorKind::StorageFull.into()), Some("ServiceUnavailable"));
        assert_eq!(code(io::Error::from_raw_os_error(EMFILE)), Some("SlowDown"));
        assert_eq!(code(io::Error::from_raw_os_error(ENFILE)), Some("SlowDown"));
        assert_eq!(code(io::ErrorKind::NotFound.into()), None);
    }
}
