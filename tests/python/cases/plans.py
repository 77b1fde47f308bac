"""Plans, prices and credits."""

import requests
from cases.world import DAY, case
from support import DOLLAR, URL, USDC, check, login, refused, token, http as call
from payments_py.common.types import PaginationOptions, PaymentOptions, PlanMetadata, PlanRedemptionType
from payments_py.x402.helpers import build_payment_required


@case("plans.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.buyer.nvm_api_key, environment="custom")
    check("plans by itself", type(w.buyer.plans).get_instance(options).get_plan(w.plan)["id"] == w.plan)


@case("plans.register_plan")
def _(w):
    made = w.seller.plans.register_plan(PlanMetadata(name="By hand"), w.price, w.credits, nonce=2**127, access_limit="credits")
    check("a plan is registered", w.buyer.plans.get_plan(made["planId"])["metadata"]["main"]["name"] == "By hand", made)


@case("plans.register_credits_plan")
def _(w):
    plan = w.new_plan("Credits", organization_id=None)
    check("a plan of credits", w.buyer.plans.get_plan_balance(plan).plan_type == "credits")
    wrong = w.seller.plans.get_dynamic_credits_config(10, 5, 1)
    refused("least above most", "", lambda: w.seller.plans.register_credits_plan(PlanMetadata(name="W"), w.price, wrong))


@case("plans.register_time_plan")
def _(w):
    credits = w.seller.plans.get_expirable_duration_config(DAY)
    plan = w.seller.plans.register_time_plan(PlanMetadata(name="Time"), w.price, credits)["planId"]
    check("a plan of time", w.buyer.plans.get_plan_balance(plan).plan_type == "time")


@case("plans.register_credits_trial_plan")
def _(w):
    free = w.seller.plans.get_free_price_config()
    plan = w.seller.plans.register_credits_trial_plan(PlanMetadata(name="Trial"), free, w.credits)["planId"]
    check("a trial can be ordered", w.buyer.plans.order_plan(plan)["success"] and w.held(plan) == 100)
    refused("once", "BCK.COMMON.0027", lambda: w.buyer.plans.order_plan(plan))


@case("plans.register_time_trial_plan")
def _(w):
    free, credits = w.seller.plans.get_free_price_config(), w.seller.plans.get_expirable_duration_config(DAY)
    plan = w.seller.plans.register_time_trial_plan(PlanMetadata(name="Day"), free, credits)["planId"]
    check("a trial of time", w.buyer.plans.order_plan(plan)["success"] and w.buyer.plans.get_plan_balance(plan).is_subscriber)
    refused("once too", "BCK.COMMON.0027", lambda: w.buyer.plans.order_plan(plan))


@case("plans.get_plan")
def _(w):
    answer = w.buyer.plans.get_plan(w.plan)
    check("a plan says whose it is and what it costs", answer["registry"]["owner"] == w.seller.account_address, answer)
    check("its price comes back as it went", answer["registry"]["price"]["amounts"] == [str(10 * DOLLAR)], answer)
    refused("an unknown plan is a 404", "404", lambda: w.buyer.plans.get_plan("7"))
    refused("an id that is none is refused", "400", lambda: w.buyer.plans.get_plan("did:nv:1"))


@case("plans.get_user_plans")
def _(w):
    other = login("Other seller")
    for name in ("first", "second", "third"):
        other.plans.register_plan(PlanMetadata(name=name), w.price, w.credits)
    page = other.plans.get_user_plans(pagination=PaginationOptions(page=2, offset=2, sort_order="asc", sort_by="created"))
    check("one's plans, by pages", (page["total"], page["page"], len(page["plans"])) == (3, 2, 1), page)
    house = w.admin.plans.get_user_plans(org_id=w.organization["orgId"])
    check("or an organization's", all(plan["orgId"] == w.organization["orgId"] for plan in house["plans"]), house)
    refused("but no other's", "BCK.ORGANIZATIONS.0009", lambda: other.plans.get_user_plans(org_id=w.organization["orgId"]))


@case("plans.get_agents_associated_to_plan")
def _(w):
    plan = w.new_plan("On two agents")
    agents = {w.new_agent([plan]), w.new_agent([plan])}
    answer = w.buyer.plans.get_agents_associated_to_plan(plan, PaginationOptions(page=1, offset=5))
    check("the agents of a plan", {agent["id"] for agent in answer["agents"]} == agents and answer["total"] == 2, answer)


@case("plans.get_plan_balance")
def _(w):
    plan = w.new_plan("Untouched")
    answer = w.buyer.plans.get_plan_balance(plan)
    check("no credits before an order", (answer.balance, answer.is_subscriber, answer.price_per_credit) == (0, False, 0.1), answer)
    check("anyone may read it", w.seller.plans.get_plan_balance(plan, w.buyer.account_address).holder_address == w.buyer.account_address)


@case("plans.order_plan")
def _(w):
    before = w.held()
    done = w.buyer.plans.order_plan(w.plan)
    check("an order brings the plan's credits", done["success"] is True and w.held() == before + 100, done)


@case("plans.order_fiat_plan")
def _(w):
    price = w.seller.plans.get_fiat_price_config(5 * DOLLAR, w.seller.account_address)
    plan = w.seller.plans.register_credits_plan(PlanMetadata(name="Card"), price, w.credits)["planId"]
    link = w.buyer.plans.order_fiat_plan(plan)["result"]["checkoutLink"]
    requests.post(link, timeout=30).raise_for_status()
    check("what a person pays there are credits", link.startswith(URL) and w.held(plan) == 100, link)
    refused("a plan paid from a wallet has no checkout", "BCK.STRIPE.0009", lambda: w.buyer.plans.order_fiat_plan(w.plan))


@case("plans.mint_plan_credits")
def _(w):
    plan = w.new_plan("Minted")
    check("an owner hands out credits", w.seller.plans.mint_plan_credits(plan, 7, w.buyer.account_address)["success"])
    w.seller.plans.mint_plan_credits(plan, 2**64, w.buyer.account_address)
    check("more than a machine number of them", w.held(plan) == 2**64 + 7)
    refused("nobody else may", "BCK.PROTOCOL.0017", lambda: w.buyer.plans.mint_plan_credits(plan, 7, w.buyer.account_address))


@case("plans.mint_plan_expirable")
def _(w):
    plan = w.new_plan("Minted for a time")
    check("an owner hands out credits for a time", w.seller.plans.mint_plan_expirable(plan, 5, w.buyer.account_address, DAY)["success"])
    check("that are there", w.held(plan) == 5)
    call("POST", "/sandbox/clock", {"advanceSecs": DAY + 1})
    check("until then", w.held(plan) == 0)
    call("POST", "/sandbox/clock", {"reset": True})
    refused("nobody else may, for no time", "BCK.PROTOCOL.0017", lambda: w.buyer.plans.mint_plan_expirable(plan, 5, w.buyer.account_address))


@case("plans.burn_credits")
def _(w):
    plan = w.new_plan("Burned")
    w.buyer.plans.order_plan(plan)
    done = w.buyer.plans.burn_credits(plan, "5")
    check("a holder burns credits", done["success"] and w.held(plan) == 95, done)
    refused("no more than there are", "BCK", lambda: w.buyer.plans.burn_credits(plan, "96"))
    check("and then none", w.held(plan) == 95)


@case("plans.redeem_credits")
def _(w):
    credits = w.seller.plans.set_redemption_type(w.credits, PlanRedemptionType.ONLY_OWNER)
    plan = w.seller.plans.register_credits_plan(PlanMetadata(name="Redeemed"), w.price, credits)["planId"]
    agent = w.new_agent([plan])
    w.buyer.plans.order_plan(plan)
    required = build_payment_required(plan, agent_id=agent, environment="custom")
    paid = token(w.buyer, plan, w.delegation, agent)
    request = w.seller.facilitator.verify_permissions(required, paid, "1").agent_request_id
    done = w.seller.plans.redeem_credits(request, plan, w.buyer.account_address, "3")
    check("an owner redeems for a request", w.held(plan) == 97, done)
    refused("a stranger does not", "BCK", lambda: login("Stranger").plans.redeem_credits(request, plan, w.buyer.account_address, "3"))
    check("and takes nothing", w.held(plan) == 97)


def sold(name, price, credits, expected):
    """A price or a credits helper: the platform takes what it makes, and shows it as it was."""

    @case(f"plans.{name}")
    def _(w):
        made = {"price": w.price, "credits": w.credits}
        kind = "price" if price else "credits"
        made[kind] = (price or credits)(w.seller.plans, w.seller.account_address)
        limit = "time" if int(made["credits"].duration_secs) > 0 else "credits"
        plan = w.seller.plans.register_plan(PlanMetadata(name=name), made["price"], made["credits"], access_limit=limit)["planId"]
        answer = w.buyer.plans.get_plan(plan)["registry"][kind]
        check(f"{name}: the platform takes it", expected.items() <= answer.items(), answer)


ZERO = "0x0000000000000000000000000000000000000000"
EURC = "0x808456652fdb597867f38412077A9182bf77359F"
sold("get_fiat_price_config", lambda p, me: p.get_fiat_price_config(DOLLAR, me, "EUR"), None, {"isCrypto": False, "currency": "EUR"})
sold("get_eurc_price_config", lambda p, me: p.get_eurc_price_config(DOLLAR, me, EURC), None, {"tokenAddress": EURC, "currency": "EURC"})
sold("get_crypto_price_config", lambda p, me: p.get_crypto_price_config(DOLLAR, me, USDC), None, {"tokenAddress": USDC, "isCrypto": True})
sold("get_erc20_price_config", lambda p, me: p.get_erc20_price_config(DOLLAR, USDC, me), None, {"tokenAddress": USDC, "amounts": [str(DOLLAR)]})
sold("get_free_price_config", lambda p, me: p.get_free_price_config(), None, {"amounts": [], "receivers": []})
sold("get_native_token_price_config", lambda p, me: p.get_native_token_price_config(10**18, me), None, {"tokenAddress": ZERO, "amounts": [str(10**18)]})
sold("get_pay_as_you_go_price_config", lambda p, me: p.get_pay_as_you_go_price_config(DOLLAR, me, USDC), None, {"tokenAddress": USDC})
sold("get_expirable_duration_config", None, lambda p, me: p.get_expirable_duration_config(DAY), {"durationSecs": str(DAY), "amount": "1"})
sold("get_non_expirable_duration_config", None, lambda p, me: p.get_non_expirable_duration_config(), {"durationSecs": "0", "amount": "1"})
sold("get_fixed_credits_config", None, lambda p, me: p.get_fixed_credits_config(20, 4), {"isRedemptionAmountFixed": True, "amount": "20", "maxAmount": "4"})
sold("get_dynamic_credits_config", None, lambda p, me: p.get_dynamic_credits_config(20, 2, 4), {"isRedemptionAmountFixed": False, "minAmount": "2", "maxAmount": "4"})
sold("get_pay_as_you_go_credits_config", None, lambda p, me: p.get_pay_as_you_go_credits_config(), {"amount": "1"})
sold(
    "set_redemption_type", None,
    lambda p, me: p.set_redemption_type(p.get_dynamic_credits_config(5), PlanRedemptionType.ONLY_OWNER), {"redemptionType": 1},
)
sold("set_onchain_mirror", None, lambda p, me: p.set_onchain_mirror(p.get_dynamic_credits_config(5)), {"onchainMirror": True})
