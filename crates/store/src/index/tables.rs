//! The tables. Text is compared byte by byte, which for UTF-8 is the order S3 lists in.

use std::ops::ControlFlow;

use redb::{Key, ReadTransaction, ReadableTable, TableDefinition, Value, WriteTransaction};

/// Name → [`BucketRecord`](super::BucketRecord).
pub(super) const BUCKETS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("buckets");
/// Bucket, key → [`ObjectRecord`](super::ObjectRecord).
pub(super) const OBJECTS: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("objects");
/// Bucket, key, [`Rank`](super::versions::Rank) → [`PastVersion`](super::versions::PastVersion): the versions that no longer
/// are the object, and delete markers, the newest of a key first.
pub(super) const VERSIONS: TableDefinition<'_, (&str, &str, u64), &[u8]> = TableDefinition::new("versions");
/// Bucket, key → rank of the null version among [`VERSIONS`].
pub(super) const NULLS: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("nulls");
/// The bytes of small bodies.
pub(super) const SMALL: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("small");
/// The parts of assembled objects: `Vec<LayoutPart>`.
pub(super) const LAYOUTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("layouts");
/// Blob → how many objects and parts consist of it. A copy shares the blobs of its source.
pub(super) const BLOBS: TableDefinition<'_, u128, u64> = TableDefinition::new("blobs");
/// Bucket, key, upload id → [`UploadRecord`](super::UploadRecord). Upload ids begin with their time.
pub(super) const UPLOADS: TableDefinition<'_, (&str, &str, &str), &[u8]> = TableDefinition::new("uploads");
/// Upload id, part number → [`PartRecord`](super::PartRecord).
pub(super) const PARTS: TableDefinition<'_, (&str, u16), &[u8]> = TableDefinition::new("parts");
/// Bucket → its lifecycle rules as XML. Not in its record, which is read with every request.
pub(super) const LIFECYCLES: TableDefinition<'_, &str, &str> = TableDefinition::new("lifecycles");
/// The store's own numbers.
pub(super) const COUNTERS: TableDefinition<'_, &str, u64> = TableDefinition::new("counters");

/// The last sequence of a version.
pub(super) const VERSION: &str = "version";
/// How often the store has been started.
pub(super) const BOOT: &str = "boot";
/// The first start whose blobs carry sums.
pub(super) const FIRST_SUMMING_BOOT: &str = "first-summing-boot";

/// Which log belongs to this database.
pub(super) const LOG: &str = "log";
/// The number of the last group of writes that the tables hold.
pub(super) const GROUP: &str = "group";

/// Makes the tables that do not exist yet, so that a snapshot always finds them.
pub(super) fn create(transaction: &WriteTransaction) -> Result<(), redb::TableError> {
    transaction.open_table(BUCKETS)?;
    transaction.open_table(OBJECTS)?;
    transaction.open_table(VERSIONS)?;
    transaction.open_table(NULLS)?;
    transaction.open_table(SMALL)?;
    transaction.open_table(LAYOUTS)?;
    transaction.open_table(BLOBS)?;
    transaction.open_table(UPLOADS)?;
    transaction.open_table(PARTS)?;
    transaction.open_table(LIFECYCLES)?;
    transaction.open_table(COUNTERS)?;
    Ok(())
}

/// Copies every table. `row` is called for each row, and says whether to go on.
pub(super) fn copy(
    from: &ReadTransaction,
    to: &WriteTransaction,
    row: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<ControlFlow<()>, redb::Error> {
    let copied = copy_table(from, to, BUCKETS, row)?.is_continue()
        && copy_table(from, to, OBJECTS, row)?.is_continue()
        && copy_table(from, to, VERSIONS, row)?.is_continue()
        && copy_table(from, to, NULLS, row)?.is_continue()
        && copy_table(from, to, SMALL, row)?.is_continue()
        && copy_table(from, to, LAYOUTS, row)?.is_continue()
        && copy_table(from, to, BLOBS, row)?.is_continue()
        && copy_table(from, to, UPLOADS, row)?.is_continue()
        && copy_table(from, to, PARTS, row)?.is_continue()
        && copy_table(from, to, LIFECYCLES, row)?.is_continue()
        && copy_table(from, to, COUNTERS, row)?.is_continue();
    Ok(if copied { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
}

fn copy_table<K: Key + 'static, V: Value + 'static>(
    from: &ReadTransaction,
    to: &WriteTransaction,
    table: TableDefinition<'_, K, V>,
    row: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<ControlFlow<()>, redb::Error> {
    let (source, mut target) = (from.open_table(table)?, to.open_table(table)?);
    for found in source.iter()? {
        let (key, value) = found?;
        target.insert(key.value(), value.value())?;
        if row().is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;
    use redb::{Builder, ReadableDatabase, TableHandle};

    use super::*;

    #[test]
    fn no_table_is_left_out_of_a_copy() {
        let open = || Builder::new().create_with_backend(InMemoryBackend::new()).unwrap();
        let (from, to) = (open(), open());
        let transaction = from.begin_write().unwrap();
        create(&transaction).unwrap();
        transaction.commit().unwrap();
        let transaction = to.begin_write().unwrap();
        let copied = copy(&from.begin_read().unwrap(), &transaction, &mut || ControlFlow::Continue(())).unwrap();
        assert!(copied.is_continue());
        transaction.commit().unwrap();
        let names = |database: &redb::Database| {
            let transaction = database.begin_read().unwrap();
            let mut names: Vec<String> =
                transaction.list_tables().unwrap().map(|table| table.name().to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&from), names(&to));
        assert!(names(&to).len() >= 8);
    }
}
