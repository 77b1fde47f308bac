//! Rule 16 where somebody else has a say: a router that has chosen by the path as it came, the seller's own code that looks at
//! the request, a body that was read before, an address that a client says of itself.

use super::*;
use alloc::string::ToString;

const FILES: &str = r#"{
    "GET /docs/index": { "planId": "1001", "credits": 1 },
    "GET /docs/*path": { "planId": "1001", "credits": 100 },
    "GET /users/:id": { "planId": "1001", "credits": 1 },
    "GET /files/*path": { "planId": "1001", "credits": { "by": "handler", "most": 100 } },
    "POST /items%3Abatch": { "planId": "1001", "credits": 1 }
}"#;

fn library(over: &[(&str, &str)]) -> Gate {
    let bindings = Bindings { handler: true, ..Bindings::default() };
    let usual = [("ROUTES", FILES), ("OPEN_ROUTES", r#"["GET /docs/free"]"#)];
    let over: Vec<_> = over.iter().chain(&usual).copied().collect();
    knowing(Gate::new(settings_with(&over, bindings).unwrap()), &["1001"])
}

/// The result of a request: `offer`, `price URL`, `forward URL`, or status and code.
fn sum(gate: &Gate, request: &RequestHead) -> String {
    match gate.open(request).1 {
        Action::Price(question) => ["price ", &question.request.url].concat(),
        Action::Forward(forward) => ["forward ", &forward.url].concat(),
        Action::Respond(answer) => {
            // A `HEAD` has none.
            let body: Value = serde_json::from_str(&answer.body.unwrap_or("{}".into())).unwrap();
            let code = body["code"].as_str();
            code.map_or(answer.status.to_string(), |code| [&answer.status.to_string(), " ", code].concat())
        }
        other => panic!("{other:?}"),
    }
}

fn routed(method: &str, path: &str) -> RequestHead {
    RequestHead { routed: true, ..ask(method, path, &[]) }
}

#[test]
fn rule_16_a_price_function_is_asked_about_the_request_that_is_forwarded() {
    let gate = library(&[]);
    for path in [
        "/files/big",
        "//files/big",
        "/files//big",
        "/files/big/",
        "/FILES/big",
        "/files/%62ig",
        "/x/../files/./big",
    ] {
        assert_eq!(sum(&gate, &ask("GET", path, &[])), "price https://shop.example/files/big", "{path}");
    }
    let query = ask("GET", "/FILES/a%20b?n=%31", &[]);
    assert_eq!(sum(&gate, &query), "price https://shop.example/files/a%20b?n=%31");
    let forged =
        [("x-payment-payer", "0xb1"), ("x_payment_credits", "9"), ("payment-signature", "t"), ("x-own", "1")];
    let (flow, action) = gate.open(&ask("GET", "/files/big", &forged));
    let Action::Price(question) = action else { panic!("{action:?}") };
    assert_eq!(question.request.headers.iter().collect::<Vec<_>>(), [("x-own", "1")]);
    assert_eq!(flow.request(), Some(&question.request));
}

#[test]
fn rule_16_hooks_see_the_request_at_the_address_that_was_asked() {
    let gate = gate(&[("ORIGIN_URL", "https://origin.example/base")]);
    let (mut flow, _) = gate.open(&ask("POST", "//ASK/?q=1", &[("payment-signature", &token())]));
    let forward = forwarded(flow.handle_event(valid(), NOW));
    assert_eq!(forward.url, "https://origin.example/base/ask?q=1");
    let request = flow.request().unwrap();
    assert_eq!(
        (request.url.as_str(), request.method, request.body),
        ("https://shop.example/ask?q=1", Method::Post, true)
    );
    assert_eq!(request.headers.get("payment-signature"), None);
}

#[test]
fn rule_16_where_a_router_has_chosen_by_the_path_as_it_came_another_spelling_is_refused() {
    let gate = library(&[]);
    const NOT: &str = "400 path_not_canonical";
    const OFFER: &str = "402 payment_missing";
    for (method, path, expected) in [
        ("GET", "/docs/index", OFFER),
        ("HEAD", "/docs/index", "402"),
        ("HEAD", "/docs/INDEX", "400"),
        ("GET", "/docs/INDEX", NOT),
        ("GET", "/docs/index/", NOT),
        ("GET", "/docs//index", NOT),
        ("GET", "//docs/index", NOT),
        ("GET", "/Docs/index", NOT),
        ("GET", "/a/../docs/index", NOT),
        // A router decodes what is not reserved, as the gate does.
        ("GET", "/docs/%69ndex", OFFER),
        ("GET", "/docs/other", OFFER),
        ("GET", "/docs/other/", OFFER),
        ("GET", "/docs//other", NOT),
        ("GET", "/DOCS/other", NOT),
        ("GET", "/docs/a/../other", NOT),
        ("GET", "/docs/free", "forward https://origin.example/docs/free"),
        ("GET", "/docs/FREE", NOT),
        ("GET", "/docs/free/", NOT),
        ("GET", "/users/7", OFFER),
        ("GET", "/users/7/", NOT),
        ("GET", "/users/a%40b", OFFER),
        ("GET", "/users/a@b", OFFER),
        ("GET", "/users/%c3%bc", OFFER),
        ("GET", "/users/a[b]", OFFER),
        // Where the path says the price, each spelling might be another route.
        ("GET", "/files/big", "price https://shop.example/files/big"),
        ("GET", "/files/%62ig", "price https://shop.example/files/big"),
        ("GET", "/files/a%40b", NOT),
        ("GET", "/files/big/", NOT),
        ("GET", "/files//big", NOT),
        ("POST", "/items:batch", OFFER),
        ("POST", "/items%3Abatch", NOT),
    ] {
        assert_eq!(sum(&gate, &routed(method, path)), expected, "{method} {path}");
        // Nobody has chosen yet: it is matched and forwarded in one spelling.
        let unrouted = sum(&gate, &ask(method, path, &[]));
        assert!(!unrouted.starts_with("400"), "{method} {path}: {unrouted}");
    }
    let pass = library(&[("UNLISTED", "pass")]);
    assert_eq!(sum(&pass, &routed("GET", "/app//x/")), "forward https://origin.example/app/x/");
}

#[test]
fn rule_16_what_passes_unpaid_is_no_paid_route_by_the_path_that_a_router_has_chosen_by() {
    let gate = library(&[("UNLISTED", "pass")]);
    let passed = |path: &str| ["forward https://origin.example", path].concat();
    const DOUBT: &str = "400 route_in_doubt";
    for (path, expected) in [
        // A router that resolves nothing takes these for `/users/:id`, `/docs/*path` and `/files/*path`.
        ("/users/..", DOUBT),
        ("/users/.", DOUBT),
        ("/users/%2e%2E", DOUBT),
        ("/users//", DOUBT),
        ("/users/../", DOUBT),
        ("/files//", DOUBT),
        ("/files///", DOUBT),
        ("/docs/x/../../app", DOUBT),
        ("/docs/x/../../app/", DOUBT),
        ("/files/b/../../app/c", DOUBT),
        ("/Files/../app", DOUBT),
        // These it takes for none of them.
        ("/users", &passed("/users")),
        ("/users/", &passed("/users/")),
        ("/app//x/", &passed("/app/x/")),
        ("/app/../x", &passed("/x")),
        ("//users", &passed("/users")),
        ("/app/users/..", &passed("/app/")),
    ] {
        for method in ["GET", "POST"] {
            assert_eq!(sum(&gate, &routed(method, path)), expected, "{method} {path}");
        }
        let unrouted = sum(&gate, &ask("GET", path, &[]));
        assert!(unrouted.starts_with("forward "), "nobody has chosen yet: {path}: {unrouted}");
    }
}

#[test]
fn a_body_that_was_read_before_the_gate_is_a_500_and_not_charged() {
    let gate = library(&[(
        "ROUTES",
        r#"{"POST /ask": { "planId": "1001", "credits": 2 }, "GET /ask": { "planId": "1001", "credits": 1 }}"#,
    )]);
    let token = token();
    let head = |method: &str| RequestHead {
        body_gone: true,
        ..ask(method, "/ask", &[("payment-signature", &token)])
    };
    let answer = responded(gate.open(&head("POST")).1);
    assert_eq!(answer.status, 500);
    assert!(answer.body.unwrap().contains("body_already_read"));
    assert!(answer.headers.get("payment-response").is_some());
    assert!(matches!(gate.open(&head("GET")).1, Action::Call(_)), "a GET has none");
}

/// The word that an answer has on what became of the payment, and its code.
fn charged_and_code(answer: &GateResponse) -> (Option<bool>, String) {
    let receipt = answer.headers.get("payment-response").map(|text| {
        let receipt: Value = serde_json::from_slice(&base64::decode(text, 4096, "receipt").unwrap()).unwrap();
        receipt["success"].as_bool().unwrap()
    });
    let body: Value = serde_json::from_str(answer.body.as_deref().unwrap()).unwrap();
    (receipt, body["code"].as_str().unwrap().into())
}

#[test]
fn an_answer_that_failed_says_that_the_token_was_not_charged() {
    let token = token();
    let gate = library(&[]);
    for (name, method, path, code) in [
        ("a path in doubt", "GET", "/docs/%2e%2e%2f", "path_encoded_separator"),
        ("not listed", "GET", "/nothing", "not_listed"),
        ("another method", "POST", "/docs/index", "method_not_listed"),
        ("no method", "BREW", "/docs/index", "method_unknown"),
    ] {
        let answer = responded(gate.open(&ask(method, path, &[("payment-signature", &token)])).1);
        assert_eq!(charged_and_code(&answer), (Some(false), code.into()), "{name}");
        let bare = responded(gate.open(&ask(method, path, &[])).1);
        assert_eq!(charged_and_code(&bare), (None, code.into()), "{name}, without a token");
    }
    for (name, event, status, code) in [
        ("a price that could not be said", Event::Price(None), 500, "price_failed"),
        ("a body that is too large to be priced", Event::BodyTooLarge, 413, "body_too_large"),
    ] {
        let (mut flow, _) = gate.open(&ask("GET", "/files/big", &[("payment-signature", &token)]));
        let answer = responded(flow.handle_event(event, NOW));
        assert_eq!(
            (answer.status, charged_and_code(&answer)),
            (status, (Some(false), code.into())),
            "{name}"
        );
        assert!(answer.body.unwrap().contains("Nothing was charged"), "{name}");
    }
    let unknown = Gate::new(settings(&[]).unwrap());
    let (mut flow, _) = unknown.open(&ask("POST", "/ask", &[("payment-signature", &token)]));
    let answer = responded(flow.handle_event(Event::Unanswered(FacilitatorError::TimedOut), NOW));
    assert_eq!(charged_and_code(&answer), (Some(false), "plan_unknown".into()));
    let wrong = settings(&[("UNLISTED", "perhaps")]).unwrap_err();
    assert_eq!(
        charged_and_code(&GateResponse::misconfigured(&wrong)),
        (Some(false), "config_invalid".into())
    );
}

#[test]
fn who_reads_headers_only_learns_why_a_token_was_refused() {
    let refused = |event: Event| {
        let (mut flow, _) = payment(Vec::new());
        responded(flow.handle_event(event, NOW))
    };
    let table = [
        ("no token", responded(gate(&[]).open(&ask("POST", "/ask", &[])).1), None),
        (
            "no such token",
            responded(gate(&[]).open(&ask("POST", "/ask", &[("payment-signature", "garbage")])).1),
            Some("payment_malformed"),
        ),
        ("not valid", refused(answered(200, &json!({ "isValid": false }))), Some("payment_refused")),
        (
            "refused by a code",
            refused(answered(402, &json!({ "code": "BCK.X402.0005", "message": "no" }))),
            Some("BCK.X402.0005"),
        ),
    ];
    for (name, answer, error) in table {
        let header = answer.headers.get("payment-required").unwrap();
        let offer: Value = serde_json::from_slice(&base64::decode(header, 8192, "offer").unwrap()).unwrap();
        assert_eq!((answer.status, offer["error"].as_str()), (402, error), "{name}");
        assert_eq!(offer["accepts"][0]["planId"], "1001", "{name}");
    }
}

#[test]
fn an_answer_that_cannot_be_delivered_is_a_502_before_it_is_settled() {
    let (mut flow, _) = payment(Vec::from([valid()]));
    let answer = responded(flow.handle_event(Event::OriginUnusable, NOW));
    assert_eq!((answer.status, charged_and_code(&answer)), (502, (Some(false), "origin_unusable".into())));
}

#[test]
fn an_address_is_the_runtimes_or_a_headers_that_the_seller_names() {
    const LIMITED: &str = r#"{"POST /ask": { "planId": "1001", "credits": 2, "limit": { "requests": 2, "seconds": 60, "by": "address" } }}"#;
    let bindings = Bindings { state: true, ..Bindings::default() };
    for (name, header, headers, expected) in [
        (
            "no header is believed",
            "",
            &[("cf-connecting-ip", "9.9.9.9"), ("x-forwarded-for", "9.9.9.9")][..],
            "10.0.0.0/24",
        ),
        ("one that is named", "X-Real-IP", &[("x-real-ip", "192.0.2.7")], "192.0.2.0/24"),
        (
            "of a list the last",
            "x-forwarded-for",
            &[("x-forwarded-for", "9.9.9.9, 192.0.2.7")],
            "192.0.2.0/24",
        ),
        (
            "over two lines too",
            "x-forwarded-for",
            &[("x-forwarded-for", "9.9.9.9"), ("x-forwarded-for", "192.0.2.7")],
            "192.0.2.0/24",
        ),
        ("not said", "x-real-ip", &[], "10.0.0.0/24"),
    ] {
        let over = [("ROUTES", LIMITED), ("ADDRESS_HEADER", header)];
        let gate = knowing(Gate::new(settings_with(&over, bindings).unwrap()), &["1001"]);
        let request = RequestHead { address: Some("10.0.0.1".into()), ..ask("POST", "/ask", headers) };
        let Action::State(call) = gate.open(&request).1 else { panic!("{name}") };
        assert_eq!(call.shard, crate::paywall::state::shard::shard("address", expected), "{name}");
    }
    for header in ["x real ip", "forwarded", "x_real_ip"] {
        assert_eq!(settings(&[("ADDRESS_HEADER", header)]).unwrap_err().key, "ADDRESS_HEADER", "{header}");
    }
}

#[test]
fn what_passes_unpaid_beside_a_paid_route_is_said_at_start() {
    let bindings = Bindings { state: true, ..Bindings::default() };
    let warned = |routes: &str, open: &str, unlisted: &str| {
        let over = [("ROUTES", routes), ("OPEN_ROUTES", open), ("UNLISTED", unlisted)];
        settings_with(&over, bindings).unwrap().warnings().join("\n")
    };
    let docs = r#"{"GET /docs/*path": { "planId": "1001", "credits": 1 }}"#;
    let said = warned(docs, "[]", "pass");
    assert!(said.contains(r#"ROUTES["GET /docs/*path"] does not cover"#), "{said}");
    assert!(said.contains("whole path"), "{said}");
    assert_eq!(warned(docs, "[]", "deny"), "");
    for open in [r#"["GET /docs"]"#, r#"["GET /docs/"]"#, r#"["GET /:page"]"#] {
        assert!(!warned(docs, open, "pass").contains("does not cover"), "{open}");
    }
    assert!(warned(docs, r#"["POST /docs"]"#, "pass").contains("does not cover"));
    assert!(
        !warned(r#"{"GET /docs/:page": { "planId": "1001", "credits": 1 }}"#, "[]", "pass")
            .contains("does not cover")
    );
}

#[test]
fn rule_18_where_no_page_is_named_the_origins_cors_is_its_own() {
    let gate = gate(&[]);
    let own =
        [("access-control-allow-origin", "https://app.example"), ("access-control-expose-headers", "x-own")];
    let (mut flow, _) = gate.open(&ask("GET", "/health", &[("origin", "https://app.example")]));
    let open = Event::Origin(OriginResponse { status: 200, headers: own.into_iter().collect() });
    assert_eq!(delivered(flow.handle_event(open, NOW)).headers.iter().collect::<Vec<_>>(), own);
}
