"""MPP."""

import base64
import hashlib
import http.server
import threading

from cases.world import case
from support import check, refused
from payments_py.common.types import PaymentOptions
from payments_py.mpp.codec import parse_challenge_header
from payments_py.mpp.errors import MppCredentialRejectedError
from payments_py.mpp.fetch import MppFetchOptions
from payments_py.mpp.mpp_api import IssueMppChallengeParams, RedeemMppParams
from payments_py.x402.token import decode_access_token
from payments_py.x402.types import DelegationConfig


@case("mpp.get_instance")
def _(w):
    options = PaymentOptions(nvm_api_key=w.seller.nvm_api_key, environment="custom")
    params = IssueMppChallengeParams(plan_id=w.plan, credits=1, resource="/", http_verb="GET")
    check("MPP by itself", type(w.seller.mpp).get_instance(options).issue_challenge(params)["id"])


@case("mpp.issue_challenge")
def _(w):
    first, second = w.challenge(description="Ask"), w.challenge()
    answer = parse_challenge_header(first["challenge"])
    check("a challenge names plan, agent and price", (answer.request.plan_id, answer.request.agent_id, answer.request.credits) == (w.plan, w.agent, "2"), answer)
    check("no two are the same", answer.id == first["id"] != second["id"])


@case("mpp.get_mpp_access_token")
def _(w):
    minted = w.mpp_token()
    check("a token for MPP", decode_access_token(minted)["payload"]["authorization"]["from"] == w.buyer.account_address)
    refused("is none for x402", "BCK.X402.0005", lambda: w.seller.facilitator.verify_permissions(w.required, minted, "1"))


@case("mpp.verify_credential")
def _(w):
    credential = w.credential(w.challenge())
    before = w.held()
    answer = w.seller.mpp.verify_credential(RedeemMppParams(credential=credential, resource="/ask", http_verb="POST"))
    check("a credential is good, and takes nothing", answer["isValid"] and w.held() == before, answer)
    try:
        w.seller.mpp.verify_credential(RedeemMppParams(credential=credential, resource="/other", http_verb="POST"))
        check("only for what it was issued for", False)
    except MppCredentialRejectedError as error:
        check("only for what it was issued for", error.code == "BCK.MPP.0003", error)


@case("mpp.settle_credential")
def _(w):
    w.buyer.plans.order_plan(w.plan)
    before = w.held()
    digest = "sha-256=" + base64.b64encode(hashlib.sha256(b"{}").digest()).decode()
    credential = w.credential(w.challenge(3, digest=digest))
    params = RedeemMppParams(credential=credential, resource="/ask", http_verb="POST", body_digest=digest)
    first, second = w.seller.mpp.settle_credential(params), w.seller.mpp.settle_credential(params)
    check("settled twice, burned once", w.held() == before - 3 and first["transaction"] == second["transaction"], (first, second))
    check("with a receipt to hand on", bool(first["paymentReceipt"]), first)


@case("mpp.fetch")
def _(w):
    w.buyer.plans.order_plan(w.plan)
    before = w.held()

    class Service(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            credential = self.headers.get("authorization")
            if not credential:
                issued = w.seller.mpp.issue_challenge(IssueMppChallengeParams(plan_id=w.plan, credits=4, resource="/", http_verb="GET"))
                return self.answer(402, "www-authenticate", issued["challenge"])
            settled = w.seller.mpp.settle_credential(RedeemMppParams(credential=credential, resource="/", http_verb="GET"))
            self.answer(200, "payment-receipt", settled["paymentReceipt"])

        def answer(self, status, name, value):
            self.send_response(status)
            self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    options = MppFetchOptions(delegation_config=DelegationConfig(delegation_id=w.delegation), plan_id=w.plan, max_credits=4)
    try:
        url = f"http://127.0.0.1:{service.server_port}/"
        answer = w.buyer.mpp.fetch("GET", url, options)
        check("a challenge is paid", (answer.paid, answer.settled, answer.credits_presented, w.held()) == (True, True, "4", before - 4), answer)
        options.max_credits = 3
        refused("within a cap", "validation", lambda: w.buyer.mpp.fetch("GET", url, options))
        check("or not at all", w.held() == before - 4)
    finally:
        service.shutdown()
