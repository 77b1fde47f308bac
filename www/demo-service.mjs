// The answers of the demo service. Each skill takes a question and answers it or passes; the first answer wins. The
// last skill never passes: it searches the facts that the service has about paying over HTTP, or says that it does not
// know. The same question always gets the same answer.

const SKILLS = [percentage, conversion, calendar, number, words, digest, budget, arithmetic, lookup];

/** Answers a question: `{ kind, answer, working }`, `working` being the steps that led there. */
export async function answer(question) {
  for (const skill of SKILLS) {
    const found = await skill(question);
    if (found) return found;
  }
}

const say = (kind, text, ...working) => ({ kind, answer: text, working });
const NUMBER = String.raw`(-?\d[\d,]*(?:\.\d+)?)`;
const value = (text) => Number(text.replaceAll(",", ""));
const show = (n) => {
  if (Number.isSafeInteger(n)) return n.toLocaleString("en-US");
  return Math.abs(n) >= 1e15 ? n.toExponential(6) : Number(n.toPrecision(10)).toLocaleString("en-US", { maximumFractionDigits: 6 });
};
const plural = (n, noun) => `${show(n)} ${noun}${n === 1 ? "" : "s"}`;

// --- numbers -----------------------------------------------------------------------------------

function percentage(q) {
  const m = q.match(new RegExp(`${NUMBER}\\s*(?:%|percent|per cent)\\s+of\\s+\\$?${NUMBER}`, "i"));
  if (!m) return;
  const [part, whole] = [value(m[1]), value(m[2])];
  return say("percentage", `${show(part)}% of ${show(whole)} is ${show((part * whole) / 100)}.`, `${show(whole)} × ${show(part)} ÷ 100`);
}

// Name, kind, factor to the base unit of the kind; temperatures are done apart.
const UNITS = [
  ["mm millimetre millimeter", "length", 0.001], ["cm centimetre centimeter", "length", 0.01], ["m metre meter", "length", 1],
  ["km kilometre kilometer", "length", 1000], ["in inch inches", "length", 0.0254], ["ft foot feet", "length", 0.3048],
  ["yd yard", "length", 0.9144], ["mi mile", "length", 1609.344], ["g gram", "mass", 0.001], ["kg kilo kilogram", "mass", 1],
  ["lb pound", "mass", 0.45359237], ["oz ounce", "mass", 0.028349523125], ["ms millisecond", "time", 0.001], ["s sec second", "time", 1],
  ["min minute", "time", 60], ["h hour", "time", 3600], ["day", "time", 86400], ["week", "time", 604800], ["l litre liter", "volume", 1],
  ["ml millilitre milliliter", "volume", 0.001], ["gal gallon", "volume", 3.785411784], ["byte", "data", 1], ["kb kilobyte", "data", 1e3],
  ["mb megabyte", "data", 1e6], ["gb gigabyte", "data", 1e9], ["kib kibibyte", "data", 1024], ["mib mebibyte", "data", 1048576],
  ["c celsius centigrade", "temperature"], ["f fahrenheit", "temperature"], ["k kelvin", "temperature"], ["usdc dollar usd", "money", 1], ["cent", "money", 0.01],
];
const KELVIN = { c: [(t) => t + 273.15, (k) => k - 273.15], f: [(t) => ((t - 32) * 5) / 9 + 273.15, (k) => ((k - 273.15) * 9) / 5 + 32], k: [(t) => t, (k) => k] };

function unit(name) {
  const key = name.toLowerCase().replace("°", "");
  const row = UNITS.find(([names]) => names.split(" ").some((n) => n === key || `${n}s` === key));
  return row && { symbol: row[0].split(" ")[0], kind: row[1], factor: row[2] };
}

function conversion(q) {
  const m = q.match(new RegExp(`${NUMBER}\\s*°?\\s*([a-z°]+)\\s+(?:in|into|to|as)\\s+([a-z°]+)`, "i"));
  const [from, to] = m ? [unit(m[2]), unit(m[3])] : [];
  if (!from || !to || from.kind !== to.kind) return;
  const n = value(m[1]);
  if (from.kind === "temperature") {
    const result = KELVIN[to.symbol][1](KELVIN[from.symbol][0](n));
    return say("conversion", `${show(n)} °${from.symbol.toUpperCase()} is ${show(result)} °${to.symbol.toUpperCase()}.`, "by way of kelvin");
  }
  return say("conversion", `${show(n)} ${m[2]} is ${show((n * from.factor) / to.factor)} ${m[3]}.`, `1 ${from.symbol} = ${show(from.factor / to.factor)} ${to.symbol}`);
}

function calendar(q) {
  const days = [...q.matchAll(/\b(\d{4})-(\d\d)-(\d\d)\b/g)].map((m) => ({ text: m[0], at: Date.parse(`${m[0]}T00:00:00Z`) }));
  if (days.length === 0 || days.some((d) => Number.isNaN(d.at))) return;
  const weekday = (d) => new Date(d.at).toLocaleDateString("en-GB", { weekday: "long", timeZone: "UTC" });
  if (days.length === 1) return say("calendar", `${days[0].text} is a ${weekday(days[0])}.`);
  const apart = Math.abs(days[1].at - days[0].at) / 86_400_000;
  return say("calendar", `Between ${days[0].text} and ${days[1].text} there are ${plural(apart, "day")}, or ${plural(Math.floor(apart / 7), "week")} and ${plural(apart % 7, "day")}.`,
    ...days.map((d) => `${d.text}: ${weekday(d)}`));
}

function number(q) {
  const m = q.match(/\b(?:is\s+(\d[\d,]*)\s+(?:a\s+)?prime|(?:factors?|factori[sz]e|prime factors)\s+(?:of\s+)?(\d[\d,]*))/i);
  if (!m) return;
  const n = value(m[1] ?? m[2]);
  if (!Number.isSafeInteger(n) || n < 2 || n > 1e12) return;
  const factors = [];
  for (let rest = n, p = 2; rest > 1; p += p === 2 ? 1 : 2) {
    if (p * p > rest) p = rest;
    while (rest % p === 0) [rest] = [rest / p, factors.push(p)];
  }
  const product = [...new Set(factors)].map((p) => [p, factors.filter((f) => f === p).length]).map(([p, k]) => (k > 1 ? `${p}^${k}` : `${p}`)).join(" × ");
  return say("number", factors.length === 1 ? `${show(n)} is prime.` : `${show(n)} is not prime: it is ${product}.`, `trial division up to ${Math.floor(Math.sqrt(n))}`);
}

// A recursive-descent calculator: + - * / ^, brackets, sqrt. It never evaluates anything as code.
function arithmetic(q) {
  const source = q.toLowerCase().replace(/\btimes\b/g, "*").replace(/\bplus\b/g, "+").replace(/\bminus\b/g, "-").replace(/\bdivided by\b/g, "/")
    .replace(/[×·]/g, "*").replace(/÷/g, "/").replace(/(\d),(?=\d{3})/g, "$1").match(/(?:sqrt|[\d.()+\-*/^\s])+/g)?.map((s) => s.trim())
    .sort((a, b) => b.length - a.length)[0];
  if (!source || !/\d\s*[+\-*/^]\s*[\d(s-]|sqrt\s*\(/.test(source)) return;
  const tokens = source.match(/sqrt|\d+\.?\d*|\.\d+|[()+\-*/^]/g);
  let at = 0;
  const take = (t) => tokens[at] === t && (at += 1);
  const atom = (depth) => {
    if (depth > 100) throw new Error("too deep");
    if (take("-")) return -power(depth + 1);
    if (take("sqrt")) return Math.sqrt(atom(depth + 1));
    if (take("(")) { const inner = sum(depth + 1); if (!take(")")) throw new Error("bracket"); return inner; }
    const n = Number(tokens[at++]);
    if (Number.isNaN(n)) throw new Error("number");
    return n;
  };
  const power = (d) => { const base = atom(d); return take("^") ? base ** power(d + 1) : base; };
  const product = (d) => { let n = power(d); for (;;) { if (take("*")) n *= power(d); else if (take("/")) n /= power(d); else return n; } };
  const sum = (d) => { let n = product(d); for (;;) { if (take("+")) n += product(d); else if (take("-")) n -= product(d); else return n; } };
  try {
    const result = sum(0);
    if (at !== tokens.length) return;
    if (!Number.isFinite(result)) return say("arithmetic", "That has no finite answer.", tokens.join(" "));
    return say("arithmetic", `${tokens.join(" ").replace(/(\(|sqrt) /g, "$1").replace(/ \)/g, ")")} = ${show(result)}`);
  } catch {
    return undefined;
  }
}

function budget(q) {
  const m = q.match(/(\d+)\s+credits?\s+(?:a|per|each|for each|every)\b/i);
  const total = [...q.matchAll(/(\d[\d,]*)\s+credits?/gi)].map((x) => value(x[1])).sort((a, b) => b - a)[0];
  if (!m || !total || value(m[1]) === 0 || total === value(m[1])) return;
  const [times, left] = [Math.floor(total / value(m[1])), total % value(m[1])];
  return say("budget", `${plural(total, "credit")} at ${m[1]} each pay for ${plural(times, "request")}, with ${plural(left, "credit")} left.`, `${total} ÷ ${m[1]} = ${times} remainder ${left}`);
}

// --- text --------------------------------------------------------------------------------------

const quoted = (q) => q.match(/[“"'‘](.+)[”"'’]/)?.[1] ?? q.match(/:\s*(.+)$/)?.[1];

function words(q) {
  const text = quoted(q);
  if (!text || !/\b(words?|letters?|characters?|statistics|stats|count|palindrome|reverse|analy[sz]e)\b/i.test(q)) return;
  const list = text.toLowerCase().match(/[\p{L}\p{N}’'-]+/gu) ?? [];
  const counts = [...list.reduce((map, w) => map.set(w, (map.get(w) ?? 0) + 1), new Map())].sort((a, b) => b[1] - a[1]);
  const letters = [...text.toLowerCase()].filter((c) => /\p{L}/u.test(c));
  if (/reverse/i.test(q)) return say("text", `Backwards it reads “${[...text].reverse().join("")}”.`);
  if (/palindrome/i.test(q)) return say("text", `“${text}” is ${letters.join("") === [...letters].reverse().join("") ? "" : "not "}a palindrome.`, letters.join(""));
  return say("text", `It has ${plural(list.length, "word")}, ${plural(counts.length, "different word")}, ${plural(letters.length, "letter")} and ${plural([...text].length, "character")}; the longest word is “${[...list].sort((a, b) => b.length - a.length)[0] ?? ""}”.`,
    ...counts.slice(0, 3).map(([w, n]) => `“${w}” × ${n}`));
}

async function digest(q) {
  if (!/\b(sha-?256|hash|digest)\b/i.test(q) || !quoted(q)) return;
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(quoted(q))));
  return say("digest", `The SHA-256 of “${quoted(q)}” is ${[...bytes].map((b) => b.toString(16).padStart(2, "0")).join("")}.`);
}

// --- knowledge ---------------------------------------------------------------------------------

const NOTES = {
  "HTTP 402": "402 Payment Required was reserved in HTTP/1.1 for digital money and left unused for decades. A server that answers 402 today says in the same breath what it wants: the payment-required header holds the offer, and a client that agrees sends the request again with a payment attached.",
  "x402": "x402 is a convention for paying over HTTP. The server names what it accepts in the 402 answer, the buyer sends payment-signature with the next request, and the server returns a receipt in payment-response. No account at the seller is needed and no page is left.",
  "credits and plans": "A payment plan sells credits. Each request burns the number of credits that its route costs, so a seller sets a price once and a buyer pays once for many requests. Credits are whole numbers; a balance never goes below zero.",
  "verify and settle": "Verify asks whether a payment would succeed and moves nothing. Settle moves it. A gate verifies before the work, lets the origin answer, and settles before delivery, so an answer that fails costs the buyer nothing.",
  "delegation": "A delegation lets a program spend within limits that a person set: an amount, a currency and an end date. The page or agent holds the delegation, never the wallet, and it can be revoked.",
  "access token": "An access token proves that a subscriber allowed a payment for one plan. It is minted from a delegation, attached to requests as payment-signature, and reused until it expires or is refused. It goes to the origin that asked for it and to nobody else.",
  "receipt": "The receipt comes back in the payment-response header: whether the settlement succeeded, the transaction, the payer, how many credits were redeemed and how many remain. Keep it; it is the proof of what was bought.",
  "facilitator": "The facilitator checks and executes payments for the seller. The gate calls it twice for each paid request, to verify and to settle, and the seller never touches a chain or a card network itself.",
  "stablecoin USDC": "USDC is a dollar-denominated stablecoin with six decimals, so one dollar is 1,000,000 base units. A plan priced in it is paid on a network such as Base, where a transfer costs a fraction of a cent.",
  "WebAssembly": "WebAssembly is a small, sandboxed instruction format that browsers, Node and edge isolates all run. One implementation of the payment rules, compiled once, behaves the same in a page, in an agent and in a Worker.",
  "edge paywall": "A paywall at the edge stands in front of an existing service. It answers 402 to whoever has not paid, checks the payment of whoever has, and forwards the request unchanged, so that the service behind it needs no code about money.",
};
const STOP = new Set("a an and are as at be by can do does for from how i in is it me my of on or tell that the their this to was what when where which who why with you your about explain mean means".split(" "));
const stem = (w) => w.replace(/(?:ies|ing|ed|es|s|e)$/, "");
const terms = (text) => (text.toLowerCase().match(/[a-z0-9]+/g) ?? []).filter((w) => !STOP.has(w)).map(stem);

// The note that shares the rarest words with the question; a word of a title counts four times.
function lookup(q) {
  const asked = [...new Set(terms(q))];
  const notes = Object.entries(NOTES).map(([title, text]) => ({ title, text, head: terms(title), all: new Set(terms(`${title} ${text}`)) }));
  const rarity = (t) => Math.log(1 + notes.length / (1 + notes.filter((n) => n.all.has(t)).length));
  const ranked = notes.map((n) => ({ ...n, score: asked.reduce((s, t) => s + (n.head.includes(t) ? 4 : n.all.has(t) ? 1 : 0) * rarity(t), 0) })).sort((a, b) => b.score - a.score);
  const [best] = ranked;
  if (best.score < 1.5) {
    return say("unknown", `I do not know. I can calculate, convert units, count days and words, factor numbers, hash text, and explain how paying over HTTP works. Your question has ${plural(q.split(/\s+/).length, "word")}.`);
  }
  return say("knowledge", best.text, `${best.title}, relevance ${best.score.toFixed(1)}`);
}
