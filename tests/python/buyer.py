"""A buyer as the official documentation has it: an order, a delegation, a token, a request. Started by interop.test.mjs.

Prints one JSON object with what it saw.
"""

import json
import os

import requests
from support import decoded, delegation, token, using

payments = using(os.environ["NVM_API_KEY"])
ask = {"url": f"{os.environ['PAYWALL']}/ask", "json": {"question": "Is 7919 prime?"}, "timeout": 30}

bare = requests.post(**ask)
offer = decoded(bare, "payment-required")["accepts"][0]
plan = offer["planId"]
payments.plans.order_plan(plan)
before = payments.plans.get_plan_balance(plan).balance
spend = delegation(payments, cents=1000, seconds=600)
paying = token(payments, plan, spend, offer["extra"]["agentId"], scheme=offer["scheme"], network=offer["network"])
paid = requests.post(**ask, headers={"payment-signature": paying})
again = requests.post(**ask, headers={"payment-signature": paying})
spoilt = requests.post(**ask, headers={"payment-signature": paying[: len(paying) // 2]})

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
