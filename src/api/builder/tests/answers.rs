//! Results of responses (contract section 4), and which of them are errors (section 1.4).

use super::*;

#[test]
fn answers_have_the_sdks_shapes() {
    let wallet = json!({ "hash": "local:k", "userId": "u", "userWallet": ADDRESS, "alreadyMember": false });
    let customer = json!({ "hash": "local:k", "nvmApiKey": "sealed", "userId": "u", "userWallet": ADDRESS, "isCustomer": true, "customerRecorded": true });
    let settled = json!({ "success": true, "transaction": null, "creditsRedeemed": 2, "remainingBalance": MAX, "orderTx": "0x1" });
    for (name, status, body, expected) in [
        (
            "registerPlan",
            201,
            json!({ "planId": MAX, "txHash": "0x1" }),
            json!({ "planId": MAX, "txHash": "0x1" }),
        ),
        (
            "registerAgent",
            201,
            json!({ "success": true, "data": { "agentId": "2", "x": 1 } }),
            json!({ "agentId": "2" }),
        ),
        (
            "registerAgentAndPlan",
            201,
            json!({ "txHash": "0x1", "data": { "agentId": "2", "planId": "1" } }),
            json!({ "agentId": "2", "planId": "1", "txHash": "0x1" }),
        ),
        (
            "getPlanBalance",
            200,
            json!({ "balance": 100, "isSubscriber": true }),
            json!({ "balance": "100", "isSubscriber": true }),
        ),
        (
            "verifyPermissions",
            200,
            json!({ "isValid": false, "invalidReason": "r" }),
            json!({ "isValid": false, "invalidReason": "r" }),
        ),
        (
            "settlePermissions",
            200,
            settled.clone(),
            json!({ "success": true, "transaction": "", "network": "", "creditsRedeemed": "2", "remainingBalance": MAX, "orderTx": "0x1" }),
        ),
        (
            "settleCredential",
            200,
            json!({ "success": true, "transaction": "0x1", "network": "n", "creditsRedeemed": null, "paymentReceipt": "p" }),
            json!({ "success": true, "transaction": "0x1", "network": "n", "paymentReceipt": "p" }),
        ),
        (
            "createMember",
            201,
            json!({ "walletResult": wallet }),
            json!({ "hash": "local:k", "nvmApiKey": "local:k", "userId": "u", "userWallet": ADDRESS, "alreadyMember": false }),
        ),
        (
            "onboardCustomer",
            201,
            json!({ "walletResult": customer }),
            json!({ "consentRequired": false, "nvmApiKey": "local:k", "userId": "u", "userWallet": ADDRESS, "isCustomer": true, "customerRecorded": true }),
        ),
        // Whoever is asked first is not told of, whatever came along.
        ("onboardCustomer", 202, json!({ "walletResult": customer }), json!({ "consentRequired": true })),
        (
            "onboardCustomer",
            200,
            json!({ "walletResult": { "consentRequired": true, "userWallet": ADDRESS } }),
            json!({ "consentRequired": true }),
        ),
        (
            "getMembers",
            200,
            json!({ "members": [], "totalResults": 3 }),
            json!({ "members": [], "total": 3 }),
        ),
        ("getMyMemberships", 200, json!([{ "orgId": "o" }]), json!([{ "orgId": "o" }])),
        ("getMyMemberships", 200, json!({}), json!([])),
        (
            "getOrganizationActivity",
            200,
            json!({ "items": [1], "total": 1, "x": 2 }),
            json!({ "items": [1], "total": 1 }),
        ),
        ("getOrganizationActivity", 200, json!({}), json!({ "items": [], "total": 0 })),
        (
            "getDeploymentInfo",
            200,
            json!({ "deployment": { "version": "1", "contracts": { "A": ADDRESS } } }),
            json!({ "version": "1", "contracts": { "A": ADDRESS } }),
        ),
        (
            "issueChallenge",
            201,
            json!({ "challenge": "Payment x", "id": "i" }),
            json!({ "challenge": "Payment x", "id": "i" }),
        ),
    ] {
        assert_eq!(answered(name, status, &body).unwrap(), Some(expected), "{name} {body}");
    }
    for name in [
        "mintPlanCredits",
        "getPlan",
        "getOrder",
        "addPlanToAgent",
        "startSimulationRequest",
        "connectStripeAccount",
    ] {
        assert_eq!(answered(name, 200, &json!({ "success": true })).unwrap(), None, "{name}");
    }
}

#[test]
fn a_yes_without_what_it_has_to_say_is_garbled() {
    for (name, body) in [
        ("registerPlan", json!({ "success": true })),
        ("registerPlan", json!({ "planId": 7 })),
        ("registerPlan", json!([])),
        ("registerAgent", json!({ "agentId": "2" })),
        ("registerAgentAndPlan", json!({ "data": { "agentId": "2" } })),
        ("getPlanBalance", json!({})),
        ("getPlanBalance", json!({ "balance": -1 })),
        ("verifyPermissions", json!({ "isValid": "yes" })),
        ("createMember", json!({ "walletResult": { "nvmApiKey": "sealed" } })),
        ("onboardCustomer", json!({ "walletResult": { "nvmApiKey": "sealed" } })),
        ("onboardCustomer", json!({})),
        ("getMembers", json!({})),
        ("getDeploymentInfo", json!({ "deployment": {} })),
        ("createOrder", json!({ "status": "requires_payment" })),
        ("issueChallenge", json!({ "challenge": "Payment x" })),
        ("getMppAccessToken", json!({})),
        ("createDelegation", json!({})),
    ] {
        let error = answered(name, 200, &body).unwrap_err();
        assert_eq!(
            (error.kind, error.code.as_str()),
            (ApiErrorKind::Garbled, "garbled_answer"),
            "{name} {body}"
        );
    }
    let text = Response { status: 200, body: "<html>".into(), correlation_id: None };
    assert_eq!(answer("registerPlan", &text).unwrap_err().kind, ApiErrorKind::Garbled);
}

#[test]
fn what_moves_something_and_may_have_happened_says_so() {
    let refused = json!({ "code": "BCK.X402.0005", "message": "m", "hint": "h" });
    for (name, status, body, code, retryable) in [
        ("settlePermissions", 402, &refused, "BCK.X402.0005", false),
        ("settlePermissions", 503, &refused, "settlement_outcome_unknown", false),
        ("settlePermissions", 408, &json!({}), "settlement_outcome_unknown", false),
        ("settlePermissions", 429, &json!({}), "http_429", true),
        ("settlePermissions", 200, &json!({}), "settlement_outcome_unknown", false),
        ("settleCredential", 500, &json!({}), "settlement_outcome_unknown", false),
        ("mintPlanCredits", 502, &json!({}), "outcome_unknown", false),
        ("burnCredits", 500, &json!({}), "outcome_unknown", false),
        ("redeemCredits", 403, &json!({ "code": "BCK.AUTH.0003" }), "BCK.AUTH.0003", false),
        ("orderPlan", 500, &json!({}), "purchase_outcome_unknown", false),
        ("verifyPermissions", 503, &json!({}), "http_503", true),
        (
            "registerPlan",
            500,
            &json!({ "code": "BCK.COMMON.0029", "retryable": true }),
            "BCK.COMMON.0029",
            false,
        ),
        ("registerPlan", 429, &json!({}), "http_429", true),
        ("getPlan", 503, &json!({ "retryable": false }), "http_503", false),
    ] {
        let repeatable = matches!(name, "verifyPermissions" | "getPlan" | "settleCredential");
        let reported = error(name, answered(name, status, body).unwrap_err(), repeatable);
        assert_eq!(
            (reported.code.as_str(), reported.retryable, reported.status),
            (code, retryable, status),
            "{name} {status}"
        );
        assert_eq!(reported.correlation_id.as_deref(), Some("c"));
    }
    for (name, in_time, repeatable, code, retryable) in [
        ("getPlan", true, true, "network_error", true),
        ("getPlan", false, true, "platform_timeout", true),
        ("registerPlan", true, false, "network_error", false),
        ("settlePermissions", true, false, "settlement_outcome_unknown", false),
        ("settleCredential", false, true, "settlement_outcome_unknown", false),
        ("burnCredits", false, false, "outcome_unknown", false),
    ] {
        let reported = no_answer(name, in_time, repeatable);
        assert_eq!(
            (reported.code.as_str(), reported.retryable, reported.status),
            (code, retryable, 0),
            "{name} {in_time}"
        );
    }
}
