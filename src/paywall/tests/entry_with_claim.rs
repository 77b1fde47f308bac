//! Rule 24: the entry of what is settled before it is delivered is written with the claim on a single-use token, in one call of the state.

use super::super::state::*;
use super::harness::token_of;
use super::settlement_bounds::{pay, routes};
use super::*;

/// The origin's time limit, and how late its timer may be: after that less is left of the claim than a settle may take.
const LAST_SETTLE_MS: u64 = 60_000 + 5_000;

#[test]
fn rule_24_what_was_written_with_the_claim_is_settled_only_while_it_holds() {
    for (late, settled) in
        [(0, true), (LAST_SETTLE_MS, true), (LAST_SETTLE_MS + 1, false), (10_000_000, false)]
    {
        let mut world = routes(&json!({}), &[]);
        let token = token_of("1001", "nvm:erc4337", "0xb1", Some("0x01"));
        let (mut flow, mut action) =
            world.gate.open(&ask("GET", "/before", &[("payment-signature", &token)]));
        for _ in 0..2 {
            let event = match &action {
                Action::State(call) => Event::State(world.tell(call)),
                _ => valid(),
            };
            action = flow.handle_event(event, NOW);
        }
        assert!(matches!(action, Action::Forward(_)));
        match flow.handle_event(origin(200), NOW + late) {
            Action::Call(call) => assert!(settled && call.path.ends_with("/settle"), "{late}"),
            Action::Respond(answer) => {
                assert!(!settled && body(&answer)["code"] == "state_unavailable", "{late}");
                // Its token is free again.
                for call in flow.take_deferred() {
                    world.tell(&call);
                }
                assert!(pay(&mut world, "/before", Some("0x01")).delivery.is_some(), "{late}");
            }
            other => panic!("{late}: {other:?}"),
        }
    }
}

#[test]
fn only_a_known_cost_that_is_settled_before_delivery_is_written_with_the_claim() {
    let origin = json!({ "credits": { "by": "origin", "name": "x-c", "most": 2 } });
    let free = json!({ "free": { "perDay": 5, "by": "payer" } });
    for (name, more, path, nonce, expected) in [
        ("a fixed price", json!({}), "/before", Some("0x01"), true),
        (
            "a number in the query",
            json!({ "credits": { "by": "query", "name": "n", "each": 1, "most": 9 } }),
            "/before?n=2",
            Some("0x01"),
            true,
        ),
        ("a token that may be used again", json!({}), "/before", None, false),
        ("the origin's word", origin, "/before", Some("0x01"), false),
        ("an allowance", free, "/before", Some("0x01"), false),
        ("no cost", json!({ "credits": 0 }), "/before", Some("0x01"), false),
        ("settled later", json!({}), "/after", Some("0x01"), false),
    ] {
        let walk = pay(&mut routes(&more, &[]), path, nonce);
        assert!(walk.delivery.is_some(), "{name}");
        let written: Vec<_> = walk
            .commands
            .iter()
            .filter_map(|command| match command {
                Command::Admit { entry, .. } => entry.as_deref(),
                _ => None,
            })
            .collect();
        assert_eq!(written.len(), usize::from(expected), "{name}");
        for entry in written {
            let body: Value = serde_json::from_str(entry.settle_body.as_ref().unwrap().expose()).unwrap();
            assert_eq!(
                Some(&body),
                walk.settled.as_ref(),
                "{name}: what the alarm would ask about is what is settled"
            );
            assert_eq!(
                (entry.status, entry.sent, entry.delivered),
                (EntryStatus::Settling, true, false),
                "{name}"
            );
            assert_eq!((entry.credits.as_str(), entry.request_id.as_deref()), ("2", Some("req-1")), "{name}");
        }
    }
}
