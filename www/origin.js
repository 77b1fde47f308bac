// The service behind the paywall: a small oracle that answers questions by working them out.
//
// It is an ordinary origin. It knows nothing of 402, tokens or plans; what it knows about money is
// what the gate in front of it says in `x-payment-*` headers, and it repeats that in its answer so
// that a reader can see who paid. It runs as a module Worker and needs no network and no storage.
//
//   POST /ask     {"question": "..."}   the answer as JSON
//   GET  /stream  ?q=...                the same answer as server-sent events, word by word
//   GET  /health                        {"ok": true}

import { answer } from "./demo-service.mjs";

const MAX_QUESTION = 1000;
const MAX_BODY = 16 * 1024;
const WORD_MS = 60;

const ROUTES = {
  "/ask": { POST: ask },
  "/stream": { GET: stream },
  "/health": { GET: () => json(200, { ok: true }) },
};

export default {
  async fetch(request) {
    const url = new URL(request.url);
    const route = Object.hasOwn(ROUTES, url.pathname) ? ROUTES[url.pathname] : undefined;
    if (!route) return problem(404, "not_found", "There is /ask, /stream and /health here, and nothing else.");
    const method = request.method === "HEAD" ? "GET" : request.method;
    const handler = Object.hasOwn(route, method) ? route[method] : undefined;
    if (!handler) {
      const allow = Object.keys(route).join(", ");
      return problem(405, "method_not_allowed", `Use ${allow}.`, { allow });
    }
    return handler(request, url);
  },
};

async function ask(request) {
  const text = await boundedText(request);
  if (text === undefined) return problem(413, "too_large", `A question fits in ${MAX_BODY} bytes.`);
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return problem(400, "not_json", 'Send JSON: {"question": "..."}.');
  }
  const wrong = refusal(body?.question);
  if (wrong) return problem(400, "bad_question", wrong);
  const question = body.question.trim();
  return json(200, { question, ...(await answer(question)), paidBy: paidBy(request.headers) });
}

async function stream(request, url) {
  const q = url.searchParams.get("q");
  const wrong = refusal(q);
  if (wrong) return problem(400, "bad_question", wrong);
  const question = q.trim();
  const found = await answer(question);
  const words = found.answer.match(/\S+\s*/g) ?? [];
  const encoder = new TextEncoder();
  const event = (name, data) => encoder.encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  let next = 0;
  // A pull source: a reader who goes away cancels the stream and nothing is left running.
  const body = new ReadableStream({
    async pull(controller) {
      if (next < words.length) {
        if (next > 0) await new Promise((done) => setTimeout(done, WORD_MS));
        controller.enqueue(event("word", { text: words[next] }));
        next += 1;
        return;
      }
      const { answer: text, ...rest } = found;
      controller.enqueue(event("done", { question, words: words.length, ...rest, paidBy: paidBy(request.headers) }));
      controller.close();
    },
  });
  return new Response(request.method === "HEAD" ? null : body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" },
  });
}

// Why a question cannot be answered, or nothing.
function refusal(question) {
  if (typeof question !== "string") return "A question is a string.";
  if (question.trim() === "") return "The question is empty.";
  if (question.length > MAX_QUESTION) return `A question has at most ${MAX_QUESTION} characters.`;
}

// The gate strips these headers from what a client sends, so whoever is named here did pay.
function paidBy(headers) {
  const payer = headers.get("x-payment-payer");
  if (!payer) return null;
  return { payer, credits: headers.get("x-payment-credits"), plan: headers.get("x-payment-plan") };
}

// The body as text, or nothing when it is longer than a question can be.
async function boundedText(request) {
  if (!request.body) return "";
  const chunks = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > MAX_BODY) return undefined;
    chunks.push(chunk);
  }
  return new TextDecoder().decode(await new Blob(chunks).arrayBuffer());
}

function json(status, body, headers = {}) {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json; charset=utf-8", "cache-control": "no-store", ...headers },
  });
}

function problem(status, code, message, headers) {
  return json(status, { error: code, message }, headers);
}
