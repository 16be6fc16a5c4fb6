//! How large what is written is: every magnitude is as likely as every other.

use super::content::Chance;

/// One write of so many may be large.
const LARGE_ONE_OF: u64 = 200;
/// Most are below this: 64 KiB.
const USUAL_EXPONENT: u64 = 16;
/// The largest are just below this: 64 MiB.
const LARGEST_EXPONENT: u64 = 26;

/// A length, log-uniform from nothing to 64 KiB, and once in two hundred to 64 MiB: ten thousand bodies of which the
/// largest magnitude is as frequent as the others would be forty gigabytes.
pub fn log_uniform(chance: &mut Chance) -> usize {
    let exponents = if chance.below(LARGE_ONE_OF) == 0 { LARGEST_EXPONENT } else { USUAL_EXPONENT };
    below_power(chance, exponents)
}

/// A length below 2 to the power of `exponents`, each magnitude as likely as the others.
pub fn below_power(chance: &mut Chance, exponents: u64) -> usize {
    match chance.below(exponents + 1) {
        0 => 0,
        exponent => {
            let least = 1_u64 << (exponent - 1);
            usize::try_from(least + chance.below(least)).expect("far below the address space")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_magnitude_occurs_and_none_is_above_the_largest() {
        let mut chance = Chance::new(1);
        let mut seen = [0_u32; 28];
        for _ in 0..20_000 {
            let length = log_uniform(&mut chance);
            assert!(length < 1 << LARGEST_EXPONENT);
            seen[usize::try_from(usize::BITS - length.leading_zeros()).unwrap()] += 1;
        }
        assert!(seen[..=16].iter().all(|times| *times > 500), "{seen:?}");
        assert!(seen[17..=26].iter().sum::<u32>() > 10, "{seen:?}");
    }
}
