//! The write-ahead log: the changes of each group of writes, made durable by one sequential write and one sync. The
//! database below takes them over later, many groups at a time.
//!
//! A commit of redb writes every page that the group has touched, then the state of its allocator, which grows with the
//! file, and syncs twice. Its share of a write that came alone, or one of ten million neighbours, would be most of it.
//!
//! A record begins on a block of its own, so that no later write touches a block that an acknowledged one lies in:
//!
//! ```text
//! magic  length  database  sequence  sum  redo...  zeros up to the next block
//!     4       4         8         8    4
//! ```
//!
//! The first record stands at the beginning of the file, and the sequence has no gaps. Once the database has taken the
//! records over, the next one is written over the first. The blocks are filled with zeros before they are used: a sync of
//! a block that exists need not wait for the file system's own journal.

use std::io;

use redb::StorageBackend;

use crate::blobs::sum;

pub(super) const FILE_NAME: &str = "index.wal";
/// How much of what is written the database has not taken over, at most.
const CAPACITY: u64 = CAPACITY_IN_MEMORY as u64;
/// The most that a record takes.
pub(super) const LARGEST_REDO: usize = CAPACITY_IN_MEMORY - HEADER;
/// The same, as a length in memory.
const CAPACITY_IN_MEMORY: usize = 2 * 1024 * 1024;

const BLOCK: u64 = 4096;
/// By how much the file grows.
const STEP: u64 = 64 * BLOCK;
const MAGIC: [u8; 4] = *b"GPW1";
const HEADER: usize = 28;

/// Where the next record goes.
#[derive(Debug)]
pub(super) struct Wal {
    file: Box<dyn StorageBackend>,
    /// Which database the records belong to. A file that was copied to another one's side says nothing there.
    database: u64,
    position: u64,
    /// How long the file is, once something was written.
    length: Option<u64>,
}

/// A group of writes from the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) sequence: u64,
    pub(super) redo: Vec<u8>,
}

impl Wal {
    /// The log, whose records have been [read](self::read).
    pub(super) fn new(file: Box<dyn StorageBackend>, database: u64) -> Self {
        Self { file, database, position: 0, length: None }
    }

    pub(super) fn database(&self) -> u64 {
        self.database
    }

    pub(super) fn is_empty(&self) -> bool {
        self.position == 0
    }

    pub(super) fn has_room(&self, redo: &[u8]) -> bool {
        self.position + blocks(redo.len()) <= CAPACITY
    }

    /// The database holds everything.
    pub(super) fn clear(&mut self) {
        self.position = 0;
    }

    /// Writes a record for which there [is room](Self::has_room), and syncs it.
    pub(super) fn append(&mut self, sequence: u64, redo: &[u8]) -> io::Result<()> {
        let length = blocks(redo.len());
        let end = self.position + length;
        let file = match self.length {
            Some(length) => length,
            None => self.file.len()?,
        };
        self.length = Some(if file < end { self.grow(file, end)? } else { file });
        let mut record = Vec::with_capacity(to_usize(length));
        record.extend_from_slice(&header(redo, self.database, sequence));
        record.extend_from_slice(redo);
        record.resize(to_usize(length), 0);
        self.file.write(self.position, &record)?;
        self.file.sync_data()?;
        self.position = end;
        Ok(())
    }

    /// Makes a file of this length long enough, and says how long it is then.
    fn grow(&self, length: u64, end: u64) -> io::Result<u64> {
        let grown = end.next_multiple_of(STEP).min(CAPACITY);
        self.file.set_len(grown)?;
        self.file.write(length, &vec![0; to_usize(grown - length)])?;
        Ok(grown)
    }
}

/// Reads the groups that a database does not have whose last one is `last`, in their order.
pub(super) fn read(
    file: &dyn StorageBackend,
    database: u64,
    last: u64,
    each: &mut dyn FnMut(Record) -> Result<(), redb::Error>,
) -> Result<(), redb::Error> {
    let length = file.len()?;
    let (mut position, mut expected) = (0, None);
    while let Some(record) = record_at(file, length, position, database)? {
        // Behind the newest record stands one of an earlier round.
        if expected.is_some_and(|expected| record.sequence != expected) {
            break;
        }
        if expected.is_none() && record.sequence > last + 1 {
            return Err(redb::Error::Corrupted(format!(
                "the write-ahead log {FILE_NAME} begins with group {}, and the database ends with {last}; where that file is \
                 moved away the store opens without it",
                record.sequence
            )));
        }
        position += blocks(record.redo.len());
        expected = Some(record.sequence + 1);
        if record.sequence > last {
            each(record)?;
        }
    }
    let newest = last.max(expected.map_or(0, |next| next - 1));
    // Only one record at a time is on its way: what lies before a whole one has been whole.
    while position < length {
        if record_at(file, length, position, database)?.is_some_and(|record| record.sequence > newest) {
            return Err(redb::Error::Corrupted(format!(
                "the write-ahead log {FILE_NAME} is damaged behind group {newest}, and later groups follow; a backup may have \
                 them, and where that file is moved away the store opens without them"
            )));
        }
        position += BLOCK;
    }
    Ok(())
}

/// The whole record of this database that begins here.
fn record_at(file: &dyn StorageBackend, length: u64, position: u64, database: u64) -> io::Result<Option<Record>> {
    if position + BLOCK > length {
        return Ok(None);
    }
    let mut found = [0; HEADER];
    file.read(position, &mut found)?;
    let number = |at: usize, bytes: usize| {
        found[at..at + bytes].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    };
    let (redo_length, sequence) = (to_usize(number(4, 4)), number(16, 8));
    if found[..4] != MAGIC || position + blocks(redo_length) > length {
        return Ok(None);
    }
    let mut redo = vec![0; redo_length];
    file.read(position + HEADER as u64, &mut redo)?;
    Ok((found == header(&redo, database, sequence)).then_some(Record { sequence, redo }))
}

fn header(redo: &[u8], database: u64, sequence: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&MAGIC);
    let length = u32::try_from(redo.len()).expect("a record is smaller than the log");
    header[4..8].copy_from_slice(&length.to_le_bytes());
    header[8..16].copy_from_slice(&database.to_le_bytes());
    header[16..24].copy_from_slice(&sequence.to_le_bytes());
    let of_both = [sum(&header[..24]).to_le_bytes(), sum(redo).to_le_bytes()].concat();
    header[24..].copy_from_slice(&sum(&of_both).to_le_bytes());
    header
}

/// What a record with this much redo takes of the file.
fn blocks(redo: usize) -> u64 {
    ((HEADER + redo) as u64).next_multiple_of(BLOCK)
}

fn to_usize(length: u64) -> usize {
    usize::try_from(length).expect("the log fits into memory")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    const DATABASE: u64 = 0x1122_3344_5566_7788;

    /// A file that is looked at from outside.
    #[derive(Debug, Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Shared {
        fn holding(bytes: &[u8]) -> Self {
            Self(Arc::new(Mutex::new(bytes.to_vec())))
        }

        fn bytes(&self) -> Vec<u8> {
            self.0.lock().unwrap().clone()
        }
    }

    impl StorageBackend for Shared {
        fn len(&self) -> io::Result<u64> {
            Ok(self.0.lock().unwrap().len() as u64)
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            let offset = to_usize(offset);
            out.copy_from_slice(&self.0.lock().unwrap()[offset..offset + out.len()]);
            Ok(())
        }
        fn set_len(&self, length: u64) -> io::Result<()> {
            self.0.lock().unwrap().resize(to_usize(length), 0);
            Ok(())
        }
        fn sync_data(&self) -> io::Result<()> {
            Ok(())
        }
        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            let offset = to_usize(offset);
            self.0.lock().unwrap()[offset..offset + data.len()].copy_from_slice(data);
            Ok(())
        }
    }

    fn log() -> (Shared, Wal) {
        let file = Shared::default();
        (file.clone(), Wal::new(Box::new(file), DATABASE))
    }

    fn read_all(file: &Shared, last: u64) -> Result<Vec<Record>, redb::Error> {
        let mut records = Vec::new();
        read(file, DATABASE, last, &mut |record| {
            records.push(record);
            Ok(())
        })?;
        Ok(records)
    }

    fn redo_of(sequence: u64, length: usize) -> Vec<u8> {
        (0..length).map(|at| (at as u64 * 31 + sequence).to_le_bytes()[0]).collect()
    }

    #[test]
    fn what_is_appended_is_read() {
        let (file, mut wal) = log();
        let block = to_usize(BLOCK);
        let lengths = [0, 1, block - HEADER, block - HEADER + 1, 5 * block, to_usize(STEP), 17];
        let expected: Vec<Record> =
            (1..).zip(lengths).map(|(sequence, length)| Record { sequence, redo: redo_of(sequence, length) }).collect();
        for Record { sequence, redo } in &expected {
            wal.append(*sequence, redo).unwrap();
        }
        assert_eq!(file.bytes().len() % to_usize(STEP), 0);
        assert_eq!(read_all(&file, 0).unwrap(), expected);
        assert_eq!(read_all(&file, 3).unwrap(), expected[3..]);
        assert_eq!(read_all(&file, 7).unwrap(), []);
        assert_eq!(read_all(&Shared::default(), 7).unwrap(), []);
    }

    #[test]
    fn a_record_is_as_large_as_the_log_at_most() {
        let (file, mut wal) = log();
        assert!(wal.has_room(&vec![1; LARGEST_REDO]) && !wal.has_room(&vec![1; LARGEST_REDO + 1]));
        wal.append(1, &redo_of(1, LARGEST_REDO)).unwrap();
        assert!(!wal.has_room(&[]) && !wal.is_empty());
        assert_eq!(file.bytes().len(), CAPACITY_IN_MEMORY);
        assert_eq!(read_all(&file, 0).unwrap().len(), 1);
        wal.clear();
        assert!(wal.has_room(&[]) && wal.is_empty());
    }

    #[test]
    fn of_a_torn_record_nothing_is_read() {
        let (file, mut wal) = log();
        wal.append(1, &redo_of(1, 100)).unwrap();
        let before = file.bytes();
        wal.append(2, &redo_of(2, 9000)).unwrap();
        let after = file.bytes();
        let changed = to_usize(BLOCK)..to_usize(4 * BLOCK);
        for (first, last) in [(0, 3), (0, 1), (1, 2), (2, 3), (0, 2), (1, 3)] {
            let mut torn = before.clone();
            for block in (first..last).map(|block| changed.start + block * to_usize(BLOCK)) {
                torn[block..block + to_usize(BLOCK)].copy_from_slice(&after[block..block + to_usize(BLOCK)]);
            }
            let whole = (first, last) == (0, 3);
            assert_eq!(read_all(&Shared::holding(&torn), 0).unwrap().len(), if whole { 2 } else { 1 });
        }
        let record = to_usize(BLOCK)..to_usize(BLOCK) + HEADER + 9000;
        for at in record.clone().take(HEADER + 10).chain(record.rev().take(10)) {
            let mut flipped = after.clone();
            flipped[at] ^= 1;
            assert_eq!(read_all(&Shared::holding(&flipped), 0).unwrap().len(), 1, "{at}");
        }
    }

    #[test]
    fn records_of_an_earlier_round_are_not_read() {
        let (file, mut wal) = log();
        (1..=6).for_each(|sequence| wal.append(sequence, &redo_of(sequence, 50)).unwrap());
        // The database has taken over six groups, and the seventh came with them.
        wal.clear();
        assert_eq!(read_all(&file, 7).unwrap(), []);
        (8..=10).for_each(|sequence| wal.append(sequence, &redo_of(sequence, 50)).unwrap());
        let read: Vec<u64> = read_all(&file, 7).unwrap().iter().map(|record| record.sequence).collect();
        assert_eq!(read, [8, 9, 10]);
    }

    #[test]
    fn a_loss_in_the_middle_is_an_error() {
        let (file, mut wal) = log();
        (1..=5).for_each(|sequence| wal.append(sequence, &redo_of(sequence, 6000)).unwrap());
        for lost in 1..=4 {
            let mut bytes = file.bytes();
            bytes[to_usize(2 * BLOCK) * (lost - 1) + 40] ^= 1;
            let error = read_all(&Shared::holding(&bytes), 0).unwrap_err();
            assert!(matches!(&error, redb::Error::Corrupted(text) if text.contains("later groups follow")), "{error}");
            // The database has taken it over: nobody needs it.
            assert!(read_all(&Shared::holding(&bytes), 5).unwrap().is_empty());
        }
    }

    #[test]
    fn a_database_older_than_its_log_is_an_error() {
        let (file, mut wal) = log();
        wal.append(9, b"redo").unwrap();
        assert_eq!(read_all(&file, 8).unwrap().len(), 1);
        let error = read_all(&file, 7).unwrap_err();
        assert!(matches!(&error, redb::Error::Corrupted(text) if text.contains("begins with group 9")), "{error}");
    }

    #[test]
    fn the_log_of_another_database_says_nothing() {
        let (file, mut wal) = log();
        wal.append(1, b"redo").unwrap();
        let mut read_any = false;
        read(&file, DATABASE + 1, 0, &mut |_| {
            read_any = true;
            Ok(())
        })
        .unwrap();
        assert!(!read_any);
    }
}
