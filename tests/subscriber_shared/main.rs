//! Table tests of what outlives a page and of what tabs share: rules of money 4, 10 and 12.

mod budgets;
mod orders;
#[path = "../support/mod.rs"]
mod support;

use payments_wasm::subscriber::{Buyer, Event, FetchError, MAX_STORED, Outcome, Policy};
use payments_wasm::wire::Credits;
use std::cell::RefCell;
use std::rc::Rc;
use support::{Seller, Shelf, SimulatedPlatform, anywhere, buy, offer};

type Text = Rc<RefCell<String>>;

const HOUR: u64 = 3_600_000;

fn shelf() -> Text {
    Rc::new(RefCell::new(String::new()))
}

/// A page with the budget of that text.
fn tab(text: &Text, tab: &'static str) -> SimulatedPlatform {
    let mut world = SimulatedPlatform::new().balance(1_000);
    world.shelf = Some(Shelf { text: text.clone(), tab, full: false });
    world
}

fn total(credits: u64) -> Option<Policy> {
    Some(Policy { max_credits_total: Some(Credits::from(credits)), ..anywhere() })
}

/// Removes the reservations of a tab that is gone, as the shell does.
fn bury(text: &Text, tab: &str) {
    let living = text
        .borrow()
        .lines()
        .filter(|line| !line.starts_with(&format!("r {tab} ")))
        .collect::<Vec<_>>()
        .join("\n");
    *text.borrow_mut() = living + "\n";
}

fn code(end: Result<(), FetchError>) -> String {
    end.err().map(|error| error.code().to_string()).unwrap_or_default()
}

/// A page that is loaded in the middle of a purchase: the orders that it kept, and a platform where they were made.
fn reload(world: &SimulatedPlatform, credits_after_ms: u64, ordered: bool) -> SimulatedPlatform {
    let mut again = SimulatedPlatform::new().balance(0);
    again.now = world.now;
    again.approval = Some(buy());
    again.reported_balance = true;
    again.buyer.load_orders(&world.buyer.stored_orders_text());
    if ordered {
        again.credits_come(credits_after_ms);
    }
    again
}

/// How many orders are waited for.
fn waited_for(world: &SimulatedPlatform) -> usize {
    world.buyer.stored_orders_text().lines().filter(|line| line.starts_with(['o', 'O'])).count()
}
