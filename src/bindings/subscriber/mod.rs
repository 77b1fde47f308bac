//! The subscriber in JavaScript: one class with one method, which takes a text and gives a text. `js/core.js` sends, asks and
//! waits; `js/payments.js` is the class that callers see.
//!
//! The text that goes in is flat: an operation and its fields, with a NUL between them ([`fields`]). The text that comes out is
//! JSON. So each step of a fetch crosses the border once in and once out.

mod engine;
mod error;
mod fields;
mod request;
mod views;
