"""Organizations, and orders off any plan."""

from cases.world import case
from support import check, login, refused, using, http as call
from payments_py.common.types import OrganizationActivityFilters, OrganizationMemberRole, PaymentOptions


@case("organizations.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.admin.nvm_api_key, environment="custom")
    check("organizations by itself", len(type(w.admin.organizations).get_instance(options).get_my_memberships()) == 1)


@case("organizations.get_my_memberships")
def _(w):
    answer = w.admin.organizations.get_my_memberships()
    check("where one is a member", (answer[0].org_id, answer[0].role, answer[0].is_admin) == (w.organization["orgId"], OrganizationMemberRole.ADMIN, True), answer)
    check("and nowhere is nowhere", login("Nobody").organizations.get_my_memberships() == [])


@case("organizations.create_member")
def _(w):
    made = w.admin.organizations.create_member("user-1", "user-1@example.com", OrganizationMemberRole.MEMBER)
    member = using(made.nvm_api_key)
    check("a member gets a key that works", member.account_address == made.user_wallet and member.organizations.get_my_memberships()[0].role == OrganizationMemberRole.MEMBER, made)
    check("once", w.admin.organizations.create_member("user-1").already_member)
    refused("members make no members", "BCK.AUTH.0007", lambda: member.organizations.create_member("user-2"))


@case("organizations.onboard_customer")
def _(w):
    made = w.admin.organizations.onboard_customer("customer@example.com")
    check("a customer's key buys in its name", made.is_customer and using(made.nvm_api_key).plans.order_plan(w.plan)["success"], made)
    call("POST", "/sandbox/accounts", {"name": "Taken", "email": "taken@example.com"})
    asked = w.admin.organizations.onboard_customer("taken@example.com")
    check("who has an account is asked first", asked.consent_required and asked.nvm_api_key is None, asked)


@case("organizations.get_members")
def _(w):
    w.admin.organizations.create_member("user-3")
    answer = w.admin.organizations.get_members(role=OrganizationMemberRole.ADMIN, is_active=True, page=1, offset=10)
    check("members by role", (answer.total, answer.members[0].user_address) == (1, w.admin.account_address), answer)
    check("or all", w.admin.organizations.get_members().total > 1)


@case("organizations.get_organization_activity")
def _(w):
    w.admin.organizations.onboard_customer("active@example.com")
    filters = OrganizationActivityFilters(event_type=["customer.added", "member.removed"], page=1, limit=50, **{"from": "2020-01-01T00:00:00.000Z"})
    answer = w.admin.organizations.get_organization_activity(w.organization["orgId"], filters)
    check("what happened", answer.total > 0 and {item.event_type for item in answer.items} == {"customer.added"}, answer)
    refused("for its members", "BCK", lambda: w.buyer.organizations.get_organization_activity(w.organization["orgId"]))


@case("organizations.connect_stripe_account")
def _(w):
    answer = w.admin.organizations.connect_stripe_account("a@example.com", "es", "https://app.example/back")
    check("where to connect an account with Stripe", (answer.user_country_code, answer.stripe_account_link) == ("ES", "https://app.example/back"), answer)


# orders


@case("orders.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.admin.nvm_api_key, environment="custom")
    check("orders by itself", type(w.admin.orders).get_instance(options).create_order(100).status == "requires_payment")


@case("orders.create_order")
def _(w):
    order = {"description": "Cart", "buyer_ref": "b", "idempotency_key": "i-1", "line_items": [{"unit_price": 1}], "metadata": {"snake_case": 1}}
    made = w.admin.orders.create_order(3437, "usd", capture_mode="automatic", payment_provider="stripe", **order)
    check("an order waits for its payment", made.status == "requires_payment" and made.client_secret, made)
    check("made again, it is the same", w.admin.orders.create_order(3437, **order).order_id == made.order_id)
    refused("with another amount it is a conflict", "BCK.ORDER.0007", lambda: w.admin.orders.create_order(3438, **order))
    refused("and none for less than a dollar", "BCK.ORDER.0001", lambda: w.admin.orders.create_order(99))
    refused("nor for a key of no organization", "BCK.ORDER.0003", lambda: w.buyer.orders.create_order(100))


@case("orders.get_order")
def _(w):
    made = w.admin.orders.create_order(500, description="Cart")
    answer = w.buyer.orders.get_order(made.order_id)
    check("anyone who knows it may look", (answer.amount_minor, answer.status, answer.description) == (500, "requires_payment", "Cart"), answer)
    call("POST", f"/sandbox/orders/{made.order_id}", {"action": "pay"})
    check("paid is paid", w.buyer.orders.get_order(made.order_id).status == "paid")
    refused("an unknown order", "BCK.ORDER.0002", lambda: w.buyer.orders.get_order("none/?#"))
