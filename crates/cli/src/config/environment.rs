//! `GATEPASS__BACKEND__LISTEN`: settings from the environment, a double underscore for each level of nesting.

use std::{borrow::Cow, env, mem};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

const PREFIX: &str = "GATEPASS__";
const SEPARATOR: &str = "__";

/// One variable.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) variable: String,
    /// `["backend", "listen"]`
    pub(super) path: Vec<String>,
    value: String,
}

impl Setting {
    /// A variable of ours, nothing for any other.
    pub(super) fn new(variable: &str, value: &str) -> Option<Self> {
        let path = variable.strip_prefix(PREFIX)?.to_ascii_lowercase().split(SEPARATOR).map(str::to_owned).collect();
        Some(Self { variable: variable.to_owned(), path, value: value.to_owned() })
    }

    /// `true`, `5`, `["a"]` and `{ env = "NAME" }` as TOML reads them, anything else a string: nobody quotes twice.
    fn value(&self, place: usize) -> Spanned<DeValue<'_>> {
        let parsed = DeValue::parse(&self.value).ok().map(Spanned::into_inner);
        let value = match parsed {
            Some(
                value @ (DeValue::Boolean(_)
                | DeValue::Integer(_)
                | DeValue::Array(_)
                | DeValue::Table(_)
                | DeValue::String(_)),
            ) => value,
            _ => DeValue::String(Cow::Borrowed(&self.value)),
        };
        placed(value, place)
    }
}

/// Puts a value and everything in it at one place.
fn placed(mut value: DeValue<'_>, place: usize) -> Spanned<DeValue<'_>> {
    match &mut value {
        DeValue::Array(array) => {
            for element in array.iter_mut() {
                *element = placed(mem::replace(element.get_mut(), DeValue::Boolean(false)), place);
            }
        }
        DeValue::Table(table) => {
            let entries = mem::replace(table, DeTable::new()).into_iter();
            *table = entries
                .map(|(key, value)| (Spanned::new(place..place, key.into_inner()), placed(value.into_inner(), place)))
                .collect();
        }
        _ => {}
    }
    Spanned::new(place..place, value)
}

/// All variables of ours, in a fixed order.
pub(super) fn settings() -> Vec<Setting> {
    let mut settings: Vec<Setting> =
        env::vars_os().filter_map(|(variable, value)| Setting::new(variable.to_str()?, value.to_str()?)).collect();
    settings.sort_by(|one, other| one.variable.cmp(&other.variable));
    settings
}

/// Lays the settings over a file. They get places behind its end, one each, by which [`setting_at`] finds them again.
pub(super) fn overlay<'a>(table: &mut DeTable<'a>, settings: &'a [Setting], end_of_file: usize) {
    for (index, setting) in settings.iter().enumerate() {
        let place = end_of_file + 1 + index;
        let Some((last, tables)) = setting.path.split_last() else { continue };
        let mut inner = &mut *table;
        for name in tables {
            let key = Spanned::new(place..place, Cow::Borrowed(name.as_str()));
            let entry = inner.entry(key).or_insert_with(|| Spanned::new(place..place, DeValue::Table(DeTable::new())));
            if !entry.get_ref().is_table() {
                *entry = Spanned::new(place..place, DeValue::Table(DeTable::new()));
            }
            let DeValue::Table(next) = entry.get_mut() else { unreachable!("the line above made it a table") };
            inner = next;
        }
        let key = Spanned::new(place..place, Cow::Borrowed(last.as_str()));
        inner.remove(&key);
        inner.insert(key, setting.value(place));
    }
}

/// The setting that [`overlay`] put at a place.
pub(super) fn setting_at(settings: &[Setting], end_of_file: usize, place: usize) -> Option<&Setting> {
    settings.get(place.checked_sub(end_of_file + 1)?)
}
