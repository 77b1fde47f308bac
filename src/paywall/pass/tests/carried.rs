//! How a pass is carried, and the configuration of passes.

use super::*;

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
