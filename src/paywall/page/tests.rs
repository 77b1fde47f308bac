//! Rule 17: a person who is refused gets a page, a program what it always got; and what the page may do.

use crate::paywall::tests::{KEY, PAGE_FILES, ask, body, gate, header, payment, responded, settings};
use crate::paywall::{Event, FacilitatorError, GateResponse};
use alloc::{format, vec::Vec};
use serde_json::{Value, json};

fn files() -> (&'static str, &'static str) {
    ("PAGE_FILES", PAGE_FILES.as_str())
}

const NAVIGATION: [(&str, &str); 2] =
    [("accept", "text/html,application/xhtml+xml,*/*;q=0.8"), ("sec-fetch-mode", "navigate")];

fn asked(method: &str, path: &str, headers: &[(&str, &str)], over: &[(&str, &str)]) -> GateResponse {
    let over = [&[files()], over].concat();
    responded(gate(&over).open(&ask(method, path, headers)).1)
}

/// The data that the page's script receives.
fn data(answer: &GateResponse) -> Value {
    let html = answer.body.as_deref().unwrap();
    let (_, rest) = html.split_once(r#"<script type="application/json" id="data">"#).unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

fn is_page(answer: &GateResponse) -> bool {
    answer.headers.get("content-type") == Some("text/html; charset=utf-8")
}

#[test]
fn who_gets_the_page() {
    const HTML: (&str, &str) = ("accept", "text/html,*/*;q=0.8");
    for (name, method, headers, expected) in [
        ("a navigation", "GET", &NAVIGATION[..], true),
        ("a browser that says no mode", "GET", &[HTML], true),
        ("HTML with little weight", "GET", &[("accept", "*/*, TEXT/HTML ; q=0.1")], true),
        ("a form that was sent", "POST", &NAVIGATION, true),
        ("no HTML", "GET", &[("accept", "text/html;q=0, */*")], false),
        ("anything at all", "GET", &[("accept", "*/*")], false),
        ("nothing said", "GET", &[], false),
        ("JSON", "GET", &[("accept", "application/json")], false),
        ("another kind that begins alike", "GET", &[("accept", "text/html5")], false),
        ("a script that takes HTML", "GET", &[HTML, ("sec-fetch-mode", "cors")], false),
        ("a script of the same origin", "GET", &[HTML, ("sec-fetch-mode", "same-origin")], false),
        ("an image", "GET", &[HTML, ("sec-fetch-mode", "no-cors")], false),
        ("a script where no mode is said", "GET", &[HTML, ("x-requested-with", "payments-wasm")], false),
        ("somebody who pays", "GET", &[HTML, ("payment-signature", "x")], false),
        ("somebody with a pass", "GET", &[HTML, ("x-payment-pass", "x")], false),
    ] {
        let path = if method == "GET" { "/paid" } else { "/ask" };
        let answer = asked(method, path, headers, &[]);
        assert_eq!(answer.status, 402, "{name}");
        assert_eq!(is_page(&answer), expected, "{name}");
        // Whoever reads it finds the offer where it always is, and no cache keeps either.
        let offer = header(&answer.headers, "payment-required").unwrap();
        assert_eq!(offer["accepts"][0]["planId"], "1001", "{name}");
        assert_eq!(answer.headers.get("cache-control"), Some("no-store"), "{name}");
        assert_eq!(answer.headers.get("vary"), Some("Accept, Sec-Fetch-Mode"), "{name}");
        if !expected {
            assert_eq!(body(&answer)["accepts"], offer["accepts"], "{name}");
        }
    }
    let answer = asked("HEAD", "/paid", &NAVIGATION, &[]);
    assert_eq!((is_page(&answer), &answer.body), (true, &None));
}

#[test]
fn only_a_refusal_with_an_offer_is_a_page() {
    for (name, path, status) in
        [("not listed", "/nothing", 404), ("another method", "/ask", 405), ("in doubt", "/paid;x", 400)]
    {
        let answer = asked("GET", path, &NAVIGATION, &[]);
        assert_eq!((answer.status, is_page(&answer)), (status, false), "{name}");
        assert_eq!(answer.headers.get("vary"), None, "{name}");
    }
    // A payment that cannot be checked asks nobody to pay again.
    let answer = responded(payment(Vec::from([Event::Unanswered(FacilitatorError::TimedOut)])).1);
    assert_eq!((answer.status, is_page(&answer)), (503, false));
}

#[test]
fn an_amount_of_an_asset_is_no_price_in_credits() {
    let routes = r#"{ "GET /paid": { "plans": [
        { "planId": "1001", "network": "eip155:84532", "credits": 2 },
        { "planId": "exact:eip155:137:0xa:0xb", "network": "eip155:137", "credits": 1 }
    ] } }"#;
    let answer = asked("GET", "/paid", &NAVIGATION, &[("ROUTES", routes)]);
    let html = answer.body.as_deref().unwrap();
    assert!(html.contains("2 credits") && !html.contains("1 credit<"), "{html}");
}

#[test]
fn what_the_page_may_do() {
    let answer = asked("GET", "/paid", &NAVIGATION, &[]);
    let headers = &answer.headers;
    assert_eq!(headers.get("x-content-type-options"), Some("nosniff"));
    assert_eq!(headers.get("referrer-policy"), Some("no-referrer"));
    assert_eq!(headers.get("x-frame-options"), Some("DENY"));
    let policy = headers.get("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "connect-src 'self' http://127.0.0.1:3001",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.split("; ").any(|one| one == part), "{part} is not in {policy}");
    }
    assert!(!policy.contains("unsafe-inline") && !policy.contains('*'), "{policy}");
    // The style is allowed by what it is.
    let html = answer.body.as_deref().unwrap();
    let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = crate::wire::base64::encode_standard(&crate::paywall::sha256::raw(style.as_bytes()));
    assert!(policy.contains(&format!("style-src 'sha256-{hash}'")), "{policy}");
    assert!(!html.contains("style=") && !html.contains("onclick"), "inline");
    assert!(!html.contains("{{") && !html.contains("}}"), "a place is not filled");
    let said = html.split_once("id=\"data\"").unwrap();
    let after = said.1.split_once("</script>").unwrap().1;
    assert!(!said.0.contains("//") && !after.contains("//"), "something of elsewhere");
}

#[test]
fn nothing_that_is_said_is_markup() {
    let evil = r#"</script><script>alert("1")</script>'&"#;
    let routes = json!({ "GET /x": { "planId": "1", "credits": 3, "description": evil } }).to_string();
    let page = json!({ "name": evil, "texts": { "title": evil, "lead": "{credits}!" } }).to_string();
    let path = "/x?a=%3C/script%3E&b=<script>";
    let answer =
        asked("GET", path, &NAVIGATION, &[("ROUTES", &routes), ("PAGE", &page), ("OPEN_ROUTES", "[]")]);
    let html = answer.body.as_deref().unwrap();
    assert_eq!(html.matches("<script").count(), 2, "{html}");
    assert_eq!(html.matches("</script").count(), 2);
    assert!(!html.contains("alert(\"1\")</"), "{html}");
    let data = data(&answer);
    assert_eq!(data["to"], path, "as it was asked");
    assert_eq!(data["texts"]["title"], evil);
    assert!(html.contains(">3 credits!<"), "{html}");
}

#[test]
fn what_the_script_is_told() {
    let passes =
        json!({ "all": { "routes": ["GET /paid", "GET /files/:name"], "seconds": 3600 } }).to_string();
    let sold = [("PASSES", passes.as_str()), ("PASS_KEYS", "k:0123456789abcdef0123456789abcdef")];
    let shown = data(&asked("GET", "/paid?q=1", &NAVIGATION, &sold));
    assert_eq!(shown["pass"], json!({ "set": "all", "seconds": 3600 }));
    assert_eq!(
        (&shown["to"], &shown["again"], &shown["storage"]),
        (&"/paid?q=1".into(), &true.into(), &"memory".into())
    );
    let platform = "http://127.0.0.1:3001";
    let expected =
        json!({ "environment": "custom", "backend": platform, "frontend": platform, "embed": platform });
    assert_eq!(shown["platform"], expected);
    assert_eq!(shown["code"], "payment_missing");

    let shown = data(&asked("POST", "/ask", &NAVIGATION, &sold));
    assert_eq!((&shown["pass"], &shown["again"]), (&Value::Null, &false.into()), "a form is not sent again");
    let hosted = [("NVM_API_KEY", "sandbox:e30.e30.c2ln"), ("NVM_API_URL", ""), ("NVM_ENVIRONMENT", "")];
    let answer = asked("GET", "/paid", &NAVIGATION, &hosted);
    assert_eq!(data(&answer)["platform"], json!({ "environment": "sandbox" }));
    assert_eq!(data(&answer)["site"], "nevermined.app");
    assert!(
        answer
            .headers
            .get("content-security-policy")
            .unwrap()
            .contains("https://api.sandbox.nevermined.app;")
    );
    assert!(
        !answer.body.unwrap().contains(KEY.split('.').next().unwrap()) || KEY.is_empty(),
        "the seller's key"
    );
}

#[test]
fn addresses_of_its_own() {
    let get = |path: &str| asked("GET", path, &[], &[]);
    // The way back from a login: a page, whatever the address brings, and nothing is forwarded.
    let answer = get("/.well-known/payments/login?to=%2Fpaid&nvmApiKey=local:secret");
    assert_eq!((answer.status, is_page(&answer)), (200, true));
    assert_eq!(answer.headers.get("cache-control"), Some("no-store"));
    assert!(!answer.body.as_deref().unwrap().contains("secret"), "the key is in the page");
    assert_eq!(data(&answer)["to"], Value::Null);

    let answer = get("/.well-known/payments/sdk/0123abcd/core.packed.js");
    assert_eq!((answer.status, answer.file.as_deref()), (200, Some("core.packed.js")));
    assert_eq!(answer.headers.get("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(answer.headers.get("content-type"), Some("text/javascript; charset=utf-8"));

    let frame = get("/.well-known/payments/frame");
    let policy = frame.headers.get("content-security-policy").unwrap();
    assert!(policy.starts_with("sandbox ") && !policy.contains("allow-same-origin"), "{policy}");
    assert!(policy.ends_with("frame-ancestors 'self'"), "{policy}");

    for (name, path, status) in [
        ("a file of another build", "/.well-known/payments/sdk/0000/page.js", 404),
        ("a file that is none", "/.well-known/payments/sdk/0123abcd/entry.js", 404),
        ("a way out", "/.well-known/payments/sdk/0123abcd/../../login", 200),
        ("a folder", "/.well-known/payments/sdk", 404),
        ("in capitals", "/.Well-Known/payments/login", 404),
        ("more", "/.well-known/payments/login/x", 404),
    ] {
        assert_eq!(get(path).status, status, "{name}");
    }
    for path in ["login", "frame", "sdk/0123abcd/page.js"] {
        let answer = asked("POST", &format!("/.well-known/payments/{path}"), &[], &[]);
        assert_eq!((answer.status, answer.headers.get("allow")), (405, Some("GET, HEAD")), "{path}");
    }
}

#[test]
fn configuration() {
    for (name, value, key) in [
        ("no word", "maybe", "PAGE"),
        ("a list", "[]", "PAGE"),
        ("a key of nobody's", r#"{"font": "x"}"#, "PAGE.font"),
        ("no name", r#"{"name": ""}"#, "PAGE.name"),
        ("no colour", r#"{"accent": "green"}"#, "PAGE.accent"),
        ("a colour that closes the style", r##"{"accentDark": "#fff}</style>"}"##, "PAGE.accentDark"),
        ("a language", r#"{"lang": "en\"><x"}"#, "PAGE.lang"),
        ("a logo from elsewhere", r#"{"logo": "https://cdn.example/logo.svg"}"#, "PAGE.logo"),
        ("a logo from elsewhere, shorter", r#"{"logo": "//cdn.example/logo.svg"}"#, "PAGE.logo"),
        ("a logo that is a script", r#"{"logo": "data:text/html,x"}"#, "PAGE.logo"),
        ("a text of nobody's", r#"{"texts": {"greeting": "hi"}}"#, "PAGE.texts.greeting"),
        ("a text that is none", r#"{"texts": {"title": 1}}"#, "PAGE.texts.title"),
        ("kept for ever", r#"{"storage": "local"}"#, "PAGE.storage"),
    ] {
        let error =
            settings(&[files(), ("PAGE", value)]).err().unwrap_or_else(|| panic!("{name} is accepted"));
        assert_eq!(error.key, key, "{name}: {error}");
    }
    let error = settings(&[("PAGE", "on")]).err().unwrap();
    assert_eq!(
        (error.key.as_str(), error.problem.as_str()),
        ("PAGE", "must be \"off\": this build has no page")
    );

    let scripts_alone = [("PAGE_FILES", r#"{"id":"0123abcd","files":["page.js"]}"#)];
    for (name, over) in [
        ("off", &[files(), ("PAGE", "off")][..]),
        ("a build without", &[]),
        ("a build with scripts and no document", &scripts_alone),
    ] {
        let answer = responded(gate(over).open(&ask("GET", "/paid", &NAVIGATION)).1);
        assert_eq!((is_page(&answer), answer.headers.get("vary")), (false, None), "{name}");
        let answer = responded(gate(over).open(&ask("GET", "/.well-known/payments/login", &[])).1);
        assert_eq!(answer.status, 404, "{name}");
    }

    let page = r##"{"name": "Ours", "accent": "#fc0", "accentDark": "#123", "logo": "/logo.svg", "lang": "de", "storage": "session"}"##;
    let answer = asked("GET", "/paid", &NAVIGATION, &[("PAGE", page)]);
    let html = answer.body.as_deref().unwrap();
    for part in [
        "<html lang=\"de\">",
        "<title>Payment required · Ours</title>",
        "<img src=\"/logo.svg\" alt=\"\"",
        ":root{--accent:#ffcc00;--on-accent:#000}",
        "@media(prefers-color-scheme:dark){:root{--accent:#112233;--on-accent:#fff}}",
    ] {
        assert!(html.contains(part), "{part} is not in the page");
    }
    assert_eq!(data(&answer)["storage"], "session");
}

#[test]
fn every_text_is_used_and_every_use_has_a_text() {
    let texts: Value = serde_json::from_str(include_str!("texts.json")).unwrap();
    let used = [
        include_str!("page.html"),
        include_str!("view.rs"),
        include_str!("script/page.js"),
        include_str!("script/show.js"),
        include_str!("script/dom.js"),
    ]
    .concat();
    for name in texts.as_object().unwrap().keys() {
        let quoted = [format!("'{name}'"), format!("\"{name}\""), format!("{{{{{name}}}}}")];
        assert!(quoted.iter().any(|quoted| used.contains(quoted.as_str())), "{name} is not used");
    }
    for call in used.split("say('").skip(1) {
        let name = call.split('\'').next().unwrap();
        assert!(texts.get(name).is_some(), "there is no text {name}");
    }
}

#[test]
fn the_page_says_what_is_wrong_with_a_payment() {
    // A pass that came in a cookie, and is over.
    let passes = json!({ "all": { "routes": ["GET /paid"], "seconds": 60 } }).to_string();
    let sold = [("PASSES", passes.as_str()), ("PASS_KEYS", "k:0123456789abcdef0123456789abcdef")];
    let cookie = [NAVIGATION[0], NAVIGATION[1], ("cookie", "__Host-payment-pass-all=v1.k.x.yyyy")];
    let shown = data(&asked("GET", "/paid", &cookie, &sold));
    assert_eq!(shown["code"], "pass_forged");
}
