//! Fail closed: a configuration is right, or the error names the key that is not.

use super::*;
use alloc::{format, string::ToString};

#[test]
fn what_is_wrong_is_named() {
    let route = |more: &str| format!(r#"{{"POST /ask": {{"planId": "1", "credits": 1{more}}}}}"#);
    let table: Vec<(&str, &str, String, &str)> = Vec::from([
        ("no key", "NVM_API_KEY", String::new(), "NVM_API_KEY"),
        ("a blank key", "NVM_API_KEY", "  ".into(), "NVM_API_KEY"),
        ("no key at all", "NVM_API_KEY", "hello".into(), "NVM_API_KEY"),
        ("an environment of others", "NVM_ENVIRONMENT", "production".into(), "NVM_ENVIRONMENT"),
        (
            "a facilitator of one's own for a hosted key",
            "NVM_API_KEY",
            "sandbox:e30.e30.c2ln".into(),
            "NVM_API_URL",
        ),
        ("no facilitator", "NVM_API_URL", String::new(), "NVM_API_URL"),
        ("a facilitator in the clear", "NVM_API_URL", "http://api.example".into(), "NVM_API_URL"),
        ("no URL", "NVM_API_URL", "api.example".into(), "NVM_API_URL"),
        ("no origin", "ORIGIN_URL", String::new(), "ORIGIN_URL"),
        ("an origin that is none", "ORIGIN_URL", "origin.example".into(), "ORIGIN_URL"),
        ("an origin with a query", "ORIGIN_URL", "https://origin.example/?x".into(), "ORIGIN_URL"),
        ("an origin with a password", "ORIGIN_URL", "https://a:b@origin.example".into(), "ORIGIN_URL"),
        ("a public URL that is none", "PUBLIC_URL", "paid.example".into(), "PUBLIC_URL"),
        ("unlisted", "UNLISTED", "allow".into(), "UNLISTED"),
        ("unlisted: not chosen", "UNLISTED", String::new(), "UNLISTED"),
        ("timeout: zero", "TIMEOUT_MS", "0".into(), "TIMEOUT_MS"),
        ("timeout: a fraction", "TIMEOUT_MS", "1.5".into(), "TIMEOUT_MS"),
        ("timeout: too long", "TIMEOUT_MS", "120001".into(), "TIMEOUT_MS"),
        ("timeout: words", "TIMEOUT_MS", "10s".into(), "TIMEOUT_MS"),
        ("origins: no JSON", "ALLOWED_ORIGINS", "https://a.example".into(), "ALLOWED_ORIGINS"),
        ("origins: a path", "ALLOWED_ORIGINS", r#"["https://a.example/"]"#.into(), "ALLOWED_ORIGINS"),
        ("origins: upper case", "ALLOWED_ORIGINS", r#"["https://A.example"]"#.into(), "ALLOWED_ORIGINS"),
        ("origins: null", "ALLOWED_ORIGINS", r#"["null"]"#.into(), "ALLOWED_ORIGINS"),
        ("origins: a pattern", "ALLOWED_ORIGINS", r#"["https://*.example"]"#.into(), "ALLOWED_ORIGINS"),
        ("open: no list", "OPEN_ROUTES", r#"{"GET /": {}}"#.into(), "OPEN_ROUTES"),
        ("open: no method", "OPEN_ROUTES", r#"["/health"]"#.into(), "OPEN_ROUTES[0]"),
        ("open: twice", "OPEN_ROUTES", r#"["GET /a", "GET /A/"]"#.into(), "OPEN_ROUTES[1]"),
        ("open and paid", "OPEN_ROUTES", r#"["GET /paid", "GET /x"]"#.into(), "OPEN_ROUTES[0]"),
        ("no routes", "ROUTES", String::new(), "ROUTES"),
        ("routes: no JSON", "ROUTES", "{".into(), "ROUTES"),
        ("routes: a list", "ROUTES", "[]".into(), "ROUTES"),
        ("route: no method", "ROUTES", r#"{"/ask": {}}"#.into(), r#"ROUTES["/ask"]"#),
        ("route: lower case", "ROUTES", r#"{"post /ask": {}}"#.into(), r#"ROUTES["post /ask"]"#),
        ("route: HEAD", "ROUTES", r#"{"HEAD /ask": {}}"#.into(), r#"ROUTES["HEAD /ask"]"#),
        ("route: OPTIONS", "ROUTES", r#"{"OPTIONS /ask": {}}"#.into(), r#"ROUTES["OPTIONS /ask"]"#),
        ("route: no slash", "ROUTES", r#"{"POST ask": {}}"#.into(), r#"ROUTES["POST ask"]"#),
        ("route: a query", "ROUTES", r#"{"POST /a%3Fb": {}}"#.into(), r#"ROUTES["POST /a%3Fb"]"#),
        ("route: two spaces", "ROUTES", r#"{"POST  /ask": {}}"#.into(), r#"ROUTES["POST  /ask"]"#),
        ("route: no name", "ROUTES", r#"{"POST /a/:": {}}"#.into(), r#"ROUTES["POST /a/:"]"#),
        ("route: no object", "ROUTES", r#"{"POST /ask": 2}"#.into(), r#"ROUTES["POST /ask"]"#),
        (
            "routes: the same twice",
            "ROUTES",
            r#"{"GET /A/:x": {"planId": "1", "credits": 1}, "GET /a/:y/": {"planId": "1", "credits": 1}}"#
                .into(),
            r#"ROUTES["GET /a/:y/"]"#,
        ),
        ("plan: none", "ROUTES", r#"{"POST /ask": {"credits": 1}}"#.into(), r#"ROUTES["POST /ask"].planId"#),
        (
            "plan: a number",
            "ROUTES",
            r#"{"POST /ask": {"planId": 1, "credits": 1}}"#.into(),
            r#"ROUTES["POST /ask"].planId"#,
        ),
        (
            "plan: strange",
            "ROUTES",
            r#"{"POST /ask": {"planId": "a b", "credits": 1}}"#.into(),
            r#"ROUTES["POST /ask"].planId"#,
        ),
        (
            "credits: none",
            "ROUTES",
            r#"{"POST /ask": {"planId": "1"}}"#.into(),
            r#"ROUTES["POST /ask"].credits"#,
        ),
        (
            "credits: negative",
            "ROUTES",
            r#"{"POST /ask": {"planId": "1", "credits": -1}}"#.into(),
            r#"ROUTES["POST /ask"].credits"#,
        ),
        (
            "credits: a fraction",
            "ROUTES",
            r#"{"POST /ask": {"planId": "1", "credits": 0.5}}"#.into(),
            r#"ROUTES["POST /ask"].credits"#,
        ),
        (
            "credits: words",
            "ROUTES",
            r#"{"POST /ask": {"planId": "1", "credits": "two"}}"#.into(),
            r#"ROUTES["POST /ask"].credits"#,
        ),
        ("credit, misspelt", "ROUTES", route(r#", "credit": 2"#), r#"ROUTES["POST /ask"].credit"#),
        ("agent", "ROUTES", route(r#", "agentId": 5"#), r#"ROUTES["POST /ask"].agentId"#),
        ("scheme", "ROUTES", route(r#", "scheme": "exact""#), r#"ROUTES["POST /ask"].scheme"#),
        ("network", "ROUTES", route(r#", "network": "eip155:1""#), r#"ROUTES["POST /ask"].network"#),
        (
            "network of cards",
            "ROUTES",
            route(r#", "scheme": "nvm:erc4337", "network": "stripe""#),
            r#"ROUTES["POST /ask"].network"#,
        ),
        (
            "description",
            "ROUTES",
            route(&format!(r#", "description": "{}""#, "x".repeat(1025))),
            r#"ROUTES["POST /ask"].description"#,
        ),
    ]);
    for (name, variable, value, key) in &table {
        let error =
            settings(&[(*variable, value.as_str())]).err().unwrap_or_else(|| panic!("{name}: no error"));
        assert_eq!(&error.key, key, "{name}");
        assert!(value.len() < 4 || !error.problem.contains(value.as_str()), "{name} says the value");
        let answer = GateResponse::misconfigured(&error);
        assert_eq!((answer.status, body(&answer)["key"].as_str()), (500, Some(*key)), "{name}");
        assert_eq!(error.code(), "config_invalid");
    }
}

#[test]
fn what_is_right_is_taken() {
    let usual = settings(&[]).unwrap();
    // A settle may be late for two minutes after it was given up, where nothing else is said.
    assert_eq!(usual.quiet_ms(), 130_000);
    assert_eq!(settings(&[("TIMEOUT_MS", "500")]).unwrap().quiet_ms(), 6_500);
    assert_eq!((usual.facilitator(), usual.timeout_ms()), ("http://127.0.0.1:3001", 10_000));
    assert_eq!(usual.key().expose(), KEY);
    assert!(!format!("{usual:?}").contains(KEY));
    for (name, over, facilitator) in [
        (
            "the key names it",
            &[("NVM_API_KEY", "sandbox:e30.e30.c2ln"), ("NVM_API_URL", "")][..],
            "https://api.sandbox.nevermined.app",
        ),
        (
            "the option names it",
            &[("NVM_ENVIRONMENT", "live"), ("NVM_API_URL", "")],
            "https://api.live.nevermined.app",
        ),
        ("custom, with a path", &[("NVM_API_URL", "https://nvm.example/x/")], "https://nvm.example/x"),
    ] {
        assert_eq!(settings(over).unwrap().facilitator(), facilitator, "{name}");
    }
    for (variable, value) in [
        ("TIMEOUT_MS", "1"),
        ("TIMEOUT_MS", " 120000 "),
        ("OPEN_ROUTES", ""),
        ("ROUTES", "{}"),
        ("ROUTES", r#"{"GET /": {"planId": "1", "credits": 0}}"#),
        (
            "ROUTES",
            r#"{"GET /": {"planId": "1", "credits": "115792089237316195423570985008687907853269984665640564039457584007913129639935"}}"#,
        ),
        ("ROUTES", r#"{"GET /a": {"planId": "1", "credits": 1, "agentId": null, "mimeType": "text/plain"}}"#),
        (
            "ROUTES",
            r#"{"GET /a": {"planId": "1", "credits": 1, "scheme": "nvm:card-delegation", "network": "visa"}}"#,
        ),
        ("ALLOWED_ORIGINS", r#"["http://localhost:4000", "http://[::1]:8080"]"#),
        ("ORIGIN_URL", "http://10.0.0.1:8080/base/"),
    ] {
        assert!(settings(&[(variable, value)]).is_ok(), "{variable} {value}");
    }
    // An origin behind a path is reached there.
    let gate = gate(&[("ORIGIN_URL", "http://10.0.0.1:8080/base/")]);
    let forward = forwarded(gate.open(&ask("GET", "/health?x", &[])).1);
    assert_eq!(forward.url, "http://10.0.0.1:8080/base/health?x");
}

#[test]
fn with_a_service_binding_the_public_url_is_asked() {
    let text = |name: &str| match name {
        "NVM_API_KEY" => Some("sandbox:e30.e30.c2ln".to_string()),
        "ROUTES" => Some("{}".to_string()),
        "UNLISTED" => Some("pass".to_string()),
        _ => None,
    };
    let gate = Gate::new(Settings::read(text, true).unwrap());
    assert_eq!(forwarded(gate.open(&ask("GET", "/a?b", &[])).1).url, "https://shop.example/a?b");
}
