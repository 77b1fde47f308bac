//! Access passes: what opens and what does not. Rules 16 (nothing unpaid gets through) and 25 (what the origin sees).

use super::*;
use crate::paywall::http::method::Method;
use crate::wire::base64;
use alloc::{format, vec, vec::Vec};
use serde_json::{Value, json};

const NOW: u64 = 1_790_000_000_000;
const SECONDS: u64 = NOW / 1000;
const FIRST: &str = "k2:0123456789abcdef0123456789abcdef";
const OLD: &str = "k1:fedcba9876543210fedcba9876543210";
const SETS: &str = r#"{
    "reports": { "routes": ["GET /reports/:id", "GET /reports"], "seconds": 3600 },
    "media": { "routes": ["GET /media/:id"], "seconds": 86400, "carry": "cookie", "crossSite": true },
    "api": { "routes": ["POST /ask"], "seconds": 600, "carry": "header" }
}"#;

fn passes(over: &[(&str, &str)]) -> Result<Option<Passes>, Wrong> {
    let usual = [("PASSES", SETS), ("PASS_KEYS", FIRST)];
    let find = |table: &[(&str, &str)], name: &str| {
        table.iter().find(|(known, _)| *known == name).map(|(_, value)| String::from(*value))
    };
    let text = |name: &str| find(over, name).or_else(|| find(&usual, name)).filter(|text| !text.is_empty());
    let given = Variables::new(&text);
    let passes = Passes::read(&given, |route| !route.starts_with("GET /open"));
    given.problems.finish(passes)
}

use crate::paywall::config::error::Wrong;
use crate::paywall::config::problems::Variables;

fn keyed(keys: &str) -> Passes {
    passes(&[("PASS_KEYS", keys)]).unwrap().unwrap()
}

fn plan(id: &str) -> PlanId {
    PlanId::parse(id, "planId").unwrap()
}

fn credits(count: u64) -> Credits {
    count.to_string().parse().unwrap()
}

/// The answer's headers after `credits` were paid from plan 1001 by 0xb1 for a route.
fn sold(passes: &Passes, route: &str, paid: u64, now: u64) -> HeaderList {
    let mut answer = HeaderList::new();
    let plan = plan("1001");
    let sale = Sale { payer: "0xB1", plan: &plan, credits: credits(paid), proof: "receipt" };
    passes.give(passes.set_of(route).unwrap(), sale, &mut answer, true, now);
    answer
}

fn bought(passes: &Passes, now: u64) -> String {
    sold(passes, "GET /reports/:id", 2, now).get(PASS).unwrap().into()
}

/// Checks a pass at a route that costs `price` from plan 1001 or 1002.
fn shown(passes: &Passes, pass: &str, route: &str, price: u64, now: u64) -> Result<Pass, Option<PassError>> {
    let headers: HeaderList = [(PASS, pass)].into_iter().collect();
    let carried = PresentedPasses::read(&headers, Method::Post);
    let (other, plan) = (plan("1002"), plan("1001"));
    let need = Need { prices: &[(&other, credits(99)), (&plan, credits(price))], payer: None };
    passes.admit(passes.set_of(route).unwrap(), &carried, need, now)
}

/// A pass with a payload of one's own, signed properly.
fn signed(keys: &Keys, payload: &Value) -> String {
    let text = format!("v1.{}.{}", keys.signer(), base64::encode_url(payload.to_string().as_bytes()));
    format!("{text}.{}", base64::encode_url(&keys.sign(&text)))
}

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
fn how_it_is_carried() {
    let passes = keyed(FIRST);
    let names = |route: &str| {
        let answer = sold(&passes, route, 2, NOW);
        answer.iter().map(|(name, _)| String::from(name)).collect::<Vec<_>>()
    };
    assert_eq!(names("GET /reports"), [PASS, PASS_EXPIRES, "set-cookie"]);
    assert_eq!(names("GET /media/:id"), [PASS_EXPIRES, "set-cookie"]);
    assert_eq!(names("POST /ask"), [PASS, PASS_EXPIRES]);
    let media = sold(&passes, "GET /media/:id", 2, NOW);
    let cookie = media.get("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-payment-pass-media=v1."), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=None; Partitioned"),
        "{cookie}"
    );
    // On this machine there may be no TLS, and no page of another site.
    let set = passes.set_of("GET /media/:id").unwrap();
    assert_eq!(
        transport::cookie(set, "P", false).unwrap(),
        "payment-pass-media=P; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax"
    );

    // A cookie comes along unasked: it counts where asking changes nothing, and from our own pages.
    let text = bought(&passes, NOW);
    let cookie = format!("a=1; __Host-payment-pass-reports={text}; payment-pass-media=x");
    for (name, method, site, counts) in [
        ("a navigation", Method::Get, Some("none"), true),
        ("a link from elsewhere", Method::Get, Some("cross-site"), true),
        ("HEAD", Method::Head, None, true),
        ("a form of another site", Method::Post, Some("cross-site"), false),
        ("a form of a neighbour", Method::Post, Some("same-site"), false),
        ("a form of nobody knows", Method::Post, None, false),
        ("a page of ours", Method::Post, Some("same-origin"), true),
        ("a page of ours deletes", Method::Delete, Some("same-origin"), true),
    ] {
        let mut headers: HeaderList = [("cookie", cookie.as_str())].into_iter().collect();
        if let Some(site) = site {
            headers.set("sec-fetch-site", site);
        }
        let carried = PresentedPasses::read(&headers, method);
        let set = passes.set_of("GET /reports").unwrap();
        assert_eq!(carried.passes(set).collect::<Vec<_>>().contains(&text.as_str()), counts, "{name}");
    }
    // One that is over beside one that is good: the good one counts.
    let both = format!("{}, {text}", bought(&passes, NOW - 7_200_000));
    assert!(shown(&passes, &both, "GET /reports", 1, NOW).is_ok());
    // A browser may hold one with the prefix and one without.
    let headers: HeaderList =
        [("cookie", format!("payment-pass-reports=old; __Host-payment-pass-reports={text}"))]
            .into_iter()
            .collect();
    let plan = plan("1001");
    let need = Need { prices: &[(&plan, credits(1))], payer: None };
    let set = passes.set_of("GET /reports").unwrap();
    assert!(passes.admit(set, &PresentedPasses::read(&headers, Method::Get), need, NOW).is_ok());
    // None came: there is nothing to say about it.
    assert_eq!(passes.admit(set, &PresentedPasses::default(), need, NOW), Err(None));
}

#[test]
fn the_origin_does_not_see_the_cookie() {
    for (cookie, kept) in [
        ("a=1; b=2", Some("a=1; b=2")),
        ("a=1; __Host-payment-pass-reports=v1.x; b=2", Some("a=1; b=2")),
        ("__Host-payment-pass-reports=v1.x", None),
        ("payment-pass-media=v1.x;a=1", Some("a=1")),
        ("payment-password=1", Some("payment-password=1")),
    ] {
        let mut headers: HeaderList = [("cookie", cookie)].into_iter().collect();
        without_cookies(&mut headers);
        assert_eq!(headers.get("cookie"), kept, "{cookie}");
    }
}

#[test]
fn configuration() {
    let routes = |text: &str| format!(r#"{{"a": {{"routes": {text}, "seconds": 60}}}}"#);
    let with = |more: &str| format!(r#"{{"a": {{"routes": ["GET /a"], {more}}}}}"#);
    let named = |name: &str| format!(r#"{{"{name}": {{"routes": ["GET /a"], "seconds": 60}}}}"#);
    let many = |count: u32| {
        (0..count).map(|index| format!("k{index}:{}", "a".repeat(32))).collect::<Vec<_>>().join(",")
    };
    let long_name = format!(r#"PASSES["{}"]"#, "a".repeat(33));
    // The longest and the most that there may be.
    for (name, value) in [
        ("PASSES", named(&"a".repeat(32))),
        ("PASS_KEYS", format!("{}:{}", "k".repeat(16), "a".repeat(256))),
        ("PASS_KEYS", many(8)),
    ] {
        assert!(passes(&[(name, &value)]).unwrap().is_some(), "{value}");
    }
    let table: Vec<(&str, String, &str)> = vec![
        ("PASSES", "[]".into(), "PASSES"),
        ("PASSES", r#"{"A b": {}}"#.into(), r#"PASSES["A b"]"#),
        ("PASSES", r#"{"a": 1}"#.into(), r#"PASSES["a"]"#),
        ("PASSES", with(r#""seconds": 60, "tier": 1"#), r#"PASSES["a"].tier"#),
        ("PASSES", r#"{"a": {"seconds": 60}}"#.into(), r#"PASSES["a"].routes"#),
        ("PASSES", routes("[]"), r#"PASSES["a"].routes"#),
        ("PASSES", routes("[1]"), r#"PASSES["a"].routes"#),
        ("PASSES", routes(r#"["GET /a", "GET /open"]"#), r#"PASSES["a"].routes[1]"#),
        (
            "PASSES",
            r#"{"a": {"routes": ["GET /a"], "seconds": 60}, "b": {"routes": ["GET /a"], "seconds": 60}}"#
                .into(),
            r#"PASSES["b"].routes[0]"#,
        ),
        ("PASSES", r#"{"a": {"routes": ["GET /a"]}}"#.into(), r#"PASSES["a"].seconds"#),
        ("PASSES", with(r#""seconds": 0"#), r#"PASSES["a"].seconds"#),
        ("PASSES", with(r#""seconds": 31622401"#), r#"PASSES["a"].seconds"#),
        ("PASSES", with(r#""seconds": 1.5"#), r#"PASSES["a"].seconds"#),
        ("PASSES", with(r#""seconds": 60, "warnSeconds": 61"#), r#"PASSES["a"].warnSeconds"#),
        ("PASSES", with(r#""seconds": 60, "carry": "pigeon""#), r#"PASSES["a"].carry"#),
        ("PASSES", with(r#""seconds": 60, "crossSite": "yes""#), r#"PASSES["a"].crossSite"#),
        ("PASS_KEYS", String::new(), "PASS_KEYS"),
        ("PASS_KEYS", "secret".into(), "PASS_KEYS"),
        ("PASS_KEYS", "k1:short".into(), "PASS_KEYS"),
        ("PASS_KEYS", format!("{FIRST},{FIRST}"), "PASS_KEYS"),
        ("PASS_KEYS", format!("k 1:{}", "a".repeat(32)), "PASS_KEYS"),
        ("PASS_KEYS", format!(":{}", "a".repeat(32)), "PASS_KEYS"),
        ("PASS_KEYS", format!("{}:{}", "k".repeat(17), "a".repeat(32)), "PASS_KEYS"),
        ("PASS_KEYS", format!("k1:{}", "a".repeat(31)), "PASS_KEYS"),
        ("PASS_KEYS", format!("k1:{}", "a".repeat(257)), "PASS_KEYS"),
        ("PASS_KEYS", many(9), "PASS_KEYS"),
        ("PASSES", named(""), r#"PASSES[""]"#),
        ("PASSES", named(&"a".repeat(33)), &long_name),
        ("REVOKED_PASSES", "[]".into(), "REVOKED_PASSES"),
        ("REVOKED_PASSES", r#"{"ids": []}"#.into(), "REVOKED_PASSES.ids"),
        ("REVOKED_PASSES", r#"{"passes": [1]}"#.into(), "REVOKED_PASSES.passes"),
        ("REVOKED_PASSES", r#"{"payers": {"0xb1": true}}"#.into(), "REVOKED_PASSES.payers"),
    ];
    for (name, value, key) in table {
        let error = passes(&[(name, &value)]).err().unwrap_or_else(|| panic!("{name}={value} is accepted"));
        assert_eq!(error.key, key, "{value}: {error}");
        assert!(!error.to_string().contains("0123456789abcdef"), "a key is printed");
    }
    assert!(passes(&[("PASSES", "")]).unwrap().is_none());
    // A name that is misspelt takes nothing back, whether passes are sold or not.
    for sold in ["{}", r#"{"a": {"routes": ["GET /a"], "seconds": 60}}"#] {
        let error = passes(&[("PASSES", sold), ("REVOKED_PASSES", r#"{"payer": {}}"#)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "REVOKED_PASSES.payer is not a key of revoked passes; did you mean payers?"
        );
    }
    assert!(passes(&[("PASSES", "{}")]).unwrap().is_none());
    assert!(passes(&[]).unwrap().is_some());
    assert!(!format!("{:?}", keyed(FIRST)).contains("0123456789abcdef"), "a key is printed");
}

#[test]
fn what_is_held_is_each_pass_once_for_its_own_set() {
    let passes = keyed(FIRST);
    let text = bought(&passes, NOW);
    let held = |passes: &Passes, text: &str| {
        let headers: HeaderList = [(PASS, text)].into_iter().collect();
        let held = passes.held(&PresentedPasses::read(&headers, Method::Get), NOW);
        held.into_iter().map(|pass| pass.set).collect::<Vec<_>>()
    };
    assert_eq!(held(&passes, &text), ["reports"]);
    assert_eq!(held(&passes, &format!("{text}, {text}")), ["reports"], "it came twice");
    let api: String = sold(&passes, "POST /ask", 2, NOW).get(PASS).unwrap().into();
    assert_eq!(held(&passes, &format!("{api}, {text}")), ["api", "reports"]);
    let list = json!({ "payers": { "0xb1": SECONDS } }).to_string();
    let revoked = super::tests::passes(&[("REVOKED_PASSES", &list)]).unwrap().unwrap();
    assert_eq!(held(&revoked, &text), [""; 0]);
}

#[test]
fn eight_cookies_and_four_in_the_header_are_read() {
    let passes = keyed(FIRST);
    let text = bought(&passes, NOW);
    let set = passes.set_of("GET /reports").unwrap();
    for (most, name) in [(8, "cookie"), (4, PASS)] {
        for before in [most - 1, most] {
            let value = match name {
                PASS => "x, ".repeat(before) + &text,
                _ => "payment-pass-media=x; ".repeat(before) + "payment-pass-reports=" + &text,
            };
            let headers: HeaderList = [(name, value)].into_iter().collect();
            let carried = PresentedPasses::read(&headers, Method::Get);
            let found = carried.passes(set).any(|pass| pass == text);
            assert_eq!(found, before < most, "{before} before it in {name}");
        }
    }
}

#[test]
fn what_only_the_gate_says_of_passes_is_taken_out_of_an_answer() {
    let mut headers: HeaderList = [
        (PASS, "v1.x"),
        (PASS_EXPIRES, "1"),
        (WARNING, "soon"),
        ("set-cookie", "a=1"),
        ("set-cookie", "__Host-payment-pass-reports=x; Path=/"),
        ("x-payment-pas", "kept"),
    ]
    .into_iter()
    .collect();
    transport::without_forged(&mut headers);
    let left: Vec<_> = headers.iter().collect();
    assert_eq!(left, [("set-cookie", "a=1"), ("x-payment-pas", "kept")]);
}

#[test]
fn a_pass_that_is_too_long_is_not_read() {
    let keys = Keys::parse(FIRST).unwrap();
    for (length, expected) in
        [(token::MAX_PASS_BYTES, PassError::Malformed), (token::MAX_PASS_BYTES + 1, PassError::TooLarge)]
    {
        assert_eq!(Pass::open(&"x".repeat(length), &keys, NOW).unwrap_err(), expected);
    }
}

#[test]
fn a_pass_that_opens_nothing_is_told_why() {
    for (error, words) in [
        (PassError::TooLarge, "not one of ours"),
        (PassError::Malformed, "not one of ours"),
        (PassError::Forged, "not one of ours"),
        (PassError::OtherRoute, "another resource"),
        (PassError::OtherTier, "sold for less"),
        (PassError::OtherPayer, "another payer"),
        (PassError::Expired, "has expired"),
        (PassError::NotYet, "from the future"),
        (PassError::Revoked, "taken back"),
    ] {
        assert!(error.message().contains(words), "{error:?}: {}", error.message());
    }
}
