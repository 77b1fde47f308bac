//! Arguments that are refused before anything is sent.

use super::*;

#[test]
fn what_is_wrong_is_named_and_nothing_is_sent() {
    let mint = |amount: Value| json!({ "planId": "1", "creditsAmount": amount, "creditsReceiver": ADDRESS });
    let over = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
    let settle = |more: Value| {
        let mut given = json!({ "paymentRequired": {}, "x402AccessToken": "t" });
        merge(&mut given, &more);
        given
    };
    let token = |options: Value| json!({ "planId": "1", "tokenOptions": options });
    let rows = vec![
        // Amounts: whole, not below zero, exact, at most a uint256.
        ("mintPlanCredits", mint(json!(1.5)), "creditsAmount"),
        ("mintPlanCredits", mint(json!(-1)), "creditsAmount"),
        ("mintPlanCredits", mint(json!("-1")), "creditsAmount"),
        ("mintPlanCredits", mint(json!(9_007_199_254_740_992_u64)), "creditsAmount"),
        ("mintPlanCredits", mint(json!(1e21)), "creditsAmount"),
        ("mintPlanCredits", mint(json!("1e3")), "creditsAmount"),
        ("mintPlanCredits", mint(json!(over)), "creditsAmount"),
        ("mintPlanCredits", mint(json!(null)), "creditsAmount"),
        ("mintPlanCredits", mint(json!(true)), "creditsAmount"),
        ("mintPlanCredits", mint(json!("")), "creditsAmount"),
        (
            "mintPlanExpirable",
            json!({ "planId": "1", "creditsAmount": 1, "creditsReceiver": ADDRESS, "creditsDuration": 0.5 }),
            "creditsDuration",
        ),
        ("createOrder", json!({ "amountMinor": 34.37 }), "amountMinor"),
        ("createOrder", json!({ "amountMinor": "9007199254740992" }), "amountMinor"),
        ("createOrder", json!({}), "amountMinor"),
        ("createOrder", json!({ "amountMinor": 100, "lineItems": {} }), "lineItems"),
        (
            "createDelegation",
            json!({ "provider": "erc4337", "spendingLimitCents": 0.5, "durationSecs": 60, "currency": "usdc" }),
            "spendingLimitCents",
        ),
        (
            "createDelegation",
            json!({ "provider": "erc4337", "spendingLimitCents": 1, "durationSecs": 60 }),
            "currency",
        ),
        ("trackAgentSubTask", json!({ "agentRequestId": "r", "creditsToRedeem": 0.5 }), "creditsToRedeem"),
        (
            "issueChallenge",
            json!({ "planId": "1", "credits": " 5 ", "resource": "/", "httpVerb": "GET" }),
            "credits",
        ),
        (
            "issueChallenge",
            json!({ "planId": "1", "credits": "1_0", "resource": "/", "httpVerb": "GET" }),
            "credits",
        ),
        // Ids and addresses lead nowhere else.
        ("addPlanToAgent", json!({ "planId": "../x", "agentId": "2" }), "planId"),
        ("addPlanToAgent", json!({ "planId": "1" }), "agentId"),
        ("getOrder", json!({ "orderId": "o?x" }), "orderId"),
        ("getOrganizationActivity", json!({ "orgId": "o/1" }), "orgId"),
        ("getOrganizationActivity", json!({ "orgId": "o", "page": 0.5 }), "page"),
        (
            "mintPlanCredits",
            json!({ "planId": "1", "creditsAmount": 1, "creditsReceiver": "0x1" }),
            "creditsReceiver",
        ),
        (
            "redeemCredits",
            json!({ "agentRequestId": "r", "planId": "1", "redeemFrom": 7, "creditsAmount": 1 }),
            "redeemFrom",
        ),
        (
            "registerAgent",
            json!({ "agentMetadata": {}, "agentApi": {}, "paymentPlans": "1" }),
            "paymentPlans",
        ),
        (
            "registerAgent",
            json!({ "agentMetadata": {}, "agentApi": {}, "paymentPlans": ["a b"] }),
            "paymentPlans",
        ),
        (
            "registerAgent",
            json!({ "agentMetadata": "n", "agentApi": {}, "paymentPlans": [] }),
            "agentMetadata",
        ),
        // Terms of plans.
        ("registerPlan", plan(&json!({ "accessLimit": "both" })), "accessLimit"),
        ("registerPlan", plan(&json!({ "nonce": 1.5 })), "nonce"),
        ("registerPlan", plan(&json!({ "planMetadata": null })), "planMetadata"),
        ("registerPlan", plan(&json!({ "priceConfig": { "amounts": [1.5] } })), "priceConfig.amounts"),
        ("registerPlan", plan(&json!({ "priceConfig": { "amounts": "5" } })), "priceConfig.amounts"),
        ("registerPlan", plan(&json!({ "priceConfig": { "amounts": null } })), "priceConfig.amounts"),
        ("registerPlan", plan(&json!({ "priceConfig": { "receivers": ["0x1"] } })), "priceConfig.receivers"),
        ("registerPlan", plan(&json!({ "priceConfig": { "receivers": [] } })), "priceConfig.receivers"),
        ("registerPlan", plan(&json!({ "creditsConfig": { "amount": -1 } })), "creditsConfig.amount"),
        (
            "registerPlan",
            plan(&json!({ "creditsConfig": { "durationSecs": null } })),
            "creditsConfig.durationSecs",
        ),
        (
            "registerCreditsPlan",
            plan(&json!({ "creditsConfig": { "durationSecs": 60 } })),
            "creditsConfig.durationSecs",
        ),
        (
            "registerCreditsTrialPlan",
            plan(&json!({ "creditsConfig": { "minAmount": 6 } })),
            "creditsConfig.minAmount",
        ),
        ("registerTimePlan", plan(&json!({})), "creditsConfig.durationSecs"),
        (
            "registerTimeTrialPlan",
            plan(&json!({ "creditsConfig": { "durationSecs": 60, "isRedemptionAmountFixed": true } })),
            "creditsConfig.isRedemptionAmountFixed",
        ),
        ("registerAgentAndPlan", plan(&json!({ "agentApi": {} })), "agentMetadata"),
        (
            "registerAgentAndPlan",
            plan(&json!({ "agentMetadata": {}, "agentApi": {}, "accessLimit": "x" })),
            "accessLimit",
        ),
        // A settle: an amount, or a margin of what a request came to.
        ("settlePermissions", settle(json!({ "x402AccessToken": "" })), "x402AccessToken"),
        ("settlePermissions", settle(json!({ "marginPercent": 10.1 })), "marginPercent"),
        ("settlePermissions", settle(json!({ "marginPercent": -0.1 })), "marginPercent"),
        ("settlePermissions", settle(json!({ "marginPercent": "1" })), "marginPercent"),
        (
            "settlePermissions",
            settle(json!({ "marginPercent": 1, "maxAmount": 1, "agentRequestId": "r" })),
            "marginPercent",
        ),
        ("settlePermissions", settle(json!({ "batch": "yes" })), "batch"),
        ("settlePermissions", settle(json!({ "maxAmount": "" })), "maxAmount"),
        ("verifyPermissions", json!({ "x402AccessToken": "t" }), "paymentRequired"),
        ("finishSimulationRequest", json!({ "agentRequestId": "r", "marginPercent": 11 }), "marginPercent"),
        // A token for MPP: from a delegation, and bound to nothing.
        ("getMppAccessToken", json!({ "planId": "1" }), "delegationConfig"),
        ("getMppAccessToken", token(json!({ "delegationConfig": {} })), "delegationId"),
        (
            "getMppAccessToken",
            token(json!({ "delegationConfig": { "delegationId": "d" }, "tokenVersion": 2 })),
            "tokenVersion",
        ),
        (
            "getMppAccessToken",
            token(json!({ "delegationConfig": { "delegationId": "d" }, "resource": {} })),
            "resource",
        ),
        (
            "getMppAccessToken",
            token(json!({ "delegationConfig": { "delegationId": "d" }, "scheme": "x" })),
            "scheme",
        ),
        ("getMppAccessToken", json!({ "planId": "1", "tokenOptions": "x" }), "tokenOptions"),
        ("createMember", json!({ "userId": "" }), "userId"),
        ("onboardCustomer", json!({}), "email"),
        ("getPlans", json!({ "page": 1.5 }), "page"),
        ("getAgentPlans", json!({ "agentId": "2", "pageSize": -1 }), "pageSize"),
        ("orderFiatPlan", json!({ "planId": "[object Object]" }), "planId"),
        ("noSuchCall", json!({}), "call"),
        ("getPlan", json!([1_152_921_504_606_846_976_u64]), "planId"),
        ("getPlan", json!("1"), "arguments"),
        ("getPlan", json!(["../1"]), "planId"),
    ];
    for (name, given, field) in rows {
        let error = prepare(name, &given, HERE).map(|call| shown(&call.request)).unwrap_err();
        assert_eq!(error.field, field, "{name} {given}");
    }
}

#[test]
fn a_margin_without_a_request_goes_with_an_amount() {
    let given = json!({ "paymentRequired": {}, "x402AccessToken": "t", "marginPercent": 10, "maxAmount": 1 });
    assert!(prepared("settlePermissions", &given).request.body.unwrap().contains("marginPercent"));
}
