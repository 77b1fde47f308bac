//! The JavaScript shell of the subscriber: promises, errors, results. It translates and decides nothing. The class that callers
//! meet, `Payments`, is `payments.js`: it reads options and the way back from a login, and loads this when it is first needed.
//!
//! Every exported async method is a plain function that returns a `Promise` built from a cloned `Rc`: no borrow is
//! held across an await, and an object may be freed while a call is under way.

mod convert;
mod error;
mod fetch_driver;
mod promise;
mod request;
mod resources;
mod session;
mod views;
