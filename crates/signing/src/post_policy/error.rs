//! Why a form cannot be made.

use super::{MAX_FIELDS, MAX_FORM_BYTES};
use crate::address::Address;

/// Why a form cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostPolicyError {
    /// The key, or what a prefix leaves of one, is empty or too long.
    #[error("a key has 1 to {max} bytes, and a prefix leaves room for one", max = Address::MAX_KEY_BYTES)]
    KeyLength,
    /// The prefix of a key is empty or ends in something else than `/`.
    #[error("the prefix of a key must end in '/' and name a folder")]
    OpenPrefix,
    /// A fixed value with `${filename}`: the store replaces that before it compares, so no form would pass.
    #[error("${{filename}} stands for itself in no field")]
    Filename,
    /// A type that is not allowed, or that is none.
    #[error("the content type is not one of those that are allowed")]
    ContentType,
    /// The field has a method of its own, or is part of the signature.
    #[error("the field {name} cannot be set this way")]
    ReservedField {
        /// The field.
        name: String,
    },
    /// A field that is not the client's to choose.
    #[error("the field {name} decides over more than the upload, and should be fixed")]
    DangerousField {
        /// The field.
        name: String,
    },
    /// A name that no form carries.
    #[error("{name:?} is not the name of a field")]
    FieldName {
        /// The name.
        name: String,
    },
    /// A value with control characters.
    #[error("the value of {name} has characters that a form does not carry unharmed")]
    FieldValue {
        /// The field; its value is not repeated, it may be a secret.
        name: String,
    },
    /// A field was added twice.
    #[error("{name} was added twice")]
    Repeated {
        /// The field.
        name: String,
    },
    /// The redirect is no absolute URL of `http` or `https`.
    #[error("a redirect is an absolute URL of http or https")]
    Redirect,
    /// More than [`MAX_FORM_BYTES`] bytes or [`MAX_FIELDS`] fields: no store would accept the form.
    #[error("the form has more than {MAX_FORM_BYTES} bytes or {MAX_FIELDS} fields")]
    TooLarge,
    /// The credentials have ended; no store would accept the form.
    #[error("the credentials have expired")]
    CredentialsExpired,
}
