"""A seller as the official documentation has it: FastAPI with PaymentMiddleware. Started by fastapi.test.mjs.

PLAN and AGENT are what is sold, CARD a plan that is paid by card.
"""

import os

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from support import bound, end_with_parent, say, using
from payments_py.x402.fastapi import PaymentMiddleware

end_with_parent()
app = FastAPI()
plan, agent = os.environ["PLAN"], os.environ["AGENT"]


async def words(request: Request):
    return len((await request.json())["question"].split())


app.add_middleware(
    PaymentMiddleware,
    payments=using(os.environ["NVM_API_KEY"]),
    routes={
        "POST /ask": {"plan_id": plan, "agent_id": agent, "credits": 3},
        "POST /words": {"plan_id": plan, "agent_id": agent, "credits": words},
        "GET /reports/:id": {"plan_id": plan, "credits": 2},
        "POST /fails": {"plan_id": plan, "credits": 2},
        "POST /card": {"plan_id": os.environ["CARD"], "credits": 2},
        "POST /mpp": {"plan_id": plan, "agent_id": agent, "credits": 2, "mpp": True},
        "POST /bound": {"plan_id": plan, "agent_id": agent, "credits": words, "mpp": {"bind_body": True}},
    },
)
served = 0


@app.post("/ask")
@app.post("/words")
@app.post("/card")
@app.post("/mpp")
@app.post("/bound")
async def ask(request: Request):
    global served
    served += 1
    return {"answer": (await request.json())["question"].upper(), "served": served}


@app.get("/reports/{name}")
async def report(name: str):
    return {"report": name}


@app.post("/fails")
async def fails():
    return JSONResponse({"error": "out of order"}, 500)


@app.get("/free")
async def free():
    return {"served": served}


listener, url = bound()
say(url=url)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
