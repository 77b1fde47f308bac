//! Rule 19: of one payer and plan no more than `maxOpen` answers are delivered and not settled; what is refused then is owed.

mod bounds;
mod debts;

use super::super::state::*;
use super::harness::{Walk, World, over, request, token_of};
use super::state::next;
use super::*;
use alloc::{format, string::ToString};

fn later(more: &Value) -> World {
    let route = |settle: &str| {
        let mut route = json!({ "planId": "1001", "credits": 2, "scheme": "nvm:erc4337", "settle": settle });
        for (name, value) in more.as_object().unwrap() {
            route[name] = value.clone();
        }
        route
    };
    let before = json!({ "planId": "1001", "credits": 2, "scheme": "nvm:erc4337" });
    let (r, end) = (route("after-delivery"), route("at-end-of-stream"));
    over(
        json!({ "GET /r": r, "GET /end": end, "GET /before": before }),
        &[("METRICS_TOKEN", "0123456789abcdef")],
    )
}

fn refused(code: &str) -> Event {
    answered(402, &json!({ "code": code, "message": "no" }))
}

/// The only entry of the payer.
fn entry(world: &World) -> Entry {
    let Reply::Journal { entries } =
        apply(&mut world_rows(world), &Command::Journal { after: None, book: false }, world.now).unwrap()
    else {
        panic!("no journal")
    };
    entries.into_iter().next().unwrap()
}

fn world_rows(world: &World) -> super::state::Map {
    world.objects[&crate::paywall::state::shard::shard("payer", "0xb1")].clone()
}

/// A request that is delivered and whose isolate is lost before it says what became of it.
fn begun(world: &mut World, path: &str) -> RequestFlow {
    let head = RequestHead {
        seed: [200; 16],
        now: world.now,
        ..ask("GET", path, &[("payment-signature", &token())])
    };
    let (mut flow, mut action) = world.gate.open(&head);
    loop {
        let event = match action {
            Action::Call(_) => valid(),
            Action::State(call) => Event::State(world.tell(&call)),
            Action::Forward(_) => origin(200),
            Action::Deliver(_) => return flow,
            other => panic!("{other:?}"),
        };
        action = flow.handle_event(event, world.now);
    }
}

fn go(world: &mut World, path: &str) -> Walk {
    world.go(ask("GET", path, &[("payment-signature", &token())]))
}
