//! Bodies that tell where they come from, and the one source of chance of an experiment.

use bytes::Bytes;

/// A reproducible source of chance: SplitMix64, whose whole state is one number.
#[derive(Clone)]
pub struct Chance(u64);

impl Chance {
    /// The same seed makes the same choices.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }

    /// A source of its own for somebody else.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.draw())
    }
}

/// One version of a body: its bytes follow from these two numbers alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// No two versions of an experiment share it.
    pub serial: u64,
    /// How many bytes.
    pub length: usize,
}

impl Content {
    /// The bytes. Every eight of them depend on serial and place, so that no mixture of two versions passes for one.
    pub fn bytes(self) -> Bytes {
        let mut chance = Chance::new(self.serial);
        let mut body = Vec::with_capacity(self.length + 8);
        while body.len() < self.length {
            body.extend_from_slice(&chance.draw().to_le_bytes());
        }
        body.truncate(self.length);
        body.into()
    }
}

#[cfg(test)]
mod tests {
    use super::Content;

    #[test]
    fn a_body_has_its_length_and_differs_from_its_neighbour() {
        let one = Content { serial: 1, length: 21 };
        assert_eq!(one.bytes().len(), 21);
        assert_eq!(one.bytes(), one.bytes());
        assert_ne!(one.bytes(), Content { serial: 2, ..one }.bytes());
    }
}
