"""A seller as the official documentation has it: FastAPI with PaymentMiddleware. Started by interop.test.mjs."""

import os

import uvicorn
from fastapi import FastAPI, Request
from payments_py import PaymentOptions, Payments
from payments_py.x402.fastapi import PaymentMiddleware

app = FastAPI()
route = {"plan_id": os.environ["PLAN"], "agent_id": os.environ["AGENT"], "credits": 3}
app.add_middleware(
    PaymentMiddleware,
    payments=Payments.get_instance(PaymentOptions(nvm_api_key=os.environ["NVM_API_KEY"], environment="custom")),
    routes={"POST /ask": route},
)
served = 0


@app.post("/ask")
async def ask(request: Request):
    global served
    served += 1
    return {"answer": (await request.json())["question"].upper(), "served": served}


@app.get("/free")
async def free():
    return {"served": served}


uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
