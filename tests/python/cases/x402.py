"""Tokens, the facilitator, and delegations."""

from cases.world import case
from support import check, delegation, refused, token, http as call
from payments_py.common.types import PaymentOptions
from payments_py.x402.errors import AccessTokenAlreadyUsedError
from payments_py.x402.token import decode_access_token
from payments_py.x402.types import CreateDelegationPayload, DelegationConfig, X402TokenOptions


@case("x402.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.buyer.nvm_api_key, environment="custom")
    tokens = type(w.buyer.x402).get_instance(options)
    config = X402TokenOptions(delegation_config=DelegationConfig(delegation_id=w.delegation))
    check("tokens by itself", tokens.get_x402_access_token(w.plan, token_options=config)["accessToken"])


@case("x402.get_x402_access_token")
def _(w):
    answer = decode_access_token(token(w.buyer, w.plan, w.delegation, w.agent))
    check("a token says who pays, and for what", (answer["payload"]["authorization"]["from"], answer["accepted"]["planId"]) == (w.buyer.account_address, w.plan))
    single = token(w.buyer, w.plan, w.delegation, w.agent, resource="/ask", http_verb="POST", token_version=3)
    check("one of version 3 has a nonce", bool(decode_access_token(single)["payload"]["authorization"]["nonce"]))
    refused("none without a delegation", "BCK.X402.0030", lambda: w.buyer.x402.get_x402_access_token(w.plan))
    refused("none of another's", "BCK.DELEGATION.0002", lambda: token(w.seller, w.plan, w.delegation))


@case("facilitator.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.seller.nvm_api_key, environment="custom")
    check("a facilitator by itself", type(w.seller.facilitator).get_instance(options).verify_permissions(w.required, w.token, "1").is_valid)


@case("facilitator.verify_permissions")
def _(w):
    before = w.held()
    answer = w.seller.facilitator.verify_permissions(w.required, w.token, "2")
    check("verify says who, where and for which request", (answer.is_valid, answer.payer, answer.network) == (True, w.buyer.account_address, "eip155:84532"), answer)
    check("describes the agent, and takes nothing", answer.agent_request["agentId"] == w.agent and w.held() == before, answer)


@case("facilitator.settle_permissions")
def _(w):
    w.buyer.plans.order_plan(w.plan)
    before = w.held()
    request = w.seller.facilitator.verify_permissions(w.required, w.token, "2").agent_request_id
    answer = w.seller.facilitator.settle_permissions(w.required, w.token, "2", request)
    check("settle takes what is asked", (answer.success, answer.credits_redeemed, answer.remaining_balance) == (True, "2", str(before - 2)), answer)
    single = token(w.buyer, w.plan, w.delegation, w.agent, token_version=3, resource="/ask", http_verb="POST")
    check("a single-use token is good", w.seller.facilitator.settle_permissions(w.required, single, "1").success)
    try:
        w.seller.facilitator.settle_permissions(w.required, single, "1")
        check("once", False)
    except AccessTokenAlreadyUsedError as error:
        check("once", error.code == "BCK.X402.0059", error)
    check("and the balance agrees", w.held() == before - 3)


# delegation


@case("delegation.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.buyer.nvm_api_key, environment="custom")
    check("delegations by itself", type(w.buyer.delegation).get_instance(options).list_payment_methods("erc4337"))


@case("delegation.list_payment_methods")
def _(w):
    answer = w.buyer.delegation.list_payment_methods()
    check("a card and a wallet", {method.provider for method in answer} == {"stripe", "erc4337"}, answer)
    check("or those of one provider", [method.brand for method in w.buyer.delegation.list_payment_methods("stripe")] == ["visa"])


@case("delegation.create_delegation")
def _(w):
    card = w.buyer.delegation.list_payment_methods("stripe")[0].id
    for provider, currency, more in (("erc4337", "usdc", {}), ("stripe", "usd", {"provider_payment_method_id": card, "plan_id": w.plan, "max_transactions": 2})):
        made = delegation(w.buyer, cents=500, provider=provider, currency=currency, **more)
        answer = call("GET", f"/api/v1/delegation/{made}", key=w.buyer.nvm_api_key)
        check(f"a delegation by {provider}", (answer["provider"], answer["spendingLimitCents"], answer["status"]) == (provider, "500", "Active"), answer)
    payload = CreateDelegationPayload(provider="erc4337", spending_limit_cents=0, duration_secs=60, currency="usdc")
    refused("one of nothing is none", "SANDBOX.BAD_REQUEST", lambda: w.buyer.delegation.create_delegation(payload))


@case("delegation.list_delegations")
def _(w):
    # The one method that cannot read its own contract: it iterates over the object that the platform answers with, as if
    # it were a list (contract section 4.6). The answer itself is as the contract has it.
    listing = call("GET", "/api/v1/delegation", key=w.buyer.nvm_api_key)
    check("delegations are listed", w.delegation in [item["delegationId"] for item in listing["delegations"]], listing)
    refused("which this client cannot parse", "internal", lambda: w.buyer.delegation.list_delegations(), "validation error for DelegationSummary")
