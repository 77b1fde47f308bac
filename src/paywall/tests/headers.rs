//! Rules 17 and 25: what the origin is not sent, what the buyer is not sent.

use super::*;

#[test]
fn a_client_cannot_speak_for_the_gate() {
    let gate = gate(&[]);
    for name in [
        "payment-signature",
        "Payment-Signature",
        "payment-required",
        "payment-response",
        "payment-anything",
        "x-payment",
        "X-PAYMENT",
        "x-payment-payer",
        "X-Payment-Payer",
        "x_payment_payer",
        "X_PAYMENT-credits",
        "x-payment_request_id",
        "payment_signature",
        "x-payment-",
        "x-http-method-override",
        "X-HTTP-Method",
        "x_method_override",
        "x-original-url",
        "X-Rewrite-URL",
        "X-Original-URI",
        "x-forwarded-uri",
        "x-envoy-original-path",
        "host",
        "Expect",
        "X.Payment.Payer",
        "x!payment~payer",
    ] {
        let headers = [(name, "forged"), ("x-kept", "yes"), ("authorization", "Basic eDp5")];
        let forward = forwarded(gate.open(&ask("GET", "/health", &headers)).1);
        let headers: Vec<_> = forward.headers.iter().collect();
        assert_eq!(headers, [("x-kept", "yes"), ("authorization", "Basic eDp5")], "{name}");
    }
}

#[test]
fn no_cache_keeps_what_one_buyer_paid_for() {
    for (origin, buyer) in [
        (&[][..], "private"),
        (&["no-store"], "private, no-store"),
        (&["no-cache"], "private, no-cache"),
        (&["private"], "private"),
        (&["public"], "private"),
        (&["public, max-age=60"], "private, max-age=60"),
        (&["PUBLIC, S-MaxAge=60, max-age=1"], "private, max-age=1"),
        (&["public", "max-age=60"], "private, max-age=60"),
        (&["max-age=60, proxy-revalidate, immutable"], "private, max-age=60, immutable"),
        (&[" , ,"], "private"),
    ] {
        let headers = origin.iter().map(|value| ("Cache-Control", *value)).collect();
        let head = OriginResponse { status: 200, headers };
        let (_, action) = payment(Vec::from([valid(), Event::Origin(head), burned()]));
        let delivery = delivered(action);
        assert_eq!(delivery.headers.all("cache-control").collect::<Vec<_>>(), [buyer], "{origin:?}");
        // Nor an answer that was not charged: a 304 changes what is kept of the answer that was.
        for status in [301, 304, 404, 410] {
            let headers = origin.iter().map(|value| ("Cache-Control", *value)).collect();
            let head = OriginResponse { status, headers };
            let (_, action) = payment(Vec::from([valid(), Event::Origin(head)]));
            let kept = delivered(action).headers;
            assert_eq!(kept.all("cache-control").collect::<Vec<_>>(), [buyer], "{status} {origin:?}");
        }
    }
}

#[test]
fn the_origins_headers_go_through_but_for_what_is_ours_to_say() {
    let headers = [
        ("Set-Cookie", "a=1"),
        ("set-cookie", "b=2, 3"),
        ("ETag", "\"1\""),
        ("payment-response", "forged"),
        ("payment-required", "forged"),
        ("CDN-Cache-Control", "max-age=600"),
        ("cloudflare-cdn-cache-control", "max-age=600"),
        ("surrogate-control", "max-age=600"),
    ];
    let head = OriginResponse { status: 200, headers: headers.into_iter().collect() };
    let (_, action) = payment(Vec::from([valid(), Event::Origin(head), burned()]));
    let headers = delivered(action).headers;
    let names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["set-cookie", "set-cookie", "etag", "cache-control", "payment-response"]);
    assert_eq!(headers.all("set-cookie").collect::<Vec<_>>(), ["a=1", "b=2, 3"]);
    assert_eq!(header(&headers, "payment-response").unwrap()["success"], true);
}

#[test]
fn a_body_goes_along_where_a_request_can_have_one() {
    let gate = gate(&[]);
    for (method, path, body) in [
        ("GET", "/health", false),
        ("HEAD", "/health", false),
        ("GET", "/open/x", false),
        ("POST", "/open/form", true),
    ] {
        let forward = forwarded(gate.open(&ask(method, path, &[("content-length", "5")])).1);
        assert_eq!((forward.body, forward.headers.get("content-length").is_some()), (body, body), "{method}");
    }
}

#[test]
fn a_list_of_headers_prints_names_and_no_values() {
    let headers: HeaderList = [("Cookie", "hush"), ("x-own", "quiet")].into_iter().collect();
    assert_eq!(alloc::format!("{headers:?}"), r#"["cookie", "x-own"]"#);
}
