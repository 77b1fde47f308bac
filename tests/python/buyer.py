"""A buyer as the official documentation has it: an order, a delegation, a token, a request. Started by interop.test.mjs.

Prints one JSON object with what it saw.
"""

import base64
import json
import os

import requests
from payments_py import PaymentOptions, Payments
from payments_py.x402.types import CreateDelegationPayload, DelegationConfig, X402TokenOptions

payments = Payments.get_instance(PaymentOptions(nvm_api_key=os.environ["NVM_API_KEY"], environment="custom"))
ask = {"url": f"{os.environ['PAYWALL']}/ask", "json": {"question": "Is 7919 prime?"}, "timeout": 30}


def decoded(response, header):
    value = response.headers.get(header)
    return None if value is None else json.loads(base64.b64decode(value, validate=True))


bare = requests.post(**ask)
offer = decoded(bare, "payment-required")["accepts"][0]
plan = offer["planId"]
payments.plans.order_plan(plan)
before = payments.plans.get_plan_balance(plan).balance
delegation = payments.delegation.create_delegation(
    CreateDelegationPayload(provider="erc4337", spending_limit_cents=1000, duration_secs=600, currency="usdc")
)
options = X402TokenOptions(
    scheme=offer["scheme"], network=offer["network"], delegation_config=DelegationConfig(delegation_id=delegation.delegation_id)
)
token = payments.x402.get_x402_access_token(plan, offer["extra"]["agentId"], token_options=options)["accessToken"]
paid = requests.post(**ask, headers={"payment-signature": token})
again = requests.post(**ask, headers={"payment-signature": token})
spoilt = requests.post(**ask, headers={"payment-signature": token[: len(token) // 2]})

print(json.dumps({
    "bare": bare.status_code,
    "offer": offer,
    "paid": paid.status_code,
    "answer": paid.json()["answer"],
    "receipt": decoded(paid, "payment-response"),
    "again": again.status_code,
    "spoilt": spoilt.status_code,
    "before": before,
    "after": payments.plans.get_plan_balance(plan).balance,
}))
