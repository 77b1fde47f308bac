//! The operations of a scenario, and their generators.

use proptest::prelude::*;

/// An operation. Numbers select among existing objects.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Order(usize, usize),
    Checkout(usize, usize),
    Mint {
        plan: usize,
        who: usize,
        amount: u64,
        secs: Option<u32>,
    },
    Burn {
        plan: usize,
        who: usize,
        amount: u64,
    },
    Redeem {
        plan: usize,
        who: usize,
        amount: u64,
    },
    Delegate {
        who: usize,
        card: usize,
        limit: u32,
        most: Option<u8>,
        secs: u32,
        plan: Option<usize>,
    },
    Token {
        who: usize,
        plan: usize,
        delegation: usize,
        once: bool,
        mpp: bool,
    },
    Verify {
        token: usize,
        asked: Option<u8>,
    },
    Settle {
        token: usize,
        asked: Option<u8>,
    },
    Tampered {
        token: usize,
        asked: Option<u8>,
    },
    RevokeToken(usize),
    RevokeDelegation(usize),
    RemoveCard(usize, usize),
    Sale {
        amount: u32,
        then: Vec<(u8, u32)>,
    },
    Wait(i32),
    Delay(u8),
    /// The process dies after this number of statements of the operation.
    Crashing(u8, Box<Operation>),
}

pub(crate) fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let asked = || prop_oneof![Just(None), (0..9u8).prop_map(Some)];
    let who = || 0..3usize;
    // More of the pay-as-you-go plan than of the others: with it each settle is a purchase.
    let plan = || prop_oneof![5 => 0..6usize, 2 => Just(2), 1 => Just(4)];
    let amount = || prop_oneof![8 => 1..40u64, 1 => Just(u64::MAX)];
    let any = || any::<u8>().prop_map(usize::from);
    let operation = prop_oneof![
        3 => (who(), plan()).prop_map(|(who, plan)| Operation::Order(who, plan)),
        2 => who().prop_map(|who| Operation::Checkout(who, 1)),
        2 => (plan(), who(), amount(), prop_oneof![Just(None), (0..200u32).prop_map(Some)])
            .prop_map(|(plan, who, amount, secs)| Operation::Mint { plan, who, amount, secs }),
        2 => (plan(), who(), amount()).prop_map(|(plan, who, amount)| Operation::Burn { plan, who, amount }),
        1 => (plan(), who(), 1..6u64).prop_map(|(plan, who, amount)| Operation::Redeem { plan, who, amount }),
        4 => (who(), 0..3usize, prop_oneof![1..4_000u32, 1..12u32], proptest::option::of(1..3u8), 1..4_000u32, proptest::option::of(plan()))
            .prop_map(|(who, card, limit, most, secs, plan)| Operation::Delegate { who, card, limit, most, secs, plan }),
        6 => (who(), plan(), any(), proptest::bool::ANY, proptest::bool::weighted(0.1))
            .prop_map(|(who, plan, delegation, once, mpp)| Operation::Token { who, plan, delegation, once, mpp }),
        2 => (any(), asked()).prop_map(|(token, asked)| Operation::Verify { token, asked }),
        14 => (any(), asked()).prop_map(|(token, asked)| Operation::Settle { token, asked }),
        1 => (any(), asked()).prop_map(|(token, asked)| Operation::Tampered { token, asked }),
        1 => any().prop_map(Operation::RevokeToken),
        1 => any().prop_map(Operation::RevokeDelegation),
        1 => (who(), 0..3usize).prop_map(|(who, card)| Operation::RemoveCard(who, card)),
        1 => (50..5_000u32, proptest::collection::vec((0..4u8, 1..3_000u32), 0..4))
            .prop_map(|(amount, then)| Operation::Sale { amount, then }),
        2 => prop_oneof![4 => 1..120i32, 1 => -100..0i32].prop_map(Operation::Wait),
        1 => (0..100u8).prop_map(Operation::Delay),
    ];
    let mortal = prop_oneof![
        7 => operation.clone(),
        1 => (0..40u8, operation).prop_map(|(statements, operation)| Operation::Crashing(statements, Box::new(operation))),
    ];
    proptest::collection::vec(mortal, 1..80)
}
