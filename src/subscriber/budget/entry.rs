use crate::codec::text::ByteSplit;
use crate::wire::Credits;
use alloc::string::String;

/// An amount of a [`Budget`](super::counts::Budget) under a name. All kinds share one list, since each list type costs a
/// kilobyte of wasm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// One of [`TAB`], [`MINUTE`], [`ORIGIN`], [`PLAN`], [`ORDER`], [`SURE`], [`BOUGHT`], [`BOUGHT_IN_ALL`],
    /// [`AMOUNT`] and [`AMOUNT_MINUTE`].
    pub(crate) kind: u8,
    /// The tab; the minute since 1970 in digits; the origin; the plan; the account, plan and time of an order; a dash for
    /// all purchases; the currency; a minute, a slash and the currency.
    pub(crate) name: String,
    pub(crate) credits: Credits,
}

/// Credits that another tab has reserved.
pub(crate) const TAB: u8 = b'r';
/// Credits spent in a minute of the last day.
pub(crate) const MINUTE: u8 = b'm';
/// Credits spent at an origin.
pub(crate) const ORIGIN: u8 = b'a';
/// Credits spent of a plan.
pub(crate) const PLAN: u8 = b'p';
/// Credits held of a plan before it was ordered.
pub(crate) const ORDER: u8 = b'o';
/// The same, where the platform confirmed the order.
pub(crate) const SURE: u8 = b'O';
/// Orders sent in a minute of the last day.
pub(crate) const BOUGHT: u8 = b'b';
/// Orders sent in all.
pub(crate) const BOUGHT_IN_ALL: u8 = b'B';

/// An amount of a currency that was spent, in atomic units.
pub(crate) const AMOUNT: u8 = b'x';
/// The same, in a minute of the last day.
pub(crate) const AMOUNT_MINUTE: u8 = b'y';

pub(crate) const MINUTE_MS: u64 = 60_000;

impl Entry {
    /// True if any of its minute is in the time from `from` on (milliseconds since 1970): a limit errs on the side of
    /// spending less. An entry that names no minute always counts.
    pub(crate) fn is_since(&self, from: u64) -> bool {
        let from = Credits::from(from / MINUTE_MS);
        let minute = self.name.split_byte(b'/').next().unwrap_or_default();
        minute.parse::<Credits>().map_or(true, |minute| minute >= from)
    }

    /// True if it is an order.
    pub(crate) fn is_order(&self) -> bool {
        matches!(self.kind, ORDER | SURE)
    }

    /// True if it is an order, or a number of orders.
    pub(crate) fn is_of_orders(&self) -> bool {
        self.is_order() || self.kind == BOUGHT
    }

    /// The time in the name of an order whose name begins with `name`.
    pub(crate) fn order_time(&self, name: &str) -> Option<&str> {
        self.name.strip_prefix(name).filter(|_| self.is_order())
    }
}
