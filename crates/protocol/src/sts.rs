//! Recognising and answering the one STS action of this release.
