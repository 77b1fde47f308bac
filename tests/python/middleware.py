"""A seller behind the official FastAPI middleware, payments-py unmodified, whose hooks and handlers note that they were called.
Started by middleware.test.mjs, which has the same service behind our own gate."""

import os

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from payments_py import PaymentOptions, Payments
from payments_py.x402.fastapi import PaymentMiddleware
from payments_py.x402.fastapi.middleware import PaymentMiddlewareOptions

plan, card, agent = os.environ["PLAN"], os.environ["CARD_PLAN"], os.environ["AGENT"]
log = []


def denied(request, when):
    if request.headers.get("x-deny") == when:
        raise ValueError(f"no, says {when}")


async def before(request, required):
    log.append(["onBeforeVerify", request.url.path, required.accepts[0].plan_id])
    denied(request, "before")


async def after(request, verification):
    log.append(["onAfterVerify", request.url.path, verification.is_valid])


async def settled(request, credits, settlement):
    log.append(["onAfterSettle", request.url.path, int(credits), settlement.success])


async def failed(error, request):
    log.append(["onPaymentError", request.url.path])


def by_query(request):
    return int(request.query_params["n"])


app = FastAPI()
app.add_middleware(
    PaymentMiddleware,
    payments=Payments.get_instance(PaymentOptions(nvm_api_key=os.environ["NVM_API_KEY"], environment="custom")),
    routes={
        "POST /ask": {"plan_id": plan, "credits": 1},
        "POST /generate": {"plan_id": plan, "credits": by_query},
        "GET /users/:id": {"plan_id": plan, "credits": 2},
        "GET /status/:id": {"plan_id": plan, "credits": 0},
        "POST /task": {"plan_id": plan, "agent_id": agent, "credits": 5, "description": "A task", "mime_type": "text/plain"},
        "POST /card": {"plan_id": card, "credits": 1},
        "POST /forced": {"plan_id": plan, "credits": 1, "scheme": "nvm:card-delegation"},
        "GET /fails": {"plan_id": plan, "credits": 1},
    },
    options=PaymentMiddlewareOptions(
        token_header=["payment-signature", "x-token"],
        on_before_verify=before, on_after_verify=after, on_after_settle=settled, on_payment_error=failed,
    ),
)


@app.get("/health")
async def health():
    return PlainTextResponse("ok")


@app.get("/log")
async def taken():
    said = list(log)
    log.clear()
    return said


@app.get("/fails")
async def fails():
    log.append(["handler", "/fails"])
    return PlainTextResponse("no", status_code=422)


@app.api_route("/{path:path}", methods=["GET", "POST"])
async def anything(path: str, request: Request):
    paid = getattr(request.state, "payment_context", None)
    log.append(["handler", request.url.path])
    return JSONResponse({"path": request.url.path, "credits": paid and int(paid.credits_to_settle), "verified": paid and paid.verified})


uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="critical")
