//! The routes that a pass opens, its lifetime, and passes that are forged or revoked.

use super::*;

#[test]
fn a_pass_opens_what_it_was_sold_for_and_says_so() {
    let passes = keyed(FIRST);
    let answer = sold(&passes, "GET /reports/:id", 2, NOW);
    let expires = SECONDS + 3600;
    assert_eq!(answer.get(PASS_EXPIRES), Some(expires.to_string().as_str()));
    let text = answer.get(PASS).unwrap();
    assert!(text.len() < 400, "{}", text.len());
    let cookie =
        format!("__Host-payment-pass-reports={text}; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax");
    assert_eq!(answer.all("set-cookie").collect::<Vec<_>>(), [cookie.as_str()]);

    for (route, price) in [("GET /reports/:id", 2), ("GET /reports/:id", 1), ("GET /reports", 2)] {
        let pass = shown(&passes, text, route, price, NOW + 3_599_000).unwrap();
        assert_eq!((pass.payer.as_str(), pass.plan.as_str(), pass.expires), ("0xB1", "1001", expires));
        assert!(pass.id.len() == 32 && pass.id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", pass.id);
        let mut headers = HeaderList::new();
        pass.tell_origin(None, &mut headers);
        let listed: Vec<_> = headers.iter().collect();
        assert_eq!(
            listed,
            [
                ("x-payment-payer", "0xB1"),
                ("x-payment-plan", "1001"),
                ("x-payment-credits", "0"),
                (PASS, pass.id.as_str()),
            ]
        );
    }
    // Two sales are two passes, however alike.
    let id = |now| shown(&passes, &bought(&passes, now), "GET /reports", 1, now).unwrap().id;
    assert_ne!(id(NOW), id(NOW + 1));
}

#[test]
fn a_pass_is_not_wider_than_what_was_paid() {
    let passes = keyed(FIRST);
    let text = bought(&passes, NOW);
    let plan = plan("1001");
    let other = self::plan("1003");
    for (name, set, plans, price, payer, expected) in [
        ("another set", "POST /ask", &plan, 1, None, Some(PassError::OtherRoute)),
        ("a set in a cookie", "GET /media/:id", &plan, 1, None, Some(PassError::OtherRoute)),
        ("a plan that no longer pays here", "GET /reports", &other, 1, None, Some(PassError::OtherRoute)),
        ("a dearer route", "GET /reports", &plan, 3, None, Some(PassError::OtherTier)),
        (
            "another payer's token beside it",
            "GET /reports",
            &plan,
            2,
            Some("0xb2"),
            Some(PassError::OtherPayer),
        ),
        ("the same payer's, spelled otherwise", "GET /reports", &plan, 2, Some("0xb1"), None),
        ("as it was sold", "GET /reports", &plan, 2, None, None),
    ] {
        let headers: HeaderList = [(PASS, text.as_str())].into_iter().collect();
        let carried = PresentedPasses::read(&headers, Method::Get);
        let need = Need { prices: &[(plans, credits(price))], payer };
        let result = passes.admit(passes.set_of(set).unwrap(), &carried, need, NOW);
        assert_eq!(result.err(), expected.map(Some), "{name}");
    }
}

#[test]
fn time() {
    let passes = keyed(FIRST);
    let text = bought(&passes, NOW);
    for (name, seconds, expected) in [
        ("when it was sold", 0, None),
        ("in its last second", 3599, None),
        ("when it ends", 3600, Some(PassError::Expired)),
        ("a year later", 31_536_000, Some(PassError::Expired)),
        ("a clock that is a minute behind the seller's", -60, None),
        ("a clock that is further behind", -61, Some(PassError::NotYet)),
        ("a clock that was never set", -(SECONDS.cast_signed()), Some(PassError::NotYet)),
    ] {
        let now = NOW.saturating_add_signed(seconds * 1000);
        assert_eq!(shown(&passes, &text, "GET /reports", 1, now).err(), expected.map(Some), "{name}");
    }
    // The warning: for the last tenth, unless the seller says otherwise.
    let set = passes.set_of("GET /reports").unwrap();
    for (seconds, warned) in [(0, false), (3239, false), (3240, true), (3599, true)] {
        let now = NOW + seconds * 1000;
        let mut headers = HeaderList::new();
        shown(&passes, &text, "GET /reports", 1, now).unwrap().tell_buyer(set, &mut headers, now);
        assert_eq!(headers.get(WARNING).is_some(), warned, "{seconds}");
        assert_eq!(headers.get(PASS_EXPIRES), Some((SECONDS + 3600).to_string().as_str()));
    }
}

#[test]
fn keys_are_rotated() {
    let text = bought(&keyed(OLD), NOW);
    for (name, keys, ok) in [
        ("the same key", OLD.into(), true),
        ("a new one in front", format!("{FIRST}, {OLD}"), true),
        ("behind a new one, which signs", format!("{OLD},{FIRST}"), true),
        ("gone", FIRST.into(), false),
        ("its id on another key", "k1:0123456789abcdef0123456789abcdef".into(), false),
        ("its key under another id", "k9:fedcba9876543210fedcba9876543210".into(), false),
    ] {
        let result = shown(&keyed(&keys), &text, "GET /reports", 1, NOW);
        assert_eq!(result.err(), (!ok).then_some(Some(PassError::Forged)), "{name}");
    }
    assert!(bought(&keyed(&format!("{FIRST},{OLD}")), NOW).starts_with("v1.k2."), "the first signs");
}

#[test]
fn passes_are_taken_back() {
    let plain = keyed(FIRST);
    let text = bought(&plain, NOW);
    let id = shown(&plain, &text, "GET /reports", 1, NOW).unwrap().id;
    let by_payer = |payer: &str, before: u64| json!({ "payers": { payer: before } }).to_string();
    for (name, list, revoked) in [
        ("by its id", json!({ "passes": ["0", id] }).to_string(), true),
        ("another's id", json!({ "passes": ["00000000000000000000000000000000"] }).to_string(), false),
        ("by its payer", by_payer("0xb1", SECONDS), true),
        ("by its payer, later", by_payer("0xB1", SECONDS + 9), true),
        ("by its payer, before it was sold", by_payer("0xb1", SECONDS - 1), false),
        ("by another payer", by_payer("0xb2", SECONDS + 9), false),
        ("nobody's", "{}".into(), false),
    ] {
        let passes = passes(&[("REVOKED_PASSES", &list)]).unwrap().unwrap();
        let result = shown(&passes, &text, "GET /reports", 1, NOW);
        assert_eq!(result.err(), revoked.then_some(Some(PassError::Revoked)), "{name}");
    }
}

#[test]
fn forged_and_garbled() {
    let passes = keyed(FIRST);
    let good = bought(&passes, NOW);
    let (signed_part, mac) = good.rsplit_once('.').unwrap();
    let (head, payload) = signed_part.rsplit_once('.').unwrap();
    let document: Value = serde_json::from_slice(&base64::decode(payload, 1024, "x").unwrap()).unwrap();
    // A pass with one member changed, under the original signature.
    let wished = |name: &str, value: Value| {
        let mut wished = document.clone();
        wished[name] = value;
        format!("{head}.{}.{mac}", base64::encode_url(wished.to_string().as_bytes()))
    };
    // A pass that is validly signed and still malformed.
    let odd = |name: &str, value: Value| {
        let mut odd = document.clone();
        odd[name] = value;
        signed(&passes.keys, &odd)
    };
    let flipped = |at: usize| {
        let letter = good.chars().nth(at).unwrap();
        let other = if letter == 'A' { 'B' } else { 'A' };
        good.chars().enumerate().map(|(index, one)| if index == at { other } else { one }).collect::<String>()
    };
    const FORGED: PassError = PassError::Forged;
    const MALFORMED: PassError = PassError::Malformed;
    let mac_bytes = base64::decode(mac, 64, "x").unwrap();
    let table: Vec<(&str, String, PassError)> = vec![
        ("nothing", "-".into(), MALFORMED),
        ("a word", "let-me-in".into(), MALFORMED),
        ("dots", "....".into(), MALFORMED),
        ("no signature", signed_part.into(), MALFORMED),
        ("an empty signature", format!("{signed_part}."), MALFORMED),
        ("half a signature", format!("{signed_part}.{}", base64::encode_url(&mac_bytes[..16])), FORGED),
        ("a longer signature", format!("{good}AAAA"), FORGED),
        ("a signature that is none", format!("{signed_part}.!!!!"), MALFORMED),
        ("a part more", format!("x.{good}"), MALFORMED),
        ("version 2", good.replacen("v1", "v2", 1), MALFORMED),
        ("no key", good.replacen("k2", "", 1), FORGED),
        ("another key", good.replacen("k2", "k1", 1), FORGED),
        ("a later end", wished("exp", (SECONDS + 999_999).into()), FORGED),
        ("another set", wished("set", "media".into()), FORGED),
        ("another price", wished("tier", "100".into()), FORGED),
        ("another payer", wished("payer", "0xb2".into()), FORGED),
        ("another plan", wished("plan", "1".into()), FORGED),
        ("a letter of the payload", flipped(head.len() + 9), FORGED),
        ("a letter of the signature", flipped(good.len() - 9), FORGED),
        ("too large", format!("v1.k2.{}.{mac}", "A".repeat(1100)), PassError::TooLarge),
        ("signed, not an object", signed(&passes.keys, &json!([1])), MALFORMED),
        ("signed, a price that is none", odd("tier", "-1".into()), MALFORMED),
        ("signed, a price that is no text or number", odd("tier", Value::Null), MALFORMED),
        ("signed, an end that is a text", odd("exp", "never".into()), MALFORMED),
        ("signed, an end before 1970", odd("exp", (-1).into()), MALFORMED),
        ("signed, nobody's", odd("payer", Value::Null), MALFORMED),
    ];
    for (name, text, expected) in table {
        let result = shown(&passes, &text, "GET /reports", 1, NOW);
        assert_eq!(result.err(), Some(Some(expected)), "{name}");
    }
    assert!(shown(&passes, &good, "GET /reports", 1, NOW).is_ok());
}

#[test]
fn nothing_is_a_pass_for_nobody_or_for_nothing() {
    let passes = keyed(FIRST);
    let plan = plan("1001");
    for (payer, paid) in [("", 2), ("0xb1", 0)] {
        let mut answer = HeaderList::new();
        let sale = Sale { payer, plan: &plan, credits: credits(paid), proof: "receipt" };
        passes.give(passes.set_of("GET /reports").unwrap(), sale, &mut answer, true, NOW);
        assert_eq!(answer, HeaderList::new());
    }
}

#[test]
fn a_pass_that_opens_nothing_is_told_why() {
    for (error, words) in [
        (PassError::TooLarge, "not issued by this service"),
        (PassError::Malformed, "not issued by this service"),
        (PassError::Forged, "not issued by this service"),
        (PassError::OtherRoute, "another resource"),
        (PassError::OtherTier, "sold for less"),
        (PassError::OtherPayer, "different payers"),
        (PassError::Expired, "has expired"),
        (PassError::NotYet, "from the future"),
        (PassError::Revoked, "taken back"),
    ] {
        assert!(error.message().contains(words), "{error:?}: {}", error.message());
    }
}
