//! Randomness of the operating system, for everything that must not be guessed.

/// `N` bytes nobody can predict.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system always has randomness to give");
    bytes
}

/// 128 random bits as 32 lowercase hexadecimal digits: unguessable, and safe in any key or header.
pub(crate) fn hex128() -> String {
    hex(&bytes::<16>())
}

/// Lowercase hexadecimal digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    gatepass_signing::encode::hex(bytes)
}
