"""The official Python client, as published, against the sandbox.

Run it with SANDBOX_URL set to a running sandbox. It prints one line for each check, `ok - ...` or `not ok - ...`, and
exits with 1 if one of them is not ok.
"""

import base64
import json
import sys
import urllib.request

from support import DOLLAR, URL, USDC, balance, check, delegation, finish, http, login, refused, token
from payments_py.common.types import (
    AgentAPIAttributes,
    AgentMetadata,
    PlanMetadata,
)
from payments_py.plans import (
    get_dynamic_credits_config,
    get_erc20_price_config,
    get_expirable_duration_config,
    get_fiat_price_config,
    get_fixed_credits_config,
    get_free_price_config,
    get_pay_as_you_go_credits_config,
)
from payments_py.x402.errors import AccessTokenAlreadyUsedError
from payments_py.x402.helpers import build_payment_required
from payments_py.x402.resolve_scheme import resolve_scheme
from payments_py.x402.token import decode_access_token, encode_access_token


def main():
    seller, buyer = login("Seller"), login("Buyer")
    me = buyer.account_address
    check("an account's address is in its key", me.startswith("0x") and me != seller.account_address, me)

    check("deployment info has every contract", seller.contracts.pay_as_you_go_template.startswith("0x"))

    print("# a credits plan, from registration to receipt")
    price = get_erc20_price_config(10 * DOLLAR, USDC, seller.account_address)
    plan = seller.plans.register_credits_plan(
        PlanMetadata(name="Hundred questions"), price, get_dynamic_credits_config(100, 1, 5)
    )["planId"]
    agent = seller.agents.register_agent(
        AgentMetadata(name="Oracle", description="Answers"),
        AgentAPIAttributes(token="seller's own secret"),
        [plan],
    )["agentId"]
    check("ids are decimal", plan.isdigit() and agent.isdigit(), (plan, agent))

    got = buyer.plans.get_plan(plan)
    check("get_plan: id", got["id"] == plan, got)
    check("get_plan: owner", got["registry"]["owner"] == seller.account_address, got["registry"])
    check("get_plan: price", got["registry"]["price"]["amounts"] == ["10000000"], got["registry"])
    check("get_plan: crypto", got["registry"]["price"]["isCrypto"] is True, got["registry"])
    check("get_plan: name", got["metadata"]["main"]["name"] == "Hundred questions", got["metadata"])
    check("resolve_scheme finds a crypto plan", resolve_scheme(buyer, plan) == "nvm:erc4337")
    refused("an unknown plan is a 404", "404", lambda: buyer.plans.get_plan("7"))

    found = buyer.agents.get_agent(agent)
    check("get_agent: id and plans", found["id"] == agent and found["registry"]["plans"] == [plan], found)
    check("get_agent keeps the seller's secrets", "secret" not in json.dumps(found), found)
    listed = seller.plans.get_user_plans()
    check("my plans", listed["total"] == 1 and listed["plans"][0]["id"] == plan, listed)
    check("not my plans", buyer.plans.get_user_plans()["total"] == 0)
    check("my agents", seller.agents.get_user_agents()["agents"][0]["id"] == agent)
    check("agents of a plan", buyer.plans.get_agents_associated_to_plan(plan)["agents"][0]["id"] == agent)
    on = buyer.agents.get_agent_plans(agent)["plans"]
    check("plans of an agent", [item["planId"] for item in on] == [plan] and on[0]["name"], on)
    renamed = seller.agents.update_agent_metadata(
        agent, AgentMetadata(name="Sibyl"), AgentAPIAttributes()
    )
    check("update_agent_metadata", renamed["success"] and buyer.agents.get_agent(agent)["metadata"]["main"]["name"] == "Sibyl")
    refused("another's agent cannot be changed", "BCK.PROTOCOL.0016", lambda: buyer.agents.add_plan_to_agent(plan, agent))

    before = buyer.plans.get_plan_balance(plan)
    check("no credits before an order", (before.balance, before.is_subscriber) == (0, False), before)
    check("a credit's price", before.price_per_credit == 0.1, before)
    ordered = buyer.plans.order_plan(plan)
    check("order_plan", ordered["success"] is True and ordered["txHash"].startswith("0x"), ordered)
    after = buyer.plans.get_plan_balance(plan)
    check("credits after an order", (after.balance, after.is_subscriber) == (100, True), after)
    check("anyone may read a balance", balance(seller, plan, me) == 100)

    spend = delegation(buyer)
    listing = http("GET", "/api/v1/delegation", key=buyer.nvm_api_key)
    check("delegations are listed", listing["delegations"][0]["delegationId"] == spend, listing)
    methods = buyer.delegation.list_payment_methods()
    check("a wallet is a payment method", any(m.provider == "erc4337" and m.id == me for m in methods), methods)
    cards = buyer.delegation.list_payment_methods(provider="stripe")
    check("methods by provider", [m.provider for m in cards] == ["stripe"], cards)

    paid = token(buyer, plan, spend, agent)
    decoded = decode_access_token(paid)
    check("a token says who pays", decoded["payload"]["authorization"]["from"] == me, decoded)
    check("a token says for what", decoded["accepted"]["planId"] == plan, decoded)
    keys = [key["id"] for key in decoded["payload"]["authorization"]["sessionKeys"]]
    check("a token has its session keys", keys == ["order", "redeem"], keys)
    refused("no token without a delegation", "BCK.X402.0030", lambda: buyer.x402.get_x402_access_token(plan))

    required = build_payment_required(plan, endpoint="/ask", agent_id=agent, http_verb="POST", environment="custom")
    verified = seller.facilitator.verify_permissions(required, paid, "2")
    check("verify", verified.is_valid and verified.payer == me, verified)
    check("verify names network and request", verified.network == "eip155:84532" and verified.agent_request_id, verified)
    check("verify describes the agent", verified.agent_request["agentId"] == agent, verified)
    check("verify takes nothing", balance(buyer, plan, me) == 100)
    settled = seller.facilitator.settle_permissions(required, paid, "2", verified.agent_request_id)
    check("settle", settled.success and settled.transaction.startswith("0x"), settled)
    check("settle takes exactly what is asked", (settled.credits_redeemed, settled.remaining_balance) == ("2", "98"), settled)
    check("settle says who paid, and where", (settled.payer, settled.network) == (me, "eip155:84532"), settled)
    check("settle bought nothing", settled.order_tx is None, settled)
    check("the balance is lower by that", balance(buyer, plan, me) == 98)
    again = seller.facilitator.settle_permissions(required, paid, "1")
    check("a token is good until it expires", again.remaining_balance == "97", again)
    check("no maxAmount takes the plan's most", seller.facilitator.settle_permissions(required, paid).credits_redeemed == "5")
    check("more than the plan's most takes the most", seller.facilitator.settle_permissions(required, paid, "9").credits_redeemed == "5")
    check("verify accepts 0", seller.facilitator.verify_permissions(required, paid, "0").is_valid)

    print("# tokens that are not good")
    rebuilt = encode_access_token(json.loads(json.dumps(decoded)))
    check("a rebuilt token is the same token", seller.facilitator.verify_permissions(required, rebuilt, "1").is_valid)
    padded = base64.b64encode(json.dumps(decoded).encode()).decode()
    check("in standard base64 as well", seller.facilitator.verify_permissions(required, padded, "1").is_valid)
    stolen = json.loads(json.dumps(decoded))
    stolen["payload"]["authorization"]["from"] = seller.account_address
    forged = json.loads(json.dumps(decoded))
    forged["payload"]["signature"] = "0x" + "00" * 65
    for name, bad in (("an altered token", stolen), ("a forged token", forged)):
        for verb, call in (("verify", seller.facilitator.verify_permissions), ("settle", seller.facilitator.settle_permissions)):
            refused(f"{verb} refuses {name}", "BCK.X402.0005", lambda: call(required, encode_access_token(bad), "1"), "HTTP 402")
    for garbage in ("garbage", "e30", "AAAA", "ü"):
        refused(f"garbage is refused: {garbage}", "BCK.X402.0010", lambda: seller.facilitator.verify_permissions(required, garbage, "1"), "HTTP 400")
    elsewhere = build_payment_required("7", endpoint="/ask", environment="custom")
    refused("a token for another plan", "BCK.X402.0013", lambda: seller.facilitator.verify_permissions(elsewhere, paid, "1"))
    card_required = build_payment_required(plan, scheme="nvm:card-delegation", network="stripe")
    refused("a token of another scheme", "BCK.X402.0013", lambda: seller.facilitator.settle_permissions(card_required, paid, "1"))
    check("none of that took a credit", balance(buyer, plan, me) == 87)

    print("# automatic top-up")
    poor = login("Poor")
    small = token(poor, plan, delegation(poor, cents=1000))
    topped = seller.facilitator.settle_permissions(required, small, "3")
    check("settle tops up when credits are short", topped.order_tx and topped.remaining_balance == "97", topped)
    seller.facilitator.settle_permissions(required, small, "5")
    for _ in range(18):
        seller.facilitator.settle_permissions(required, small, "5")
    check("and down to what is left", balance(poor, plan, poor.account_address) == 2)
    verified = seller.facilitator.verify_permissions(required, small, "5")
    check("verify says no when nothing covers it", verified.is_valid is False and "spending limit" in verified.invalid_reason, verified)
    refused("settle says no as well", "BCK.CREDITS.0003", lambda: seller.facilitator.settle_permissions(required, small, "5"), "spending limit")
    check("a refused settle leaves nothing half done", balance(poor, plan, poor.account_address) == 2)
    once = token(poor, plan, delegation(poor, max_transactions=1))
    check("a fresh delegation covers it again", seller.facilitator.settle_permissions(required, once, "5").order_tx)
    bound = delegation(poor, plan_id=plan)
    free = seller.plans.register_credits_plan(
        PlanMetadata(name="Free"), get_free_price_config(), get_dynamic_credits_config(10, 1, 2)
    )["planId"]
    refused("a delegation for one plan is for no other", "BCK.X402.0014", lambda: token(poor, free, bound))
    refused("another's delegation", "BCK.DELEGATION.0002", lambda: token(buyer, plan, bound))

    print("# other kinds of plans")
    gratis = build_payment_required(free, environment="custom")
    nobody = login("Nobody")
    freely = token(nobody, free, delegation(nobody, cents=1))
    check("a free plan verifies with no credits", seller.facilitator.verify_permissions(gratis, freely, "1").is_valid)
    settled = seller.facilitator.settle_permissions(gratis, freely, "1")
    check("and orders itself", settled.order_tx and (settled.credits_redeemed, settled.remaining_balance) == ("1", "9"), settled)

    fixed = seller.plans.register_credits_plan(
        PlanMetadata(name="Fixed"), price, get_fixed_credits_config(20, 4)
    )["planId"]
    buyer.plans.order_plan(fixed)
    settled = seller.facilitator.settle_permissions(
        build_payment_required(fixed, environment="custom"), token(buyer, fixed, spend), "1"
    )
    check("a fixed plan takes its amount", (settled.credits_redeemed, settled.remaining_balance) == ("4", "16"), settled)

    trial = seller.plans.register_credits_trial_plan(
        PlanMetadata(name="Trial"), get_free_price_config(), get_fixed_credits_config(3)
    )["planId"]
    check("a trial can be ordered", buyer.plans.order_plan(trial)["success"])
    refused("a trial can be ordered once", "BCK.COMMON.0027", lambda: buyer.plans.order_plan(trial))

    day = seller.plans.register_time_plan(PlanMetadata(name="Day"), price, get_expirable_duration_config(86_400))["planId"]
    buyer.plans.order_plan(day)
    held = buyer.plans.get_plan_balance(day)
    check("a time plan is of time", held.plan_type == "time" and held.is_subscriber, held)
    required_day, token_day = build_payment_required(day, environment="custom"), token(buyer, day, spend)
    settled = seller.facilitator.settle_permissions(required_day, token_day, "5")
    check("a time plan takes nothing while it lasts", (settled.credits_redeemed, settled.remaining_balance) == ("0", "1"), settled)

    payg_price = seller.plans.get_pay_as_you_go_price_config(DOLLAR, seller.account_address, USDC)
    payg = seller.plans.register_credits_plan(
        PlanMetadata(name="Pay as you go"), payg_price, get_pay_as_you_go_credits_config()
    )["planId"]
    check("a pay-as-you-go plan names its template", buyer.plans.get_plan(payg)["registry"]["price"]["templateAddress"] == payg_price.template_address)
    settled = seller.facilitator.settle_permissions(
        build_payment_required(payg, environment="custom"), token(buyer, payg, delegation(buyer)), "1"
    )
    check("pay as you go buys and takes one", settled.order_tx and (settled.credits_redeemed, settled.remaining_balance) == ("1", "0"), settled)

    print("# card plans")
    card = seller.plans.register_credits_plan(
        PlanMetadata(name="By card"), get_fiat_price_config(5 * DOLLAR, seller.account_address), get_dynamic_credits_config(50, 1, 5)
    )["planId"]
    check("a card plan names its provider", buyer.plans.get_plan(card)["metadata"]["plan"]["fiatPaymentProvider"] == "stripe")
    check("resolve_scheme finds a card plan", resolve_scheme(buyer, card) == "nvm:card-delegation")
    refused(
        "a card plan for less than 1.00",
        "BCK.PROTOCOL.0047",
        lambda: seller.plans.register_credits_plan(
            PlanMetadata(name="Cents"), get_fiat_price_config(999, seller.account_address), get_dynamic_credits_config(1)
        ),
    )
    refused("a card plan is not ordered from a wallet", "BCK.PROTOCOL.0005", lambda: buyer.plans.order_plan(card))
    refused("a wallet plan has no checkout", "BCK.STRIPE.0009", lambda: buyer.plans.order_fiat_plan(plan))
    link = buyer.plans.order_fiat_plan(card)["result"]["checkoutLink"]
    check("a checkout link", link.startswith(URL), link)
    urllib.request.urlopen(urllib.request.Request(link, method="POST", data=b"")).read()
    check("paying there brings the credits", balance(buyer, card, me) == 50)
    urllib.request.urlopen(urllib.request.Request(link, method="POST", data=b"")).read()
    check("paying there twice brings them once", balance(buyer, card, me) == 50)
    by_card = delegation(poor, cents=600, provider="stripe", currency="usd", provider_payment_method_id=poor.delegation.list_payment_methods(provider="stripe")[0].id)
    carded = token(poor, card, by_card, scheme="nvm:card-delegation", network="stripe")
    check("a card token carries a JWT", decode_access_token(carded)["payload"]["token"].count(".") == 2)
    stripe = build_payment_required(card, scheme="nvm:card-delegation", network="stripe")
    check("verify by card names the provider", seller.facilitator.verify_permissions(stripe, carded, "5").network == "stripe")
    settled = seller.facilitator.settle_permissions(stripe, carded, "5")
    check("settle by card tops up", settled.order_tx and settled.remaining_balance == "45", settled)

    print("# single-use tokens")
    single = token(buyer, plan, spend, agent, resource="/ask", http_verb="POST", token_version=3)
    check("a v3 token has a nonce and its resource", decode_access_token(single)["resource"]["url"] == "/ask" and decode_access_token(single)["payload"]["authorization"]["nonce"])
    check("verify leaves it", all(seller.facilitator.verify_permissions(required, single, "1").is_valid for _ in range(2)))
    check("settle uses it", seller.facilitator.settle_permissions(required, single, "1").success)
    try:
        seller.facilitator.settle_permissions(required, single, "1")
        check("a second settle is refused", False)
    except AccessTokenAlreadyUsedError as error:
        check("a second settle is refused", error.code == "BCK.X402.0059", error)

    print("# what owners may do")
    minted = seller.plans.mint_plan_credits(free, 7, nobody.account_address)
    check("an owner hands out credits", minted["success"] and balance(nobody, free, nobody.account_address) == 16)
    seller.plans.mint_plan_credits(free, 2**64, nobody.account_address)
    check("more than a machine number of them", balance(nobody, free, nobody.account_address) == 2**64 + 16)
    seller.plans.mint_plan_expirable(free, 5, nobody.account_address, 3600)
    check("or for a time", balance(nobody, free, nobody.account_address) == 2**64 + 21)
    refused("nobody else may", "BCK.PROTOCOL.0017", lambda: buyer.plans.mint_plan_credits(free, 7, me))
    both = seller.agents.register_agent_and_plan(
        AgentMetadata(name="A"), AgentAPIAttributes(), PlanMetadata(name="P"), price, get_dynamic_credits_config(5)
    )
    check("agent and plan in one", buyer.agents.get_agent(both["agentId"])["registry"]["plans"] == [both["planId"]] and both["txHash"], both)
    check("a plan joins an agent", seller.agents.add_plan_to_agent(plan, both["agentId"])["success"])
    check("and leaves it", seller.agents.remove_plan_from_agent(both["planId"], both["agentId"])["success"])
    check("as the agent says", buyer.agents.get_agent(both["agentId"])["registry"]["plans"] == [plan])
    refused("a token for an agent that the plan is not on", "BCK.X402.0003", lambda: token(buyer, free, spend, agent))

    return finish()


if __name__ == "__main__":
    sys.exit(main())
