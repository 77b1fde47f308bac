//! Challenges of MPP, read and written.

use super::*;
use serde_json::json;

const SECRET: &[u8] = b"test-vector-secret";

fn encoded(value: &Value) -> String {
    base64::encode_url(value.to_string().as_bytes())
}

fn challenge(request: &Value) -> MppChallenge {
    MppChallenge {
        id: "i".into(),
        realm: "api.example.com".into(),
        method: "tempo".into(),
        intent: "charge".into(),
        request: encoded(request),
        expires: None,
        digest: None,
        description: None,
        opaque: None,
    }
}

/// The published vectors of the challenge id; request and opaque are canonical JSON.
#[test]
fn ids_are_those_of_the_published_vectors() {
    let amount = json!({ "amount": "1000000" });
    let base = || challenge(&amount);
    let expires = || Some("2025-01-06T12:00:00Z".into());
    let digest = || Some("sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE".into());
    let opaque = |value: Value| Some(encoded(&value));
    let intent = json!({ "pi": "pi_3abc123XYZ" });
    let more = json!({ "amount": "1000000", "currency": "0x1234", "recipient": "0xabcd" });
    let nested = json!({ "amount": "1000000", "currency": "0x1234", "methodDetails": { "chainId": 42431 } });
    for (name, challenge, id) in [
        ("required members only", base(), "X6v1eo7fJ76gAxqY0xN9Jd__4lUyDDYmriryOM-5FO4"),
        (
            "expires",
            MppChallenge { expires: expires(), ..base() },
            "ChPX33RkKSZoSUyZcu8ai4hhkvjZJFkZVnvWs5s0iXI",
        ),
        (
            "expires and digest",
            MppChallenge { expires: expires(), digest: digest(), ..base() },
            "m39jbWWCIfmfJZSwCfvKFFtBl0Qwf9X4nOmDb21peLA",
        ),
        ("several members", challenge(&more), "_H5TOnnlW0zduQ5OhQ3EyLVze_TqxLDPda2CGZPZxOc"),
        ("nested members", challenge(&nested), "TqujwpuDDg_zsWGINAd5XObO2rRe6uYufpqvtDmr6N8"),
        ("an empty request", challenge(&json!({})), "yLN7yChAejW9WNmb54HpJIWpdb1WWXeA3_aCx4dxmkU"),
        (
            "another realm",
            MppChallenge { realm: "payments.other.com".into(), ..base() },
            "3F5bOo2a9RUihdwKk4hGRvBvzQmVPBMDvW0YM-8GD00",
        ),
        (
            "another method",
            MppChallenge { method: "stripe".into(), ..base() },
            "o0ra2sd7HcB4Ph0Vns69gRDUhSj5WNOnUopcDqKPLz4",
        ),
        (
            "another intent",
            MppChallenge { intent: "session".into(), ..base() },
            "aAY7_IEDzsznNYplhOSE8cERQxvjFcT4Lcn-7FHjLVE",
        ),
        (
            "opaque",
            MppChallenge { opaque: opaque(intent.clone()), ..base() },
            "rxzKZ2qjXvinqCH96RORTZEPs1KXsA-0AUjrCAPFOWc",
        ),
        (
            "opaque and expires",
            MppChallenge { opaque: opaque(intent), expires: expires(), ..base() },
            "KAfoMrA4fnzS1DPWN_cUv_b3_yHxCizdp6OhH7gluMY",
        ),
        (
            "an empty opaque object",
            MppChallenge { opaque: opaque(json!({})), ..base() },
            "vb4IyH-0LdJ3s7L0QAw8jIzcZkyxksPhIvEfmHmzA9k",
        ),
        (
            "opaque with several members",
            MppChallenge { opaque: opaque(json!({ "deposit": "dep_456", "pi": "pi_3abc123XYZ" })), ..base() },
            "aKskU8sadR5ZuFbUCsIwhO-ENxuVpTw17FdwHEXsJDk",
        ),
    ] {
        assert_eq!(challenge.sealed_id(SECRET), id, "{name}");
    }
}

/// The draft does not escape pipes, so two different challenges can have one id. The members are compared, not the id.
#[test]
fn a_pipe_in_a_member_is_not_escaped() {
    let amount = json!({ "amount": "1000000" });
    let one = MppChallenge { realm: "a|b".into(), method: "lightning".into(), ..challenge(&amount) };
    let other = MppChallenge { realm: "a".into(), method: "b|lightning".into(), ..challenge(&amount) };
    assert_eq!(one.sealed_id(b"s"), other.sealed_id(b"s"));
    assert_ne!(one, other);
}

fn nevermined(request: &Value) -> MppChallenge {
    MppChallenge { method: "nevermined".into(), ..challenge(request) }
}

fn header(request: &Value) -> String {
    nevermined(request).to_header()
}

#[test]
fn a_challenge_is_read_as_it_was_written() {
    let whole = MppChallenge {
        expires: Some("2026-11-20T10:00:00.000Z".into()),
        digest: Some(super::super::body_digest(b"hello")),
        description: Some("5\" and \\ more, please".into()),
        opaque: Some(encoded(&json!({ "n": 1 }))),
        ..nevermined(&json!({ "planId": "7", "credits": "2" }))
    };
    let header = ["Bearer x, ", &whole.to_header(), ", Payment id=\"only\""].concat();
    let found = MppChallenge::parse_all(&header).unwrap();
    assert_eq!(found.first().unwrap().as_ref().unwrap(), &whole);
    let error = found.get(1).unwrap().as_ref().unwrap_err();
    assert_eq!((error.kind, &*error.field), (WireErrorKind::Missing, "challenge.realm"));
    assert_eq!(whole.expires_at(), Some(1_795_168_800));
    assert_eq!(whole.digest.as_deref(), Some("sha-256=LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="));
    assert!(MppChallenge::is_in(&header) && !MppChallenge::is_in("Bearer realm=\"Payment id=x\""));
}

#[test]
fn challenges_of_several_methods_stand_in_one_header() {
    let theirs = challenge(&json!({ "amount": "1" }));
    let ours = nevermined(&json!({ "planId": "7", "credits": 2, "agentId": "8" }));
    let header = [theirs.to_header(), ours.to_header()].join(", ");
    let found: Vec<_> =
        MppChallenge::parse_all(&header).unwrap().into_iter().map(|one| one.unwrap().nevermined()).collect();
    let charge = NeverminedCharge {
        plan_id: PlanId::parse("7", "planId").unwrap(),
        credits: 2.into(),
        agent_id: Some(AgentId::parse("8", "agentId").unwrap()),
    };
    assert_eq!(found, [Ok(None), Ok(Some(charge))]);
}

#[test]
fn malformed_challenges_name_the_parameter() {
    use WireErrorKind::{BadValue, Missing, NotBase64};
    let good = header(&json!({ "planId": "7", "credits": "2" }));
    let request = encoded(&json!({ "planId": "7", "credits": "2" }));
    let with = |from: &str, to: &str| good.replace(from, to);
    // The last letter of base64 of 1 or 2 bytes has bits that stand for nothing.
    let trailing = with(&request, "e31");
    for (name, header, kind, field) in [
        ("no id", with(r#"id="i""#, r#"id="""#), Missing, "challenge.id"),
        ("no realm", with(r#"realm="api.example.com", "#, ""), Missing, "challenge.realm"),
        ("a repeated parameter", with(r#"id="i""#, r#"id="i", ID="j""#), BadValue, "challenge.id"),
        ("a token in the place of parameters", "Payment abc==".into(), BadValue, "challenge.parameters"),
        (
            "a quote without end",
            with(r#"realm="api.example.com""#, r#"realm="api.example.com"#),
            BadValue,
            "challenge.parameters",
        ),
        ("a semicolon", with(r#"id="i","#, r#"id="i";"#), BadValue, "challenge.parameters"),
        ("padding", with(&request, "e30="), NotBase64, "challenge.request"),
        ("trailing bits", trailing, NotBase64, "challenge.request"),
        ("the other alphabet", with(&request, "+/+/"), NotBase64, "challenge.request"),
        ("no base64", with(&request, "{}"), NotBase64, "challenge.request"),
        ("a time that is none", [&good, r#", expires="soon""#].concat(), BadValue, "challenge.expires"),
        ("opaque with padding", [&good, r#", opaque="e30=""#].concat(), NotBase64, "challenge.opaque"),
    ] {
        let found = MppChallenge::parse_all(&header).unwrap();
        let error = found.first().unwrap().as_ref().unwrap_err();
        assert_eq!((error.kind, &*error.field), (kind, field), "{name}: {header}");
    }
    assert_eq!(MppChallenge::parse_all(r#"Basic realm="Payment id=x""#).unwrap(), []);
    let many = alloc::vec![good.as_str(); 17].join(", ");
    for large in [many, "x".repeat(MAX_HEADER_BYTES + 1)] {
        assert_eq!(MppChallenge::parse_all(&large).unwrap_err().kind, WireErrorKind::TooLarge);
    }
}

#[test]
fn malformed_requests_name_the_member() {
    use WireErrorKind::{BadValue, Missing, NotJson, WrongType};
    for (request, kind, field) in [
        (json!({ "credits": 1 }), Missing, "challenge.request.planId"),
        (json!({ "planId": "", "credits": 1 }), Missing, "challenge.request.planId"),
        (json!({ "planId": 1, "credits": 1 }), WrongType, "challenge.request.planId"),
        (json!({ "planId": "../x", "credits": 1 }), BadValue, "challenge.request.planId"),
        (json!({ "planId": "1" }), Missing, "challenge.request.credits"),
        (json!({ "planId": "1", "credits": 1.5 }), BadValue, "challenge.request.credits"),
        (json!({ "planId": "1", "credits": "1e3" }), BadValue, "challenge.request.credits"),
        (json!({ "planId": "1", "credits": true }), WrongType, "challenge.request.credits"),
        (json!({ "planId": "1", "credits": 1, "agentId": 2 }), WrongType, "challenge.request.agentId"),
        (json!([1]), WrongType, "challenge.request"),
    ] {
        let error = nevermined(&request).nevermined().unwrap_err();
        assert_eq!((error.kind, &*error.field), (kind, field), "{request}");
    }
    let no_json = MppChallenge { request: "AAAA".into(), ..nevermined(&json!({})) };
    assert_eq!(no_json.nevermined().unwrap_err().kind, NotJson);
    let session = MppChallenge { intent: "session".into(), ..nevermined(&json!({})) };
    assert_eq!(session.nevermined(), Ok(None));
}
