"""A buyer who pays whatever is offered: payments-py, unmodified, mints the token, httpx carries it, and the receipt is read
where it is. Started by routes.test.mjs, with a list of jobs as JSON on its input.

A job is one request: `method`, `url`, `headers`, `body`, and of its payment `token` (2, 3, or none), `scheme` (which of several
offers), `again` (the token of the last job once more), `keep` (headers of the last answer to send). Prints one JSON list with
what came of each.
"""

import base64
import json
import sys
import time

import httpx
from payments_py import PaymentOptions, Payments
from payments_py.x402.token import is_single_use_access_token
from payments_py.x402.types import CreateDelegationPayload, DelegationConfig, SettleResponse, X402TokenOptions

work = json.load(sys.stdin)
payments = Payments.get_instance(PaymentOptions(nvm_api_key=work["key"], environment="custom"))
client = httpx.Client(timeout=30)
delegations = {}
ordered = set()
last = {"token": None, "headers": {}}


def decoded(response, header):
    value = response.headers.get(header)
    return None if value is None else json.loads(base64.b64decode(value, validate=True))


def delegation(scheme):
    """One delegation for each way to pay, made when it is first needed."""
    if scheme not in delegations:
        terms = {"provider": "erc4337", "currency": "usdc"}
        if scheme == "nvm:card-delegation":
            card = payments.delegation.list_payment_methods(provider="stripe")[0]
            terms = {"provider": "stripe", "currency": "usd", "provider_payment_method_id": card.id}
        payload = CreateDelegationPayload(spending_limit_cents=10_000, duration_secs=3600, **terms)
        delegations[scheme] = payments.delegation.create_delegation(payload).delegation_id
    return delegations[scheme]


def mint(offer, resource, version):
    """Credits first, where they are bought from a wallet; a card is charged when credits are missing."""
    if offer["scheme"] == "nvm:erc4337" and offer["planId"] not in ordered:
        payments.plans.order_plan(offer["planId"])
        ordered.add(offer["planId"])
    bound = {}
    if version == 3:
        bound = {"resource": resource["url"], "http_verb": offer["extra"]["httpVerb"], "token_version": 3}
    options = X402TokenOptions(
        scheme=offer["scheme"],
        network=offer["network"],
        delegation_config=DelegationConfig(delegation_id=delegation(offer["scheme"])),
        **bound,
    )
    agent = offer["extra"].get("agentId")
    return payments.x402.get_x402_access_token(offer["planId"], agent, token_options=options)["accessToken"]


def receipt(response, text):
    """Where the seller put it: a header, the last event, or a URL that a header names."""
    if "payment-response" in response.headers:
        return "header", decoded(response, "payment-response")
    url = response.headers.get("payment-receipt-url")
    if url:
        answer = client.get(url)
        while answer.status_code == 202:
            time.sleep(0.02)
            answer = client.get(url)
        return "url", answer.json()
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        kind, _, data = text.rstrip("\n").split("\n\n")[-1].partition("\n")
        if kind == "event: payment-response":
            return "event", json.loads(data.removeprefix("data: "))
    return None, None


def ask(job, headers):
    request = {"headers": {**job.get("headers", {}), **headers}, "content": job.get("body")}
    with client.stream(job["method"], job["url"], **request) as response:
        text = response.read().decode()
    return response, text


def run(job):
    out = {"name": job["name"]}
    headers = {name: last["headers"][name] for name in job.get("keep", [])}
    if job.get("again"):
        headers["payment-signature"] = last["token"]
    elif job.get("token"):
        bare, _ = ask(job, {})
        required = decoded(bare, "payment-required")
        out["bare"] = bare.status_code
        # A free answer is one, whatever was offered.
        if required is not None:
            offers = [offer for offer in required["accepts"] if job.get("scheme") in (None, offer["scheme"])]
            last["token"] = mint(offers[0], required["resource"], job["token"])
            out.update(offers=len(required["accepts"]), offered=offers[0], singleUse=is_single_use_access_token(last["token"]))
            headers["payment-signature"] = last["token"]
    response, text = ask(job, headers)
    last["headers"] = response.headers
    by, value = receipt(response, text)
    out.update(status=response.status_code, text=text, by=by, receipt=value)
    if value is not None and value.get("success"):
        # The official model reads it as it is.
        settled = SettleResponse.model_validate(value)
        out["read"] = {"success": settled.success, "credits": settled.credits_redeemed, "left": settled.remaining_balance}
    if response.status_code >= 400 and response.headers.get("content-type") == "application/json":
        out["code"] = json.loads(text).get("code")
    out["headers"] = {name: value for name, value in response.headers.items() if name.startswith(("x-payment", "content-range", "retry-after"))}
    return out


print(json.dumps([run(job) for job in work["jobs"]]))
