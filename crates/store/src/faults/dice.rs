//! A small generator: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). It decides
//! which requests fail on purpose, and nothing that has to be secret.

#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// True in so many of all cases.
    pub(super) fn falls_below(&mut self, chance: f64) -> bool {
        // 53 bits are what the fraction of a double holds.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let thrown = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        thrown < chance
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
