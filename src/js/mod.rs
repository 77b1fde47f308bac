//! The JavaScript shell of the subscriber.
