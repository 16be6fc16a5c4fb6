//! The record of what was asked for and what was acknowledged.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What may be found of one thing after a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<V> {
    /// The last state that the server acknowledged; nothing, if it acknowledged that there is nothing.
    pub acknowledged: Option<V>,
    /// A change that was asked for and not answered.
    pub asked: Option<Change<V>>,
}

/// A change that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<V> {
    /// To have this.
    Write(V),
    /// To have nothing.
    Delete,
}

impl<V: Clone + PartialEq> Entry<V> {
    /// Whether this is a state that the server may be in. A thing that was acknowledged must be there; a change that
    /// was asked for and not answered may have happened or not.
    pub fn permits(&self, found: Option<&V>) -> bool {
        let asked = match &self.asked {
            None => return found == self.acknowledged.as_ref(),
            Some(Change::Write(value)) => Some(value),
            Some(Change::Delete) => None,
        };
        found == self.acknowledged.as_ref() || found == asked
    }

    /// The states that may be found, where something may be found.
    pub fn candidates(&self) -> Vec<V> {
        let mut candidates: Vec<V> = self.acknowledged.iter().cloned().collect();
        if let Some(Change::Write(value)) = &self.asked {
            candidates.push(value.clone());
        }
        candidates
    }
}

/// All entries, by name. Each name has one writer, so there is at most one unanswered change to it.
pub struct Ledger<V>(Mutex<BTreeMap<String, Entry<V>>>);

impl<V> Default for Ledger<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V: Clone + PartialEq> Ledger<V> {
    /// Notes a change before it is asked for.
    pub fn ask(&self, name: &str, change: Change<V>) {
        let mut entries = self.entries();
        let entry = entries.entry(name.to_owned()).or_insert(Entry { acknowledged: None, asked: None });
        entry.asked = Some(change);
    }

    /// Notes that the change last asked for was acknowledged.
    pub fn acknowledge(&self, name: &str) {
        if let Some(entry) = self.entries().get_mut(name) {
            match entry.asked.take() {
                Some(Change::Write(value)) => entry.acknowledged = Some(value),
                Some(Change::Delete) => entry.acknowledged = None,
                None => {}
            }
        }
    }

    /// What is there by the last answer, where none is awaited.
    pub fn acknowledged(&self, name: &str) -> Option<V> {
        self.entries().get(name).and_then(|entry| entry.acknowledged.clone())
    }

    /// After a crash: what was found is from now on what must be there.
    pub fn settle(&self, name: &str, found: Option<V>) {
        let mut entries = self.entries();
        if found.is_some() {
            entries.insert(name.to_owned(), Entry { acknowledged: found, asked: None });
        } else {
            entries.remove(name);
        }
    }

    /// A copy of everything, as it is now.
    pub fn snapshot(&self) -> BTreeMap<String, Entry<V>> {
        self.entries().clone()
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Entry};

    #[test]
    fn an_acknowledged_thing_must_be_there_as_it_was() {
        let entry = Entry { acknowledged: Some(1), asked: None };
        assert!(entry.permits(Some(&1)));
        assert!(!entry.permits(None));
        assert!(!entry.permits(Some(&2)));
    }

    #[test]
    fn an_unanswered_change_may_have_happened_or_not_and_nothing_else() {
        let overwrite = Entry { acknowledged: Some(1), asked: Some(Change::Write(2)) };
        assert!(overwrite.permits(Some(&1)) && overwrite.permits(Some(&2)));
        assert!(!overwrite.permits(None) && !overwrite.permits(Some(&3)));
        let delete = Entry { acknowledged: Some(1), asked: Some(Change::Delete) };
        assert!(delete.permits(Some(&1)) && delete.permits(None));
    }
}
