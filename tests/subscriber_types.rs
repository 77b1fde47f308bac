//! The types of the subscriber can be used on a server with threads, and its errors in `Box<dyn Error>`.

use payments_wasm::subscriber::{
    Action, Approval, Budget, Buyer, Command, Event, FetchError, FetchRequest, Finish, LoginError, Notice,
    Offer, PaymentRecord, PlatformCall, Policy, ResponseHead, SendRequest, Spend,
};
use payments_wasm::wire::{WireError, WireErrorKind};
use std::error::Error;

fn is_thread_safe<T: Send + Sync + 'static>() {}

#[test]
fn the_types_of_the_subscriber_can_be_sent_to_another_thread() {
    is_thread_safe::<Buyer>();
    is_thread_safe::<Command>();
    is_thread_safe::<Event>();
    is_thread_safe::<Action>();
    is_thread_safe::<SendRequest>();
    is_thread_safe::<Finish>();
    is_thread_safe::<Notice>();
    is_thread_safe::<FetchRequest>();
    is_thread_safe::<Policy>();
    is_thread_safe::<Approval>();
    is_thread_safe::<Offer>();
    is_thread_safe::<Budget>();
    is_thread_safe::<PaymentRecord>();
    is_thread_safe::<PlatformCall>();
    is_thread_safe::<ResponseHead>();
    is_thread_safe::<Spend>();
    is_thread_safe::<FetchError>();
    is_thread_safe::<LoginError>();
}

#[test]
fn errors_print_their_message_and_name_their_cause() {
    let cause = WireError::new(WireErrorKind::Missing, "accepts");
    let errors: [(Box<dyn Error + Send + Sync>, &str, Option<&str>); 3] = [
        (FetchError::ConsentDenied.into(), "the payment was not approved", None),
        (
            FetchError::MalformedOffer(cause.clone()).into(),
            "the 402's offer cannot be read: accepts is missing",
            Some("accepts is missing"),
        ),
        (
            LoginError::BadKey(cause).into(),
            "the login came back with something that is no API key",
            Some("accepts is missing"),
        ),
    ];
    for (error, message, source) in errors {
        assert_eq!(error.to_string(), message);
        assert_eq!(error.source().map(ToString::to_string).as_deref(), source, "{message}");
    }
}
