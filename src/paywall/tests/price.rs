//! Rule 20: the most that a request can cost is known before it is verified, and what is settled is never more.

use super::harness::{World, request, world};
use super::*;

fn priced(credits: Value) -> World {
    world(json!({ "planId": "1001", "credits": credits, "scheme": "nvm:erc4337" }))
}

fn metered(credits: Value) -> World {
    world(json!({
        "planId": "1001", "credits": credits, "scheme": "nvm:erc4337", "settle": "at-end-of-stream",
    }))
}

#[test]
fn rule_20_a_fixed_price() {
    for (credits, expected) in [
        (json!(2), "2 of 2"),
        (json!("7"), "7 of 7"),
        // Verified, and free: a settle of 0 would be read as the most that the plan allows.
        (json!(0), "nothing of 0"),
    ] {
        let walk = priced(credits.clone()).go(request("", &[]));
        assert_eq!(walk.sum(), expected, "{credits}");
        let receipt = walk.receipt().unwrap();
        let burned = expected.split(' ').next().unwrap().replace("nothing", "0");
        assert_eq!((&receipt["success"], &receipt["creditsRedeemed"]), (&true.into(), &burned.into()));
    }
}

#[test]
fn rule_20_a_price_by_a_number_in_the_request() {
    let query = json!({ "by": "query", "name": "n", "base": 1, "each": 3, "per": 2, "most": 13 });
    for (name, asked, expected) in [
        ("for every two that were begun", "?n=3", "7 of 7"),
        ("none", "?n=0", "1 of 1"),
        ("as much as may be", "?n=8", "13 of 13"),
        ("beside others", "?m=9&n=2&nn=9", "4 of 4"),
        ("more than may be", "?n=9", "400 price_too_high"),
        ("beyond every number", "?n=9007199254740991", "400 price_too_high"),
        ("not there", "", "400 price_unreadable"),
        ("empty", "?n=", "400 price_unreadable"),
        ("twice", "?n=1&n=1", "400 price_unreadable"),
        ("twice, one percent-encoded", "?n=1&%6e=9", "400 price_unreadable"),
        ("twice, one in capitals", "?n=1&N=9", "400 price_unreadable"),
        ("twice, one a list to some servers", "?n=1&n[]=9", "400 price_unreadable"),
        ("twice, one an object to some servers", "?n=1&n.x=9", "400 price_unreadable"),
        ("twice, one with a blank", "?n=1&+n=9", "400 price_unreadable"),
        ("with what some servers read as &", "?n=1;n=9", "400 price_unreadable"),
        ("in the value of another, with what some servers read as &", "?m=1;n=9&n=1", "400 price_unreadable"),
        ("the same behind it", "?n=1&m=1;n=9", "400 price_unreadable"),
        ("beside a value with an encoded semicolon", "?m=1%3bn=9&n=2", "4 of 4"),
        ("twice, one cut at a zero byte", "?n=1&n%00=9", "400 price_unreadable"),
        ("twice, one cut at a zero byte before more", "?n=1&n%00x=9", "400 price_unreadable"),
        ("twice, one with a line's end", "?n=1&n%0a=9", "400 price_unreadable"),
        ("twice, one with a blank after it", "?n=1&n%20=9", "400 price_unreadable"),
        ("twice, one with a plus after it", "?n=1&n+=9", "400 price_unreadable"),
        ("twice, one an open bracket", "?n=1&n[=9", "400 price_unreadable"),
        ("twice, one in brackets", "?n=1&[n]=9", "400 price_unreadable"),
        ("twice, one a closed bracket", "?n=1&n]=9", "400 price_unreadable"),
        ("twice, one of an encoded list", "?n=1&n%5B0%5D=9", "400 price_unreadable"),
        ("twice, one of an object", "?n=1&query.n=9", "400 price_unreadable"),
        ("twice, one of an object in brackets", "?n=1&query[n]=9", "400 price_unreadable"),
        ("twice, one with a type", "?n=1&n:int=9", "400 price_unreadable"),
        ("twice, one with a mark", "?n=1&_n=9", "400 price_unreadable"),
        ("twice, one encoded twice", "?n=1&%256e=9", "400 price_unreadable"),
        ("twice, one encoded as IIS reads it", "?n=1&%u006e=9", "400 price_unreadable"),
        ("twice, one after a second question mark", "??n=9&n=1", "400 price_unreadable"),
        ("twice, one wide", "?n=1&%EF%BD%8E=9", "400 price_unreadable"),
        ("twice, one with what cannot be seen", "?n=1&n%E2%80%8B=9", "400 price_unreadable"),
        ("only a look-alike", "?N=1", "400 price_unreadable"),
        ("beside another that is encoded twice", "?n=2&%256d=9&x%2541=1", "4 of 4"),
        ("beside a name that begins so", "?n=2&n_max=9&nn=9&min=9&q[m]=9&%E6%97%A5=9&100%25=1", "4 of 4"),
        ("negative", "?n=-1", "400 price_unreadable"),
        ("a fraction", "?n=1.5", "400 price_unreadable"),
        ("an exponent", "?n=1e1", "400 price_unreadable"),
        ("with a zero before it", "?n=010", "400 price_unreadable"),
        ("hexadecimal", "?n=0x1", "400 price_unreadable"),
        ("percent-encoded digits", "?n=%31", "400 price_unreadable"),
        ("not the same in every language", "?n=9007199254740993", "400 price_unreadable"),
        ("the first that is not", "?n=9007199254740992", "400 price_unreadable"),
        ("the last that is", "?n=9007199254740991", "400 price_too_high"),
    ] {
        let walk = priced(query.clone()).go(request(asked, &[]));
        assert_eq!(walk.sum(), expected, "{name}");
        assert_eq!(walk.forward.is_some(), walk.answer.is_none(), "{name}");
    }
    let among = |others: usize| ["?", &"&".repeat(others), "n=2"].concat();
    for (others, expected) in [(999, "4 of 4"), (1000, "400 price_unreadable")] {
        let walk = priced(query.clone()).go(request(&among(others), &[]));
        assert_eq!(walk.sum(), expected, "after {others} others");
    }
    let words = json!({ "by": "query", "name": "x_words", "each": 1, "most": 9 });
    for (asked, expected) in [
        ("?x_words=2", "2 of 2"),
        ("?x_words=2&x=9&words=9", "2 of 2"),
        ("?x_words=2&x.words=9", "400 price_unreadable"),
        ("?x_words=2&x+words=9", "400 price_unreadable"),
        ("?x_words=2&x%20words=9", "400 price_unreadable"),
        ("?x_words=2&x[words=9", "400 price_unreadable"),
        ("?x_words=2&x-words=9", "400 price_unreadable"),
        ("?x_words=2&xWords=9", "400 price_unreadable"),
    ] {
        assert_eq!(priced(words.clone()).go(request(asked, &[])).sum(), expected, "{asked}");
    }
    let header = json!({ "by": "header", "name": "X-Count", "each": 2, "most": 10 });
    for (name, headers, expected) in [
        ("said", &[("x-count", "3")][..], "6 of 6"),
        ("too much", &[("x-count", "6")], "400 price_too_high"),
        ("twice", &[("x-count", "1"), ("x-count", "1")], "400 price_unreadable"),
        ("two in one", &[("x-count", "1, 1")], "400 price_unreadable"),
        ("not said", &[], "400 price_unreadable"),
        ("twice to CGI", &[("x-count", "1"), ("x_count", "5")], "400 price_unreadable"),
        ("twice to CGI, the other first", &[("x_count", "5"), ("x-count", "1")], "400 price_unreadable"),
        ("twice to PHP", &[("x-count", "1"), ("x.count", "5")], "400 price_unreadable"),
        ("twice, in capitals", &[("x-count", "1"), ("X_COUNT", "5")], "400 price_unreadable"),
        ("only as CGI has it", &[("x_count", "1")], "400 price_unreadable"),
        ("dropped on the way", &[("x-count", "1"), ("connection", "close, X-Count")], "400 price_unreadable"),
        ("beside others", &[("x-count", "3"), ("x-count-of", "5"), ("connection", "close")], "6 of 6"),
    ] {
        let walk = priced(header.clone()).go(request("", headers));
        assert_eq!(walk.sum(), expected, "{name}");
        // The origin counts by what the gate counted by.
        assert_eq!(
            walk.forward.as_ref().and_then(|forward| forward.get("x-count")),
            walk.answer.is_none().then_some("3"),
            "{name}"
        );
    }
}

#[test]
fn rule_20_the_origins_word_is_capped_and_not_for_the_buyer() {
    let price = json!({ "by": "origin", "name": "X-Credits", "most": 5 });
    for (name, headers, expected) in [
        ("less", &[("x-credits", "3")][..], "3 of 5"),
        ("in any case of letters", &[("X-CREDITS", " 3 ")], "3 of 5"),
        ("all", &[("x-credits", "5")], "5 of 5"),
        ("more than was verified", &[("x-credits", "6")], "5 of 5"),
        (
            "far more",
            &[(
                "x-credits",
                "115792089237316195423570985008687907853269984665640564039457584007913129639935",
            )],
            "5 of 5",
        ),
        ("zero", &[("x-credits", "0")], "nothing of 5"),
        ("nothing, in a word", &[("x-credits", "Nothing")], "nothing of 5"),
        // A word that is not known leaves the verified price.
        ("not said", &[], "5 of 5"),
        ("not a number", &[("x-credits", "three")], "5 of 5"),
        ("a fraction", &[("x-credits", "0.5")], "5 of 5"),
        ("negative", &[("x-credits", "-1")], "5 of 5"),
        ("twice", &[("x-credits", "1"), ("x-credits", "2")], "5 of 5"),
    ] {
        let walk = priced(price.clone()).says(200, headers).go(request("", &[]));
        assert_eq!(walk.sum(), expected, "{name}");
        assert_eq!(walk.delivery.unwrap().headers.get("x-credits"), None, "{name}");
    }
    // An answer that failed is not charged, whatever it says.
    let walk = priced(price).says(500, &[("x-credits", "3")]).go(request("", &[]));
    assert_eq!(walk.sum(), "nothing of 5");
}

#[test]
fn rule_20_what_is_counted_costs_what_went_out() {
    use EndReason::{ClientLeft, OriginBroke, Whole};
    let byte = || json!({ "by": "byte", "base": 1, "each": 2, "per": 10, "most": 50 });
    let event = || json!({ "by": "event", "each": 3, "most": 50 });
    let token =
        || json!({ "by": "token", "member": "usage.total_tokens", "each": 1, "per": 100, "most": 50 });
    let fixed = || json!(4);
    let counted = |how, bytes, events, tokens| Ending { how, bytes, events, tokens };
    type Row = (&'static str, Value, Ending, &'static str);
    let table: Vec<Row> = Vec::from([
        ("bytes", byte(), counted(Whole, 95, 0, None), "21 of 50"),
        ("bytes, a whole number of steps", byte(), counted(Whole, 100, 0, None), "21 of 50"),
        ("bytes, one more", byte(), counted(Whole, 101, 0, None), "23 of 50"),
        ("no byte", byte(), counted(Whole, 0, 0, None), "1 of 50"),
        ("more bytes than were verified", byte(), counted(Whole, 10_000, 0, None), "50 of 50"),
        ("more bytes than fit a number", byte(), counted(Whole, u64::MAX, 0, None), "50 of 50"),
        ("bytes, hung up on", byte(), counted(ClientLeft, 11, 0, None), "5 of 50"),
        ("hung up on before the first byte", byte(), counted(ClientLeft, 0, 0, None), "nothing of 50"),
        ("bytes until the origin broke off", byte(), counted(OriginBroke, 11, 0, None), "5 of 50"),
        ("the origin broke off at once", byte(), counted(OriginBroke, 0, 0, None), "nothing of 50"),
        ("events", event(), counted(Whole, 99, 4, None), "12 of 50"),
        ("no event", event(), counted(Whole, 99, 0, None), "nothing of 50"),
        ("events, hung up on", event(), counted(ClientLeft, 99, 2, None), "6 of 50"),
        ("tokens", token(), counted(Whole, 99, 9, Some(1234)), "13 of 50"),
        ("no tokens", token(), counted(Whole, 99, 9, Some(0)), "nothing of 50"),
        ("more tokens than were verified", token(), counted(Whole, 99, 9, Some(1 << 40)), "50 of 50"),
        // Else whoever hangs up before the number has the answer for nothing.
        ("tokens, hung up on before they were said", token(), counted(ClientLeft, 99, 9, None), "50 of 50"),
        ("tokens that were never said", token(), counted(Whole, 99, 9, None), "50 of 50"),
        ("tokens, and the origin broke off", token(), counted(OriginBroke, 99, 9, None), "nothing of 50"),
        (
            "tokens said before the origin broke off",
            token(),
            counted(OriginBroke, 99, 9, Some(200)),
            "2 of 50",
        ),
        ("a fixed price at the end", fixed(), counted(Whole, 9, 0, None), "4 of 4"),
        ("a fixed price, hung up on", fixed(), counted(ClientLeft, 9, 0, None), "4 of 4"),
        ("a fixed price, and nothing went out", fixed(), counted(ClientLeft, 0, 0, None), "nothing of 4"),
        (
            "a fixed price, and the origin broke off",
            fixed(),
            counted(OriginBroke, 9, 0, None),
            "nothing of 4",
        ),
    ]);
    for (name, credits, ending, expected) in table {
        let unit = credits["by"].as_str().map(Into::<String>::into);
        let mut world = metered(credits);
        world.ending = ending;
        let walk = world.go(request("", &[]));
        assert_eq!(walk.sum(), expected, "{name}");
        let meter = walk.delivery.unwrap().meter.unwrap();
        let counts = meter.unit.map(|unit| match unit {
            Unit::Byte => "byte",
            Unit::Event => "event",
            Unit::Token(_) => "token",
        });
        assert_eq!((counts, meter.to_the_end), (unit.as_deref(), true), "{name}");
    }
}

#[test]
fn rule_20_a_handlers_price_is_capped_by_the_configuration() {
    let said = |price: &str| (!price.is_empty()).then(|| price.parse().unwrap());
    for (name, price, expected) in [
        ("less", "3", "3 of 3"),
        ("all", "9", "9 of 9"),
        ("nothing", "0", "nothing of 0"),
        ("more than it may", "10", "500 price_failed"),
        ("it failed", "", "500 price_failed"),
    ] {
        let mut world = priced(json!({ "by": "handler", "most": 9 }));
        world.price = said(price);
        let walk = world.go(request("", &[]));
        assert_eq!(walk.sum(), expected, "{name}");
        assert_eq!(walk.steps.first(), Some(&"price"), "{name}");
        assert_eq!(walk.forward.is_some(), walk.answer.is_none(), "{name}");
    }
    // A request without a token learns its own price.
    let mut world = priced(json!({ "by": "handler", "most": 9 }));
    world.price = said("4");
    let walk = world.go(ask("GET", "/r", &[]));
    let answer = walk.answer.unwrap();
    assert_eq!((answer.status, &body(&answer)["accepts"][0]["extra"]["credits"]), (402, &"4".into()));
}

#[test]
fn rule_20_the_offer_says_the_most_of_this_request() {
    for (name, credits, query, most) in [
        ("fixed", json!(2), "", "2"),
        (
            "by a number in the request",
            json!({ "by": "query", "name": "n", "each": 3, "most": 12 }),
            "?n=2",
            "6",
        ),
        ("as the origin says", json!({ "by": "origin", "name": "x", "most": 5 }), "", "5"),
    ] {
        let walk = priced(credits).go(ask("GET", &["/r", query].concat(), &[]));
        let offer = header(&walk.answer.unwrap().headers, "payment-required").unwrap();
        assert_eq!(offer["accepts"][0]["extra"]["credits"], most, "{name}");
        assert!(walk.steps == ["respond"], "{name}");
    }
}
