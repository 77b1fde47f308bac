//! Rule 21: what the facilitator's answers, and its silence, mean at verify and at settle.

use super::*;
use crate::wire::PAYMENT_RESPONSE;

fn text(status: u16, body: &str) -> Event {
    Event::Answered(api::Response { status, body: body.into(), correlation_id: Some("c-1".into()) })
}

fn no(status: u16, code: &str) -> Event {
    answered(status, &json!({ "code": code, "message": "no", "hint": "ask again" }))
}

#[test]
fn at_verify() {
    const DOWN: (u16, &str) = (503, "facilitator_unavailable");
    const GARBLED: (u16, &str) = (503, "facilitator_garbled");
    const KEY: (u16, &str) = (503, "facilitator_unauthorized");
    let table = [
        // Not the buyer's doing: never a 402, the origin is not called.
        ("timed out", Event::Unanswered(FacilitatorError::TimedOut), (503, "facilitator_timeout")),
        ("unreachable", Event::Unanswered(FacilitatorError::Unreachable), (503, "facilitator_unreachable")),
        ("unreadable", Event::Unanswered(FacilitatorError::Unreadable), GARBLED),
        ("500", text(500, ""), DOWN),
        ("500 with a code", no(500, "BCK.X402.0006"), DOWN),
        ("502 with a page", text(502, "<html>"), DOWN),
        ("503", no(503, "BCK.COMMON.0029"), DOWN),
        ("408", text(408, ""), (503, "facilitator_busy")),
        ("429", no(429, "BCK.COMMON.0030"), (503, "facilitator_busy")),
        ("200 with a page", text(200, "<html>"), GARBLED),
        ("200 with nothing", text(200, ""), GARBLED),
        ("200 cut", text(200, "{\"isValid\":tr"), GARBLED),
        ("200 with an array", text(200, "[]"), GARBLED),
        ("200 without isValid", answered(200, &json!({ "payer": "0xb1" })), GARBLED),
        ("isValid is text", answered(200, &json!({ "isValid": "true" })), GARBLED),
        ("isValid is 1", answered(200, &json!({ "isValid": 1 })), GARBLED),
        ("isValid is null", answered(200, &json!({ "isValid": null })), GARBLED),
        ("204", text(204, ""), GARBLED),
        ("302", text(302, ""), GARBLED),
        ("404 of another server", text(404, "<html>"), GARBLED),
        ("405 of another server", text(405, ""), GARBLED),
        ("status 0", text(0, ""), GARBLED),
        ("status 700", text(700, ""), DOWN),
        ("our key ended", no(401, "BCK.AUTH.0002"), KEY),
        ("our key is unknown", no(403, "BCK.APIKEY.0001"), KEY),
        ("403 without a code", text(403, ""), KEY),
        // A clear no: 402 and a fresh offer.
        ("invalid token", no(402, "BCK.X402.0005"), (402, "BCK.X402.0005")),
        ("malformed token", no(400, "BCK.X402.0010"), (402, "BCK.X402.0010")),
        ("other terms", no(400, "BCK.X402.0013"), (402, "BCK.X402.0013")),
        ("too little credit", no(402, "BCK.CREDITS.0003"), (402, "BCK.CREDITS.0003")),
        ("too little balance", no(403, "BCK.PROTOCOL.0011"), (402, "BCK.PROTOCOL.0011")),
        ("no such plan", no(404, "BCK.X402.0002"), (402, "BCK.X402.0002")),
        ("400 without a code", text(400, ""), (402, "http_400")),
        ("invalid", answered(200, &json!({ "isValid": false })), (402, "payment_refused")),
        (
            "invalid for a reason",
            answered(200, &json!({ "isValid": false, "invalidReason": "insufficient_funds" })),
            (402, "payment_refused"),
        ),
        (
            "invalid for a reason with a code",
            answered(200, &json!({ "isValid": false, "invalidReason": "BCK.CREDITS.0003: too little" })),
            (402, "BCK.CREDITS.0003"),
        ),
    ];
    for (name, event, (status, code)) in table {
        // A connection that broke is tried once more, whatever comes then.
        let broken = Event::Unanswered(FacilitatorError::Unreachable);
        let mut ways = Vec::from([Vec::from([broken, event.clone()])]);
        if !matches!(event, Event::Unanswered(FacilitatorError::Unreachable)) {
            ways.push(Vec::from([event]));
        }
        for events in ways {
            let answer = responded(payment(events).1);
            assert_eq!((answer.status, body(&answer)["code"].as_str()), (status, Some(code)), "{name}");
            assert_eq!(answer.headers.get("cache-control"), Some("no-store"), "{name}");
            assert_eq!(answer.headers.get("retry-after").is_some(), status == 503, "{name}");
            assert_eq!(header(&answer.headers, "payment-required").is_some(), status == 402, "{name}");
            // The answer says that nothing was taken, and why a token was refused.
            let receipt = header(&answer.headers, PAYMENT_RESPONSE).unwrap();
            let reason = if status == 503 { "not_settled" } else { code };
            assert_eq!(
                (&receipt["success"], &receipt["errorReason"]),
                (&false.into(), &reason.into()),
                "{name}"
            );
        }
    }
    let (_, action) = payment(Vec::from([no(402, "BCK.X402.0005")]));
    assert_eq!(body(&responded(action))["message"], "no — ask again");
    let (mut flow, action) = payment(Vec::from([text(402, "")]));
    assert_eq!(responded(action).headers.get("x-platform-correlation-id"), Some("c-1"));
    let line: Value = serde_json::from_str(&flow.record().unwrap().line.unwrap()).unwrap();
    assert_eq!(line["platformCorrelationId"], "c-1");
}

/// The result of a request whose work is done.
#[derive(Debug, PartialEq)]
enum End {
    /// Delivered with a receipt.
    Paid,
    /// Delivered without one, and journalled with this reason.
    Unknown(&'static str),
    /// 402 with a receipt that says no, and this code.
    Refused(&'static str),
    /// The same, with a fresh offer.
    PayAgain(&'static str),
    /// 503 with this code; not charged, not delivered.
    NotTried(&'static str),
}

#[test]
fn at_settle() {
    let success = |more: Value| {
        let mut receipt = json!({ "success": true, "transaction": "0x1", "network": "eip155:84532" });
        receipt.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        answered(200, &receipt)
    };
    let failed = |reason: &str| {
        answered(200, &json!({ "success": false, "errorReason": reason, "transaction": "", "network": "x" }))
    };
    let table = [
        ("burned", burned(), End::Paid),
        ("the bare minimum", answered(200, &json!({ "success": true })), End::Paid),
        ("with a top-up", success(json!({ "orderTx": "0x2" })), End::Paid),
        ("unknown members", success(json!({ "new": { "x": [1] } })), End::Paid),
        ("201", answered(201, &json!({ "success": true })), End::Paid),
        // Sent, and nobody knows: the buyer may have paid.
        ("timed out", Event::Unanswered(FacilitatorError::TimedOut), End::Unknown("facilitator_timeout")),
        (
            "broken off",
            Event::Unanswered(FacilitatorError::Unreachable),
            End::Unknown("facilitator_unreachable"),
        ),
        ("unreadable", Event::Unanswered(FacilitatorError::Unreadable), End::Unknown("facilitator_garbled")),
        ("500", no(500, "BCK.COMMON.0001"), End::Unknown("facilitator_unavailable")),
        ("not burned", no(500, "BCK.X402.0009"), End::Refused("BCK.X402.0009")),
        ("502", text(502, "<html>"), End::Unknown("facilitator_unavailable")),
        ("504", text(504, ""), End::Unknown("facilitator_unavailable")),
        ("200 with a page", text(200, "<html>"), End::Unknown("facilitator_garbled")),
        ("200 with nothing", text(200, ""), End::Unknown("facilitator_garbled")),
        ("200 cut", text(200, "{\"success\":true,\"tran"), End::Unknown("facilitator_garbled")),
        ("no success", answered(200, &json!({})), End::Unknown("facilitator_garbled")),
        (
            "success is text",
            answered(200, &json!({ "success": "true" })),
            End::Unknown("facilitator_garbled"),
        ),
        (
            "credits are text",
            success(json!({ "creditsRedeemed": "two" })),
            End::Unknown("facilitator_garbled"),
        ),
        ("302", text(302, ""), End::Unknown("facilitator_garbled")),
        ("404 of another server", text(404, ""), End::Unknown("facilitator_garbled")),
        // A clear no.
        ("failed", failed("delegation_ended"), End::Refused("payment_refused")),
        (
            "failed, with amounts that are none",
            answered(200, &json!({ "success": false, "creditsRedeemed": "", "remainingBalance": -1 })),
            End::Refused("payment_refused"),
        ),
        ("no order, hence no credits", no(500, "BCK.X402.0007"), End::PayAgain("BCK.X402.0007")),
        ("no order from the wallet", no(500, "BCK.X402.0008"), End::PayAgain("BCK.X402.0008")),
        ("charged, and no credits", no(500, "BCK.X402.0017"), End::Unknown("facilitator_unavailable")),
        ("failed with a code", failed("BCK.DELEGATION.0002"), End::Refused("BCK.DELEGATION.0002")),
        ("invalid token", no(402, "BCK.X402.0005"), End::Refused("BCK.X402.0005")),
        ("400", text(400, ""), End::Refused("http_400")),
        ("too little credit", no(402, "BCK.CREDITS.0003"), End::PayAgain("BCK.CREDITS.0003")),
        ("failed for too little", failed("BCK.CREDITS.0003"), End::PayAgain("BCK.CREDITS.0003")),
        ("too little balance", no(403, "BCK.PROTOCOL.0011"), End::PayAgain("BCK.PROTOCOL.0011")),
        ("a spent token", no(402, "BCK.X402.0059"), End::PayAgain("BCK.X402.0059")),
        // A clear no, and not to the buyer.
        ("our key ended", no(401, "BCK.AUTH.0002"), End::NotTried("facilitator_unauthorized")),
        ("our key is unknown", no(403, "BCK.APIKEY.0001"), End::NotTried("facilitator_unauthorized")),
        ("429", text(429, ""), End::NotTried("facilitator_busy")),
        ("408", text(408, ""), End::NotTried("facilitator_busy")),
    ];
    for (name, event, expected) in table {
        let (_, action) = payment(Vec::from([valid(), origin(200), event]));
        let end = match action {
            Action::Deliver(delivery) => {
                let receipt = header(&delivery.headers, PAYMENT_RESPONSE);
                match delivery.journal {
                    None => {
                        assert_eq!(receipt.unwrap()["success"], true, "{name}");
                        End::Paid
                    }
                    Some(journal) => {
                        assert_eq!(receipt, None, "{name}");
                        let line: Value = serde_json::from_str(journal.line()).unwrap();
                        End::Unknown(line["why"].as_str().unwrap().to_string().leak())
                    }
                }
            }
            Action::Respond(answer) => {
                let code: &'static str = body(&answer)["code"].as_str().unwrap().to_string().leak();
                let receipt = header(&answer.headers, PAYMENT_RESPONSE);
                let offer = header(&answer.headers, "payment-required");
                match answer.status {
                    402 => {
                        assert_eq!(receipt.unwrap()["success"], false, "{name}");
                        if offer.is_some() { End::PayAgain(code) } else { End::Refused(code) }
                    }
                    503 => {
                        assert!(answer.headers.get("retry-after").is_some(), "{name}");
                        assert_eq!(receipt.unwrap()["errorReason"], "not_settled", "{name}");
                        End::NotTried(code)
                    }
                    other => panic!("{name}: {other}"),
                }
            }
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(end, expected, "{name}");
    }
}

use alloc::string::ToString;

#[test]
fn the_journal_names_what_reconciles_it_and_not_the_token() {
    let (_, action) =
        payment(Vec::from([valid(), origin(200), Event::Unanswered(FacilitatorError::TimedOut)]));
    let journal = delivered(action).journal.unwrap();
    let line: Value = serde_json::from_str(journal.line()).unwrap();
    let digest = crate::paywall::sha256::sha256(payload().to_string().as_bytes());
    assert_eq!(
        line,
        json!({
            "event": "settlement_unknown", "at": NOW, "id": "0".repeat(32), "route": "POST /ask", "plan": "1001", "agent": "2002",
            "network": "eip155:84532", "credits": "2", "payer": "0xb1", "requestId": "req-1",
            "token": alloc::format!("sha256:{digest}"), "why": "facilitator_timeout",
        })
    );
    assert!(!journal.line().contains('\n'));
    // The same token, spelled otherwise, is the same token.
    let spelled = base64::encode_standard(payload().to_string().as_bytes());
    assert_ne!(spelled, token());
    let (mut flow, _) = gate(&[]).open(&ask("POST", "/ask", &[("payment-signature", &spelled)]));
    for event in [valid(), origin(200)] {
        let _ = flow.handle_event(event, NOW);
    }
    let again = delivered(flow.handle_event(Event::Unanswered(FacilitatorError::TimedOut), NOW)).journal;
    assert_eq!(again.unwrap(), journal);
    assert!(!journal.line().contains(&token()) && !journal.line().contains("0xfeed"));
}

#[test]
fn no_debug_print_says_a_token_or_a_key() {
    let (flow, action) = payment(Vec::from([valid()]));
    let said = alloc::format!("{flow:?}");
    let forward = alloc::format!("{action:?}");
    for secret in [token(), KEY.to_string()] {
        assert!(!said.contains(&secret) && !forward.contains(&secret));
    }
}
