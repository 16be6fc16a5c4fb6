//! The whole service without a listener of its own, with a clock that tests move. Beside it stand a small store and a small
//! issuer, so that what a store or an issuer may do wrong can be done.

mod access;
mod background;
mod console;
mod documents;
mod files;
mod issuer;
mod links;
mod store;
mod support;
mod tokens;
mod uploads;
