"""The official client pays the official middleware, by MPP and by x402. Started by fastapi.test.mjs.

Prints one JSON object: what each way came to, and the balance after it.
"""

import json
import os

import requests
from support import balance, decoded, delegation, token, using
from payments_py.mpp.codec import build_credential_header, parse_challenge_header, parse_receipt_header
from payments_py.mpp.fetch import MppFetchOptions
from payments_py.x402.types import DelegationConfig, MppTokenOptions

payments = using(os.environ["NVM_API_KEY"])
service, plan, agent = os.environ["SERVICE"], os.environ["PLAN"], os.environ["AGENT"]
payments.plans.order_plan(plan)
allowance = DelegationConfig(delegation_id=delegation(payments))
saw = {}


def note(name, response, **more):
    body = response.json() if response.status_code == 402 else {}
    saw[name] = {"status": response.status_code, "code": body.get("code"), "balance": balance(payments, plan, payments.account_address), **more}


def post(path, question, **headers):
    return requests.post(service + path, json={"question": question}, headers=headers, timeout=30)


def credential(path, question):
    """A credential for the challenge of a bare request."""
    challenge = parse_challenge_header(post(path, question).headers["www-authenticate"])
    minted = payments.mpp.get_mpp_access_token(plan, agent, MppTokenOptions(delegation_config=allowance))
    return build_credential_header(challenge, minted)


paid = payments.mpp.fetch("POST", f"{service}/mpp", MppFetchOptions(allowance, plan_id=plan), json={"question": "by MPP?"}, timeout=30)
note("MPP", paid.response, paid=paid.paid, receipt=vars(paid.receipt))

once = credential("/mpp", "by hand?")
answer = post("/mpp", "by hand?", authorization=once)
note("MPP by hand", answer, receipt=vars(parse_receipt_header(answer.headers["payment-receipt"])))
note("the same credential", post("/mpp", "by hand?", authorization=once))
note("one without a challenge", post("/mpp", "by hand?", authorization="Payment e30"))

paid = payments.mpp.fetch("POST", f"{service}/bound", MppFetchOptions(allowance, max_credits=3), json={"question": "three words here"}, timeout=30)
note("a body that is bound", paid.response, paid=paid.paid)
sealed = credential("/bound", "two words")
note("another body", post("/bound", "many more words than were paid for", authorization=sealed))
note("its own body", post("/bound", "two words", authorization=credential("/bound", "two words")))
note("for another route", post("/mpp", "two words", authorization=credential("/bound", "two words")))

single = token(payments, plan, allowance.delegation_id, agent)
answer = post("/mpp", "by x402?", **{"payment-signature": single})
note("x402 on an MPP route", answer, receipt=decoded(answer, "payment-response"))
answer = post("/ask", "by x402?", **{"payment-signature": single})
note("x402", answer, receipt=decoded(answer, "payment-response"))

print(json.dumps(saw))
