//! The rules of credits, without storage: the amount a settle burns, from which lots, and the cost of a top-up.

use crate::primitives::time;
use payments_wasm::wire::Credits;

/// The credit terms of a plan (contract section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Credits per order.
    pub(crate) amount: Credits,
    pub(crate) min: Credits,
    pub(crate) max: Credits,
    /// FIXED: each request costs `min`, whatever amount is asked.
    pub(crate) fixed: bool,
    /// A time plan: while it is valid, requests burn nothing.
    pub(crate) by_time: bool,
    /// Lifetime of the credits in seconds; 0 means unlimited.
    pub(crate) duration_secs: i64,
}

/// The cost of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charge {
    /// Credits the holder must have.
    pub(crate) hold: Credits,
    /// Credits that are burned.
    pub(crate) burn: Credits,
}

impl Grant {
    /// The cost of a settle of `asked` (contract section 13.8). DYNAMIC burns the requested amount within the plan's
    /// bounds, and the maximum if nothing or `0` is requested. FIXED burns its fixed amount.
    pub(crate) fn charge(&self, asked: Option<Credits>) -> Charge {
        if self.by_time {
            return Charge { hold: Credits::from(1), burn: Credits::ZERO };
        }
        let burn = match asked {
            _ if self.fixed => self.min,
            Some(amount) if !amount.is_zero() => amount.max(self.min).min(self.max),
            _ => self.max,
        };
        Charge { hold: burn, burn }
    }

    /// The credits a verify of `asked` must find. `0` needs none: a seller who prices after the work verifies with
    /// `0`.
    pub(crate) fn needed(&self, asked: Option<Credits>) -> Credits {
        match asked {
            Some(amount) if amount.is_zero() => Credits::ZERO,
            _ => self.charge(asked).hold,
        }
    }

    /// Expiry of credits issued now; 0 is never.
    pub(crate) fn expiry(&self, now: i64) -> i64 {
        if self.duration_secs == 0 { 0 } else { time::after(now, self.duration_secs) }
    }

    /// The lot of a time plan after another order: the time is extended, and the access stays one credit.
    pub(crate) fn renewal(&self, held: &[Lot], amount: Credits, now: i64) -> Lot {
        let forever = held.iter().any(|lot| lot.expires_at == 0);
        let until = held.iter().map(|lot| lot.expires_at).fold(now, i64::max);
        let most = held.iter().map(|lot| lot.amount).fold(amount, Credits::max);
        Lot { expires_at: if forever { 0 } else { self.expiry(until) }, amount: most }
    }
}

/// An automatic purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TopUp {
    /// Number of orders.
    pub(crate) orders: u128,
    /// Total price in cents, rounded up.
    pub(crate) cents: i64,
    /// Credits that the orders bring.
    pub(crate) credits: Credits,
}

/// The smallest number of orders that brings `missing` credits; `None` if no payable number does.
///
/// `price` is the price of one order in micro-units (6 decimals, contract section 5).
pub(crate) fn top_up(missing: Credits, granted: Credits, price: u128) -> Option<TopUp> {
    if granted.is_zero() || missing.is_zero() {
        return None;
    }
    let (orders, credits) = if granted >= missing {
        (1, granted)
    } else {
        let (missing, granted) = (small(missing)?, small(granted)?);
        let orders = missing.div_ceil(granted);
        (orders, orders.checked_mul(granted)?.to_string().parse().ok()?)
    };
    let cents = i64::try_from(orders.checked_mul(price)?.div_ceil(10_000)).ok()?;
    Some(TopUp { orders, cents, credits })
}

/// The amount as a u128, if it fits.
fn small(amount: Credits) -> Option<u128> {
    amount.to_string().parse().ok()
}

/// Credits of one plan and one holder that expire together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lot {
    /// Milliseconds; 0 is never.
    pub(crate) expires_at: i64,
    pub(crate) amount: Credits,
}

/// The sum of the lots.
pub(crate) fn total(lots: &[Lot]) -> Credits {
    lots.iter().fold(Credits::ZERO, |sum, lot| sum.saturating_add(lot.amount))
}

/// The lots after `amount` is taken, first from those that expire first; `None` if there is not enough. Emptied lots
/// stay in the result with 0.
pub(crate) fn take(lots: &[Lot], amount: Credits) -> Option<Vec<Lot>> {
    let mut lots = lots.to_vec();
    lots.sort_by_key(|lot| if lot.expires_at == 0 { i64::MAX } else { lot.expires_at });
    let mut due = amount;
    for lot in &mut lots {
        let part = due.min(lot.amount);
        lot.amount = lot.amount.saturating_sub(part);
        due = due.saturating_sub(part);
    }
    due.is_zero().then_some(lots)
}

/// The price per credit as a JSON number, for display only; never used in a calculation.
pub(crate) fn price_per_credit(price: u128, granted: Credits) -> serde_json::Number {
    let per = small(granted).filter(|granted| *granted > 0).and_then(|granted| {
        let scaled = price.checked_mul(1_000_000)? / granted;
        let unit = 1_000_000_000_000;
        format!("{}.{:012}", scaled / unit, scaled % unit).parse::<f64>().ok()
    });
    per.and_then(serde_json::Number::from_f64).unwrap_or_else(|| 0.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn c(amount: u64) -> Credits {
        Credits::from(amount)
    }

    fn grant(fixed: bool, min: u64, max: u64) -> Grant {
        Grant { amount: c(100), min: c(min), max: c(max), fixed, by_time: false, duration_secs: 0 }
    }

    #[test]
    fn credits_burned_by_a_settle() {
        let dynamic = grant(false, 1, 5);
        let fixed = grant(true, 3, 3);
        for (name, plan, asked, burn) in [
            ("dynamic takes what is asked", dynamic, Some(2), 2),
            ("dynamic takes the least at least", grant(false, 2, 5), Some(1), 2),
            ("dynamic takes the most at most", dynamic, Some(9), 5),
            ("dynamic falls back to the most", dynamic, None, 5),
            ("dynamic takes 0 for nothing asked", dynamic, Some(0), 5),
            ("the contract's own example", grant(false, 1, 2), Some(1), 1),
            ("fixed takes its amount", fixed, Some(1), 3),
            ("fixed takes its amount unasked", fixed, None, 3),
            ("fixed takes its amount for 0", fixed, Some(0), 3),
        ] {
            let charge = plan.charge(asked.map(c));
            assert_eq!((charge.burn, charge.hold), (c(burn), c(burn)), "{name}");
        }
        let time = Grant { by_time: true, duration_secs: 60, ..grant(false, 1, 1) };
        assert_eq!(time.charge(Some(c(7))), Charge { hold: c(1), burn: c(0) });
        assert_eq!((time.expiry(1_000), dynamic.expiry(1_000)), (61_000, 0));
    }

    #[test]
    fn an_order_extends_the_remaining_time() {
        let day = Grant { by_time: true, duration_secs: 60, ..grant(false, 1, 1) };
        let lot = |expires_at| Lot { expires_at, amount: c(1) };
        for (name, held, until) in [
            ("the first", vec![], 61_000),
            ("while it lasts", vec![lot(31_000)], 91_000),
            ("for ever stays for ever", vec![lot(0)], 0),
        ] {
            assert_eq!(day.renewal(&held, c(1), 1_000), lot(until), "{name}");
        }
        assert_eq!(Grant { duration_secs: 0, ..day }.renewal(&[], c(1), 1_000), lot(0));
    }

    #[test]
    fn credits_needed_by_a_verify() {
        let dynamic = grant(false, 1, 5);
        for (asked, needed) in [(Some(0), 0), (Some(2), 2), (None, 5), (Some(9), 5)] {
            assert_eq!(dynamic.needed(asked.map(c)), c(needed), "{asked:?}");
        }
    }

    #[test]
    fn orders_and_price_of_a_top_up() {
        for (name, missing, granted, price, expected) in [
            ("one order is enough", 2, 100, 1_000_000, Some((1, 100, 100))),
            ("as many as it takes", 101, 100, 1_000_000, Some((2, 200, 200))),
            ("pay as you go", 3, 1, 10_000, Some((3, 3, 3))),
            ("a part of a cent is a cent", 1, 1, 1, Some((1, 1, 1))),
            ("parts are summed before they are rounded", 3, 1, 4_000, Some((3, 2, 3))),
            ("a free plan costs nothing", 5, 2, 0, Some((3, 0, 6))),
            ("a plan that grants nothing never tops up", 1, 0, 1, None),
            ("nothing missing, nothing bought", 0, 10, 1, None),
        ] {
            let expected =
                expected.map(|(orders, cents, credits)| TopUp { orders, cents, credits: c(credits) });
            assert_eq!(top_up(c(missing), c(granted), price), expected, "{name}");
        }
    }

    #[test]
    fn a_top_up_that_overflows_is_none() {
        let huge: Credits = "9".repeat(60).parse().unwrap();
        assert_eq!(top_up(huge, c(1), 0), None);
        assert_eq!(top_up(huge, huge, 5).unwrap().credits, huge);
        assert_eq!(top_up(c(u64::MAX), c(1), u128::MAX), None);
        assert_eq!(top_up(c(1), c(1), u128::MAX), None);
    }

    #[test]
    fn credits_that_expire_first_are_burned_first() {
        let lots = [
            Lot { expires_at: 0, amount: c(10) },
            Lot { expires_at: 50, amount: c(3) },
            Lot { expires_at: 20, amount: c(2) },
        ];
        assert_eq!(total(&lots), c(15));
        let after = take(&lots, c(4)).unwrap();
        let left: Vec<_> = after.iter().map(|lot| (lot.expires_at, lot.amount)).collect();
        assert_eq!(left, [(20, c(0)), (50, c(1)), (0, c(10))]);
        assert_eq!(total(&take(&lots, c(15)).unwrap()), c(0));
        assert_eq!(take(&lots, c(16)), None);
        assert_eq!(take(&[], c(1)), None);
        assert_eq!(take(&[], c(0)), Some(vec![]));
    }

    #[test]
    fn price_per_credit_for_display() {
        for (price, granted, text) in
            [(1_000_000, 100, "0.01"), (10_000_000, 100, "0.1"), (0, 10, "0.0"), (1, 1, "1e-6"), (5, 0, "0")]
        {
            assert_eq!(price_per_credit(price, c(granted)).to_string(), text);
        }
    }
}
