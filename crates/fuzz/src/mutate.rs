//! How an input is changed.

use crate::chance::Chance;

/// The longest input, but for the rare one that repeats a piece until limits are reached.
const MAX_BYTES: usize = 4 * 1024;
/// The longest input at all: beyond the limit of a request target and of a header.
const MAX_LONG_BYTES: usize = 80 * 1024;
/// One input in so many is made long.
const LONG_ONE_IN: usize = 512;
/// The most changes of one input.
const MAX_CHANGES: usize = 6;

/// Numbers at which parsers break.
const NUMBERS: [&str; 16] = [
    "0",
    "-1",
    "1",
    "+1",
    "00",
    "255",
    "256",
    "1e9",
    "65536",
    "604800",
    "604801",
    "2147483648",
    "4294967296",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
];

/// Changes `input` a few times; `others` are inputs to take pieces from, `words` what the parser's language is made of.
pub(crate) fn mutate(input: &mut Vec<u8>, others: &[Vec<u8>], words: &[&str], chance: &mut Chance) {
    for _ in 0..=chance.below(MAX_CHANGES) {
        change(input, others, words, chance);
    }
    if chance.below(LONG_ONE_IN) == 0 {
        lengthen(input, chance);
    } else {
        input.truncate(MAX_BYTES);
    }
}

fn change(input: &mut Vec<u8>, others: &[Vec<u8>], words: &[&str], chance: &mut Chance) {
    if input.is_empty() {
        let other = chance.pick(others);
        input.extend_from_slice(other);
        input.push(chance.byte());
        return;
    }
    let at = chance.below(input.len());
    match chance.below(12) {
        0 => input[at] ^= 1 << chance.below(8),
        1 => input[at] = chance.byte(),
        2 => input[at] = *chance.pick(b"%/?&=;:,. \r\n\"\\{}[]<>-+*\0\x7f\xff"),
        3 => {
            input.remove(at);
        }
        4 => drop(input.drain(range(input.len(), at, chance))),
        5 => input.truncate(at),
        6 => {
            let piece = input[range(input.len(), at, chance)].to_vec();
            let to = chance.below(input.len() + 1);
            input.splice(to..to, piece);
        }
        7 => {
            let other = chance.pick(others);
            if !other.is_empty() {
                let from = chance.below(other.len());
                let piece = &other[range(other.len(), from, chance)];
                let replaced = if chance.below(2) == 0 { at..at } else { range(input.len(), at, chance) };
                input.splice(replaced, piece.iter().copied());
            }
        }
        8 | 9 if !words.is_empty() => {
            let word = chance.pick(words).bytes();
            let replaced = if chance.below(2) == 0 { at..at } else { at..(at + word.len()).min(input.len()) };
            input.splice(replaced, word);
        }
        10 => replace_number(input, at, chance),
        _ => input[at] = input[at].wrapping_add(1),
    }
}

/// A short range that starts at `at`.
fn range(length: usize, at: usize, chance: &mut Chance) -> std::ops::Range<usize> {
    let longest = if chance.below(4) == 0 { length } else { 16 };
    at..(at + 1 + chance.below(longest)).min(length)
}

/// Puts another number in place of the next one after `at`.
fn replace_number(input: &mut Vec<u8>, at: usize, chance: &mut Chance) {
    let Some(start) = input[at..].iter().position(u8::is_ascii_digit).map(|offset| at + offset) else { return };
    let digits = input[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    input.splice(start..start + digits, chance.pick(&NUMBERS).bytes());
}

/// Repeats a piece until the input is longer than limits allow.
fn lengthen(input: &mut Vec<u8>, chance: &mut Chance) {
    if input.is_empty() {
        return;
    }
    let at = chance.below(input.len());
    let piece = input[range(input.len(), at, chance)].to_vec();
    let times = chance.below(MAX_LONG_BYTES / piece.len() + 1);
    let repeated: Vec<u8> = piece.iter().copied().cycle().take(piece.len() * times).collect();
    input.splice(at..at, repeated);
    input.truncate(MAX_LONG_BYTES);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(seed: u64) -> Vec<Vec<u8>> {
        let mut chance = Chance::new(seed);
        let others = [b"/bucket/key?a=1".to_vec(), Vec::new()];
        (0..5_000)
            .map(|_| {
                let mut input = chance.pick(&others).clone();
                mutate(&mut input, &others, &["X-Amz-Date"], &mut chance);
                input
            })
            .collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_inputs() {
        assert_eq!(some(7), some(7));
        assert_ne!(some(7), some(8));
    }

    #[test]
    fn most_inputs_differ_and_some_are_long() {
        let inputs = some(1);
        let distinct: std::collections::BTreeSet<_> = inputs.iter().collect();
        assert!(distinct.len() > inputs.len() / 2, "{} of {}", distinct.len(), inputs.len());
        assert!(inputs.iter().any(|input| input.len() > MAX_BYTES));
        assert!(inputs.iter().all(|input| input.len() <= MAX_LONG_BYTES));
        assert!(inputs.iter().any(|input| input.windows(10).any(|part| part == b"X-Amz-Date")));
    }
}
