//! Sums of the blocks of a body: disks give back other bytes than they were given, seldom and without a word.
//!
//! Behind its content a blob carries the CRC-32C of each 64 KiB of it, then a footer. Who reads a stretch reads the whole
//! blocks around it and compares before any byte leaves. A CRC costs a few microseconds a block; it finds every burst of
//! up to 32 bits and all but one in four thousand million of what else can happen.

use crc_fast::{CrcAlgorithm, Digest};

/// How much content one sum speaks of.
pub(crate) const BLOCK_BYTES: usize = 64 * 1024;
const BLOCK: u64 = BLOCK_BYTES as u64;
const SUM_BYTES: u64 = 4;
pub(super) const FOOTER_BYTES: u64 = FOOTER as u64;
/// The same, as a length in memory.
pub(super) const FOOTER: usize = 16;
const MAGIC: [u8; 8] = *b"GPCRC32C";

/// The sum of a block, of a small body, of a record.
pub(crate) fn sum(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// How much stands behind `content` bytes.
pub(crate) fn trailer_bytes(content: u64) -> u64 {
    content.div_ceil(BLOCK) * SUM_BYTES + FOOTER_BYTES
}

/// Where the sum of a block stands.
pub(super) fn place_of_sum(content: u64, block: u64) -> u64 {
    content + block * SUM_BYTES
}

pub(super) fn sums_from(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|sum| u32::from_le_bytes(*sum)).collect()
}

/// Whether these last bytes of a blob are those that belong behind `content` bytes.
pub(super) fn is_footer(bytes: [u8; FOOTER], content: u64) -> bool {
    bytes[..8] == MAGIC && bytes[8..] == content.to_le_bytes()
}

/// Sums a body that arrives in pieces.
#[derive(Debug)]
pub(super) struct Summer {
    sums: Vec<u8>,
    block: Digest,
    in_block: usize,
    length: u64,
}

impl Summer {
    pub(super) fn new() -> Self {
        Self { sums: Vec::new(), block: Digest::new(CrcAlgorithm::Crc32Iscsi), in_block: 0, length: 0 }
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - self.in_block));
            self.block.update(now);
            self.in_block += now.len();
            if self.in_block == BLOCK_BYTES {
                self.end_block();
            }
            bytes = later;
        }
    }

    /// What is written behind the content.
    pub(super) fn trailer(mut self) -> Vec<u8> {
        if self.in_block > 0 {
            self.end_block();
        }
        self.sums.extend_from_slice(&MAGIC);
        self.sums.extend_from_slice(&self.length.to_le_bytes());
        self.sums
    }

    fn end_block(&mut self) {
        let sum = u32::try_from(self.block.finalize_reset()).expect("a CRC-32 has 32 bits");
        self.sums.extend_from_slice(&sum.to_le_bytes());
        self.in_block = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_change_the_sums() {
        let body: Vec<u8> = (0_u8..251).cycle().take(3 * BLOCK_BYTES + 5).collect();
        let mut expected: Vec<u8> = body.chunks(BLOCK_BYTES).flat_map(|block| sum(block).to_le_bytes()).collect();
        expected.extend_from_slice(&MAGIC);
        expected.extend_from_slice(&(body.len() as u64).to_le_bytes());
        for piece in [1000, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, body.len()] {
            let mut summer = Summer::new();
            body.chunks(piece).for_each(|piece| summer.update(piece));
            let trailer = summer.trailer();
            assert_eq!(trailer.len() as u64, trailer_bytes(body.len() as u64));
            assert_eq!(trailer, expected, "in pieces of {piece}");
            let footer = trailer[trailer.len() - FOOTER..].try_into().unwrap();
            assert!(is_footer(footer, body.len() as u64) && !is_footer(footer, body.len() as u64 + 1));
        }
    }
}
