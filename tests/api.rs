//! Every call of the API against the recorded shape (contract section 4): method, path, headers, body.

#![allow(clippy::unwrap_used)]

use payments_wasm::api::builder::{Surroundings, prepare};
use payments_wasm::api::{Auth, Call, Request, Response, plans, x402};
use payments_wasm::wire::{
    AgentId, Credits, DelegationRef, Environment, PlanId, Scheme, Secret, WireError, WireErrorKind,
};
use serde_json::Value;

/// The request of a call by a list of arguments; `-` stands for an absent one.
fn request(name: &str, list: &[&str]) -> Result<Request, WireError> {
    let given = list.iter().map(|text| if *text == "-" { Value::Null } else { Value::from(*text) }).collect();
    let surroundings = Surroundings { environment: Environment::Sandbox, random: 0 };
    Ok(prepare(name, &given, surroundings)?.request)
}

fn call(name: &str, list: &[&str]) -> Request {
    request(name, list).unwrap()
}

#[test]
fn each_call_is_what_was_recorded() {
    use Auth::{Key, Public};
    type Row = (&'static str, &'static [&'static str], &'static str, Auth, Option<&'static str>);
    let rows: [Row; 24] = [
        ("getPlan", &["1"], "GET /api/v1/protocol/plans/1", Public, None),
        (
            "getPlans",
            &[],
            "GET /api/v1/protocol/plans?page=1&offset=100&sortBy=created&sortOrder=desc",
            Key,
            None,
        ),
        (
            "getPlans",
            &["3", "5", "name", "asc", "org 1"],
            "GET /api/v1/protocol/plans?page=3&offset=5&sortBy=name&sortOrder=asc&orgId=org%201",
            Key,
            None,
        ),
        (
            "getAgentsAssociatedToAPlan",
            &["1"],
            "GET /api/v1/protocol/plans/1/agents?sortOrder=desc&page=1&pageSize=10",
            Public,
            None,
        ),
        (
            "getAgentsAssociatedToAPlan",
            &["1", "name", "asc", "3", "5"],
            "GET /api/v1/protocol/plans/1/agents?sortBy=name&sortOrder=asc&page=3&pageSize=5",
            Public,
            None,
        ),
        ("orderPlan", &["1"], "POST /api/v1/protocol/plans/1/order", Key, None),
        (
            "orderFiatPlan",
            &[r#"{"sessionType":"embedded","planId":"1"}"#],
            "POST /api/v1/fiat/stripe/payment",
            Key,
            Some(r#"{"sessionType":"embedded","planId":"1"}"#),
        ),
        ("getAgent", &["2"], "GET /api/v1/protocol/agents/2", Public, None),
        (
            "getAgentPlans",
            &["2"],
            "GET /api/v1/protocol/agents/2/plans?sortOrder=desc&page=1&pageSize=10",
            Public,
            None,
        ),
        ("createDelegation", &["{}"], "POST /api/v1/delegation/create", Key, Some("{}")),
        ("listDelegations", &[], "GET /api/v1/delegation", Key, None),
        ("listDelegations", &["true"], "GET /api/v1/delegation?accessible=true", Key, None),
        ("revokeDelegation", &["d-1"], "DELETE /api/v1/delegation/d-1", Key, None),
        ("listPaymentMethods", &[], "GET /api/v1/payment-methods", Key, None),
        ("listPaymentMethods", &["-", "visa"], "GET /api/v1/payment-methods?provider=visa", Key, None),
        (
            "listPaymentMethods",
            &["true", "visa"],
            "GET /api/v1/payment-methods?accessible=true&provider=visa",
            Key,
            None,
        ),
        (
            "updatePaymentMethod",
            &["pm_1", r#"{"alias":"a"}"#],
            "PATCH /api/v1/payment-methods/pm_1",
            Key,
            Some(r#"{"alias":"a"}"#),
        ),
        (
            "startSession",
            &[r#"{"returnUrl":"http://127.0.0.1:4000/cb"}"#],
            "POST /api/v1/widgets/session/self",
            Key,
            Some(r#"{"returnUrl":"http://127.0.0.1:4000/cb"}"#),
        ),
        ("getPermission", &["0xab"], "GET /api/v1/x402/permissions/0xab", Key, None),
        ("listPermissions", &[], "GET /api/v1/x402/permissions", Key, None),
        ("listPermissions", &["3", "5"], "GET /api/v1/x402/permissions?page=3&offset=5", Key, None),
        ("listPermissions", &["-", "5"], "GET /api/v1/x402/permissions?offset=5", Key, None),
        ("revokePermission", &["0xab"], "DELETE /api/v1/x402/permissions/0xab", Key, None),
        // More than is asked for goes nowhere.
        ("getPlan", &["1", "order"], "GET /api/v1/protocol/plans/1", Public, None),
    ];
    for (name, list, line, auth, body) in rows {
        let request = call(name, list);
        assert_eq!(format!("{} {}", request.method.as_str(), request.path), line);
        assert_eq!((request.auth, request.body.as_deref()), (auth, body), "{line}");
        let as_good_twice = !line.starts_with('P');
        assert_eq!(request.is_idempotent(), as_good_twice, "{line}");
    }
}

#[test]
fn what_is_missing_or_leads_elsewhere_is_refused_by_its_name() {
    for (name, list, field, kind) in [
        ("getPlan", &[][..], "planId", WireErrorKind::Missing),
        ("orderPlan", &["../1"], "planId", WireErrorKind::BadValue),
        ("getAgent", &["1/plans"], "agentId", WireErrorKind::BadValue),
        ("getAgent", &["%2e%2e"], "agentId", WireErrorKind::BadValue),
        ("updatePaymentMethod", &["pm/1", "{}"], "paymentMethodId", WireErrorKind::BadValue),
        ("updatePaymentMethod", &["pm_1"], "options", WireErrorKind::Missing),
        ("createDelegation", &["-"], "options", WireErrorKind::Missing),
        ("revokePermission", &[""], "permissionHash", WireErrorKind::Missing),
        ("constructor", &[], "call", WireErrorKind::BadValue),
    ] {
        let error = request(name, list).unwrap_err();
        assert_eq!((error.field.as_ref(), error.kind), (field, kind), "{name}");
    }
}

#[test]
fn the_calls_that_the_core_makes_itself_are_the_same() {
    let plan_id = PlanId::parse("1", "planId").unwrap();
    let order = plans::OrderPlan { plan_id: plan_id.clone() };
    assert_eq!(order.request(), call("orderPlan", &["1"]));
    assert_eq!(plans::get_plan(&plan_id), call("getPlan", &["1"]));
    let holder = "0x6B16D0b334824581B4a24A49Fd7fcbD6509CE5da";
    let balance = plans::GetPlanBalance { plan_id: plan_id.clone(), holder: holder.into() }.request();
    assert_eq!(
        (balance.path, balance.auth),
        (format!("/api/v1/protocol/plans/1/balance/{holder}").into(), Auth::Public)
    );
    let mut mint = x402::GetAccessToken {
        scheme: Scheme::Erc4337,
        network: "eip155:84532".into(),
        plan_id,
        agent_id: Some(AgentId::parse("2", "agentId").unwrap()),
        delegation_id: DelegationRef::parse("d-1", "delegationId").unwrap(),
        binding: None,
    };
    let request = mint.request();
    assert_eq!((request.path.as_ref(), request.auth), ("/api/v1/x402/permissions", Auth::Key));
    mint.delegation_id = DelegationRef::of_api_key("k-1", "apiKeyId").unwrap();
    assert!(mint.request().body.unwrap().ends_with(r#""delegationConfig":{"apiKeyId":"k-1"}}"#));
    mint.delegation_id = DelegationRef::of_config(Some("d-1"), Some("k-1")).unwrap().unwrap();
    assert!(
        mint.request()
            .body
            .unwrap()
            .ends_with(r#""delegationConfig":{"delegationId":"d-1","apiKeyId":"k-1"}}"#)
    );
    assert_eq!(DelegationRef::of_config(None, None).unwrap(), None);
    assert_eq!(DelegationRef::of_config(Some("d-1"), Some("")).unwrap_err().field, "apiKeyId");
    assert_eq!(
        request.body.unwrap(),
        r#"{"accepted":{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"1","extra":{"agentId":"2"}},"delegationConfig":{"delegationId":"d-1"}}"#
    );
}

#[test]
fn what_a_plan_says_of_its_credits_is_all_said_or_nothing_is() {
    let call = plans::GetPlanCredits { plan_id: PlanId::parse("1", "planId").unwrap() };
    assert_eq!(call.request(), plans::get_plan(&call.plan_id));
    let read = |credits: &str| {
        let body = [r#"{"registry":{"credits":"#, credits, "}}"].concat();
        call.parse(&Response { status: 200, body, correlation_id: None })
    };
    let plan = |fixed: bool| {
        read(&format!(
            r#"{{"amount":"100","minAmount":"2","maxAmount":5,"isRedemptionAmountFixed":{fixed}}}"#
        ))
        .unwrap()
    };
    for (asked, dynamic) in [(1, 2), (2, 2), (4, 4), (9, 5)] {
        assert_eq!(plan(false).burns(Credits::from(asked)), Credits::from(dynamic), "{asked}");
        assert_eq!(plan(true).burns(Credits::from(asked)), Credits::from(5), "{asked}");
    }
    assert_eq!(plan(false).amount, Credits::from(100));
    for wrong in [
        "null",
        "{}",
        r#"{"minAmount":"2","maxAmount":"5","isRedemptionAmountFixed":true}"#,
        r#"{"amount":"100","maxAmount":"5","isRedemptionAmountFixed":true}"#,
        r#"{"amount":"100","minAmount":"2","isRedemptionAmountFixed":true}"#,
        r#"{"amount":"100","minAmount":"2","maxAmount":"5"}"#,
        r#"{"amount":"-1","minAmount":"2","maxAmount":"5","isRedemptionAmountFixed":true}"#,
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    assert!(call.parse(&Response { status: 404, ..Response::default() }).is_err());
}

#[test]
fn a_key_and_an_organization_ride_on_the_calls_that_take_them_only() {
    let key = Secret::new("local:a.b.c");
    let lines = |request: &Request, key: Option<&Secret>, organization| {
        let headers = request.headers(key, organization).into_iter();
        headers.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>()
    };
    let json = ["accept: application/json", "content-type: application/json", "nevermined-version: 1.1"];
    let own = ["authorization: Bearer local:a.b.c"];
    let (public, private) = (call("getPlan", &["1"]), call("listDelegations", &[]));
    assert_eq!(lines(&public, Some(&key), Some("org-1")), json);
    assert_eq!(lines(&private, Some(&key), None), [&json[..], &own].concat());
    let all = [&json[..], &own, &["x-current-org-id: org-1"]].concat();
    assert_eq!(lines(&private, Some(&key), Some("org-1")), all);
    assert_eq!(lines(&private, None, Some("org-1")), json, "without a key neither does");
}
