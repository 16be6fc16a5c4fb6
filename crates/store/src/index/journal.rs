//! How a group of writes becomes durable: by the log, and by the database from time to time.
//!
//! Readers see a group when its record is synced, for the database takes it up in memory then. When the log is full, the
//! database writes all that it has in memory, with the group that found no room, and the log begins anew. A start, and
//! whoever opens the database anew after a failure, first lets it take up what only the log has.

use std::cell::RefCell;

use redb::{Database, Durability, ReadableTable, StorageBackend, WriteTransaction};

use super::redo::{self, Complete, Redo};
use super::tables;
use super::transaction::{Effects, Transaction};
use super::wal::{self, Record, Wal};

/// The most rows in the log that the database does not have on the disk: a start makes each of them anew, which takes a
/// fifth of a millisecond where it must be looked for among ten million.
const MAX_ROWS: usize = 4096;

/// The log of a database, and how far both have come.
#[derive(Debug)]
pub(super) struct Journal {
    wal: Wal,
    /// How many rows the log has.
    rows: usize,
    /// The number of the last group.
    last: u64,
    /// The last group that is on the disk, and the database has.
    committed: u64,
    /// Nobody knows whether what was read when this was opened is on the disk: an earlier sync may have failed. The next
    /// group goes to the database, with everything before it.
    is_unsure: bool,
}

impl Journal {
    /// Has the database take up what only its log has, up to a group. Nothing is written.
    pub(super) fn open(database: &Database, log: Box<dyn StorageBackend>, up_to: u64) -> Result<Self, redb::Error> {
        let mut transaction = database.begin_write()?;
        // In memory: what is read here may not be on the disk, and who only looks writes nothing.
        transaction.set_durability(Durability::None)?;
        let (id, before) = {
            let counters = transaction.open_table(tables::COUNTERS)?;
            let number = |name| Ok::<_, redb::Error>(counters.get(name)?.map(|number| number.value()));
            (number(tables::LOG)?, number(tables::GROUP)?.unwrap_or(0))
        };
        let (mut taken_up, mut last) = (before, before);
        if let Some(id) = id {
            let (notes, mut effects) = (RefCell::new(Redo::up_to(0)), Effects::default());
            let mut tables = Transaction::open(&transaction, &notes, &mut effects)?;
            wal::read(&*log, id, before, &mut |Record { sequence, redo }| {
                last = sequence;
                if sequence > up_to {
                    return Ok(());
                }
                for row in redo::rows(&redo) {
                    let is_known = row.map_or(Ok(false), |row| tables.redo(&row))?;
                    if !is_known {
                        return Err(redb::Error::Corrupted(format!(
                            "group {sequence} of the write-ahead log changes something that this version does not know"
                        )));
                    }
                }
                taken_up = sequence;
                Ok(())
            })?;
        }
        if taken_up == before {
            transaction.abort()?;
        } else {
            transaction.open_table(tables::COUNTERS)?.insert(tables::GROUP, taken_up)?;
            transaction.commit()?;
            tracing::info!(groups = taken_up - before, "the index has taken up what only its log had");
        }
        let id = match id {
            Some(id) => id,
            None => getrandom::u64().map_err(|error| redb::Error::Io(std::io::Error::other(error)))?,
        };
        // One number is left out: a record whose sync failed may yet come to light, and must not be taken for the next.
        Ok(Self { wal: Wal::new(log, id), rows: 0, last: last + 1, committed: taken_up, is_unsure: true })
    }

    /// Up to which group everything is on the disk.
    pub(super) fn committed(&self) -> u64 {
        self.committed
    }

    /// Commits a group, whose changes are `redo` where they are not too many for the log. When this fails, nobody knows
    /// whether the group will hold until the database and its journal were opened anew.
    pub(super) fn commit(
        &mut self,
        mut transaction: WriteTransaction,
        redo: Option<Complete<'_>>,
    ) -> Result<(), redb::Error> {
        self.last += 1;
        {
            let mut counters = transaction.open_table(tables::COUNTERS)?;
            counters.insert(tables::GROUP, self.last)?;
            if self.is_unsure {
                counters.insert(tables::LOG, self.wal.database())?;
            }
        }
        match redo {
            Some(redo) if self.has_room(redo) => {
                transaction.set_durability(Durability::None)?;
                self.wal.append(self.last, redo.bytes)?;
                self.rows += redo.rows;
                transaction.commit()?;
            }
            _ => {
                transaction.set_quick_repair(true);
                transaction.commit()?;
                self.wal.clear();
                self.rows = 0;
                self.is_unsure = false;
            }
        }
        self.committed = self.last;
        Ok(())
    }

    fn has_room(&self, redo: Complete<'_>) -> bool {
        !self.is_unsure && self.wal.has_room(redo.bytes) && self.rows + redo.rows <= MAX_ROWS
    }

    /// Has the database write all that it has in memory, so that a start finds nothing in the log.
    pub(super) fn close(&mut self, database: &Database) -> Result<(), redb::Error> {
        if self.wal.is_empty() { Ok(()) } else { self.commit(database.begin_write()?, None) }
    }
}

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;

    use super::*;

    #[test]
    fn the_log_holds_so_many_rows_and_no_more() {
        let database = redb::Builder::new().create_with_backend(InMemoryBackend::new()).unwrap();
        let mut journal = Journal::open(&database, Box::new(InMemoryBackend::new()), u64::MAX).unwrap();
        let mut commit = |rows| {
            let redo = Complete { bytes: b"", rows };
            journal.commit(database.begin_write().unwrap(), Some(redo)).unwrap();
            (journal.wal.is_empty(), journal.rows)
        };
        // The first group after a start goes to the database.
        assert_eq!(commit(1), (true, 0));
        assert_eq!(commit(MAX_ROWS - 1), (false, MAX_ROWS - 1));
        assert_eq!(commit(1), (false, MAX_ROWS));
        assert_eq!(commit(1), (true, 0));
        assert_eq!(commit(MAX_ROWS + 1), (true, 0));
        assert_eq!(commit(MAX_ROWS), (false, MAX_ROWS));
    }
}
