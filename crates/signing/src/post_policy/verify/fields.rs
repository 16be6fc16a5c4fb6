//! The fields of a form as they count: names without case, repeated ones joined, `${filename}` replaced.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::form::Form;
use super::{Details, Reason, Refusal};
use crate::address::Address;
use crate::post_policy::{FILENAME, MAX_FORM_BYTES};

/// One field, under the name with which it came first.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) lower_case: String,
    pub(super) value: String,
}

/// All fields, in the order in which they came first.
#[derive(Clone)]
pub(super) struct Fields {
    list: Vec<Field>,
    by_name: BTreeMap<String, usize>,
}

/// Fields of which S3 reads one. Joining two of them, or taking either, would let two readers see different forms.
/// In AWS's spelling, which is how answers name them.
const SINGLE: [&str; 13] = [
    "key",
    "policy",
    "bucket",
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
    "AWSAccessKeyId",
    "Signature",
    "success_action_redirect",
    "success_action_status",
    "redirect",
];

impl Fields {
    pub(super) fn read(form: &Form) -> Result<Self, Refusal> {
        let mut fields = Self { list: Vec::with_capacity(form.fields.len()), by_name: BTreeMap::new() };
        for (name, value) in &form.fields {
            match fields.by_name.entry(name.to_ascii_lowercase()) {
                Entry::Vacant(vacant) => {
                    let lower_case = vacant.key().clone();
                    vacant.insert(fields.list.len());
                    fields.list.push(Field { name: name.clone(), lower_case, value: value.clone() });
                }
                Entry::Occupied(first) => {
                    if let Some(single) = SINGLE.into_iter().find(|single| single.eq_ignore_ascii_case(first.key())) {
                        return Err(Refusal::new(Reason::FieldRepeated, Details::Field(single)));
                    }
                    let first = &mut fields.list[*first.get()].value;
                    first.push(',');
                    first.push_str(value);
                }
            }
        }
        fields.expand(form.file_name())?;
        Ok(fields)
    }

    /// Replaces `${filename}` in every field, before anything else looks at one. What comes out has no more bytes than a
    /// form may have: else a long file name, named often, would fill the memory.
    fn expand(&mut self, file_name: &str) -> Result<(), Refusal> {
        if !self.list.iter().any(|field| field.value.contains(FILENAME)) {
            return Ok(());
        }
        if file_name.len() > Address::MAX_KEY_BYTES || file_name.chars().any(char::is_control) {
            return Err(Reason::FileName.into());
        }
        let mut left = MAX_FORM_BYTES;
        for field in &mut self.list {
            let places = field.value.matches(FILENAME).count();
            let bytes = field.value.len() - places * FILENAME.len() + places * file_name.len();
            left = left.checked_sub(bytes).ok_or(Reason::FormTooLarge)?;
            if places > 0 {
                field.value = field.value.replace(FILENAME, file_name);
            }
        }
        Ok(())
    }

    /// The value of a field, by its name in lower case.
    pub(super) fn get(&self, lower_case: &str) -> Option<&str> {
        self.by_name.get(lower_case).map(|place| self.list[*place].value.as_str())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.list.iter()
    }
}
