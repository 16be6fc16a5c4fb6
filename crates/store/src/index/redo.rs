//! Tables that note what is changed in them, so that it can be done again.
//!
//! A note names a table, a key, and the value that the row has now. Notes say what is, not what to do with what was: to do
//! them again where they have been done changes nothing.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::ops::Deref;

use redb::{AccessGuard, Key, StorageError, Table, TableDefinition, TableError, Value, WriteTransaction};

/// The changes of a group of writes.
#[derive(Debug)]
pub(super) struct Redo {
    bytes: Vec<u8>,
    rows: usize,
    limit: usize,
}

/// All changes of a group of writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Complete<'r> {
    pub(super) bytes: &'r [u8],
    /// How many rows they write.
    pub(super) rows: usize,
}

impl Redo {
    /// Notes up to `limit` bytes.
    pub(super) fn up_to(limit: usize) -> Self {
        Self { bytes: Vec::new(), rows: 0, limit }
    }

    /// All changes, unless there were more than the limit.
    pub(super) fn complete(&self) -> Option<Complete<'_>> {
        (self.bytes.len() <= self.limit).then_some(Complete { bytes: &self.bytes, rows: self.rows })
    }

    fn note(&mut self, table: u8, key: &[u8], value: Option<&[u8]>) {
        // One note beyond the limit, and then no more.
        if self.bytes.len() > self.limit {
            return;
        }
        self.rows += 1;
        self.bytes.push(table);
        self.piece(Some(key));
        self.piece(value);
    }

    fn piece(&mut self, piece: Option<&[u8]>) {
        let length = piece.map_or(NOTHING, |piece| u32::try_from(piece.len()).expect("redb takes up to 3 GiB"));
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(piece.unwrap_or_default());
    }
}

/// In place of a length: there is no such row any more.
const NOTHING: u32 = u32::MAX;

/// A row as a note says it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row<'r> {
    pub(super) table: u8,
    pub(super) key: &'r [u8],
    pub(super) value: Option<&'r [u8]>,
}

/// The rows of a [complete](Redo::complete) redo; `None` in the place of one that is none.
pub(super) fn rows(mut redo: &[u8]) -> impl Iterator<Item = Option<Row<'_>>> {
    std::iter::from_fn(move || {
        let (table, rest) = redo.split_first()?;
        redo = rest;
        let row = take(&mut redo).and_then(|key| Some(Row { table: *table, key: key?, value: take(&mut redo)? }));
        if row.is_none() {
            redo = &[];
        }
        Some(row)
    })
}

#[expect(clippy::option_option, reason = "no piece at all, and one that says: nothing")]
fn take<'r>(redo: &mut &'r [u8]) -> Option<Option<&'r [u8]>> {
    let (length, rest) = redo.split_first_chunk()?;
    *redo = rest;
    match u32::from_le_bytes(*length) {
        NOTHING => Some(None),
        length => {
            let (piece, rest) = redo.split_at_checked(usize::try_from(length).ok()?)?;
            *redo = rest;
            Some(Some(piece))
        }
    }
}

/// A table that is changed and noted at once. Read it as the table it is.
pub(super) struct Logged<'t, K: Key + 'static, V: Value + 'static> {
    /// The table in notes. No other ever gets it.
    number: u8,
    table: Table<'t, K, V>,
    notes: &'t RefCell<Redo>,
}

impl<'t, K: Key + 'static, V: Value + 'static> Logged<'t, K, V> {
    pub(super) fn open(
        inner: &'t WriteTransaction,
        notes: &'t RefCell<Redo>,
        number: u8,
        definition: TableDefinition<'_, K, V>,
    ) -> Result<Self, TableError> {
        Ok(Self { number, table: inner.open_table(definition)?, notes })
    }

    pub(super) fn insert<'k, 'v>(
        &mut self,
        key: impl Borrow<K::SelfType<'k>>,
        value: impl Borrow<V::SelfType<'v>>,
    ) -> Result<Option<AccessGuard<'_, V>>, StorageError> {
        let (noted, row) = (K::as_bytes(key.borrow()), V::as_bytes(value.borrow()));
        self.notes.borrow_mut().note(self.number, noted.as_ref(), Some(row.as_ref()));
        drop((noted, row));
        self.table.insert(key, value)
    }

    pub(super) fn remove<'k>(
        &mut self,
        key: impl Borrow<K::SelfType<'k>>,
    ) -> Result<Option<AccessGuard<'_, V>>, StorageError> {
        self.notes.borrow_mut().note(self.number, K::as_bytes(key.borrow()).as_ref(), None);
        self.table.remove(key)
    }

    /// Makes a row what its note says, if it is one of this table.
    pub(super) fn redo(&mut self, row: &Row<'_>) -> Result<bool, StorageError> {
        if row.table != self.number {
            return Ok(false);
        }
        let key = K::from_bytes(row.key);
        match row.value {
            Some(value) => drop(self.insert(key, V::from_bytes(value))?),
            None => drop(self.remove(key)?),
        }
        Ok(true)
    }
}

impl<'t, K: Key + 'static, V: Value + 'static> Deref for Logged<'t, K, V> {
    type Target = Table<'t, K, V>;

    fn deref(&self) -> &Self::Target {
        &self.table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_as_they_were_made() {
        let mut redo = Redo::up_to(1000);
        redo.note(1, b"key", Some(b"value"));
        redo.note(2, b"", Some(b""));
        redo.note(255, b"gone", None);
        let Complete { bytes: whole, rows: 3 } = redo.complete().unwrap() else { panic!("{redo:?}") };
        let expected = [
            Row { table: 1, key: b"key", value: Some(b"value") },
            Row { table: 2, key: b"", value: Some(b"") },
            Row { table: 255, key: b"gone", value: None },
        ];
        assert_eq!(rows(whole).collect::<Option<Vec<_>>>().unwrap(), expected);

        let ends_of_rows = [0, 17, 26];
        for length in 0..whole.len() {
            let read: Option<Vec<_>> = rows(&whole[..length]).collect();
            assert_eq!(read.is_some(), ends_of_rows.contains(&length), "{length}");
        }
    }

    #[test]
    fn more_than_the_limit_is_not_kept() {
        let note = |redo: &mut Redo, length| redo.note(1, b"k", Some(&vec![0; length]));
        let of_one = 1 + 4 + 1 + 4 + 5;
        let mut redo = Redo::up_to(of_one);
        note(&mut redo, 5);
        assert_eq!(redo.complete().map(|complete| (complete.bytes.len(), complete.rows)), Some((of_one, 1)));
        for _ in 0..100 {
            note(&mut redo, 5);
        }
        assert_eq!(redo.complete(), None);
        assert_eq!(redo.bytes.len(), 2 * of_one);
    }
}
