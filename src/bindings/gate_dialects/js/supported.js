// `GET /supported` of the facilitators of a gate. When it is asked, and what its answers mean, is the core's (`paywall::dialects::Supported`).

/** A function that waits until an offer can be made. */
export function supported(core, { headersOf }) {
  const log = (lines) => lines.forEach((line) => console.error(line));

  async function ask(url) {
    let text;
    try {
      const signal = AbortSignal.timeout(core.patience());
      const headers = { accept: 'application/json', ...await headersOf?.(url, 'supported') };
      const response = await fetch(`${url}/supported`, { headers, redirect: 'manual', signal });
      if (response.ok) text = await response.text();
    } catch (error) {
      console.error(`facilitator: ${url}/supported: ${error?.message ?? error}`);
    }
    log(JSON.parse(core.learn(url, text, Date.now())));
  }

  let asking = [];
  return async ({ behind }) => {
    const due = JSON.parse(core.queries(Date.now()));
    for (const [url, waits] of due) {
      const one = ask(url);
      // The last answer serves while it is asked again.
      if (!waits) behind(one);
      else {
        asking.push(one);
        one.finally(() => { asking = asking.filter((other) => other !== one); });
      }
    }
    // Requests that come meanwhile wait too: terms that are not known cannot be offered.
    await Promise.all(asking);
  };
}
