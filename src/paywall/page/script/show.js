// Shows the paid content in place of the page, with its receipt.
import { credits, find, make, say, short, tell } from './dom.js';

const TEXT = /^text\/|^application\/([\w.+-]+\+)?(json|xml)$|^application\/(x-ndjson|javascript)$/;

export async function show({ response, receipt }, to) {
  const type = (response.headers.get('content-type') ?? '').split(';')[0].trim().toLowerCase();
  const attached = /^\s*attachment/i.test(response.headers.get('content-disposition') ?? '');
  find('ask').hidden = true;
  find('got').hidden = false;
  // A reload asks for the resource itself again, not for the page that showed it.
  history.replaceState(null, '', to);
  tell('paid', receipt?.creditsRedeemed === undefined ? say('frame') : say('paid', { credits: credits(receipt.creditsRedeemed) }));
  const facts = [
    receipt?.remainingBalance !== undefined && say('left', { credits: credits(receipt.remainingBalance) }),
    receipt?.transaction && say('transaction', { id: short(receipt.transaction) }),
  ];
  tell('receipt', facts.filter(Boolean).join(' · '));
  find('paid').focus();

  const body = find('body');
  if (!attached && type === 'text/html') return html(body, await keep(response, type, to), to);
  if (!attached && TEXT.test(type)) return text(body, response, type, to);
  const blob = await keep(response, type, to);
  const kind = attached ? '' : type.split('/')[0];
  if (kind === 'image') body.append(make('img', { src: find('save').href, alt: say('frame') }));
  else if (kind === 'audio' || kind === 'video') body.append(make(kind, { src: find('save').href, controls: '' }));
  else if (type === 'application/pdf' && !attached) body.append(make('iframe', { src: find('save').href, title: say('frame') }));
  else {
    body.append(make('p', {}, say('file')));
    find('save').click();
  }
  return blob;
}

/** The whole body, which the link saves. */
async function keep(response, type, to) {
  const blob = new Blob([await response.blob()], { type: type || 'application/octet-stream' });
  const named = /filename="?([^";]+)/i.exec(response.headers.get('content-disposition') ?? '')?.[1];
  const link = find('save');
  link.href = URL.createObjectURL(blob);
  link.download = named ?? (new URL(to, location.href).pathname.split('/').pop() || 'file');
  link.hidden = false;
  return blob;
}

/** In a frame without an origin: a document of the seller's does not get at who is logged in here. */
async function html(body, blob, to) {
  const base = `<base href="${new URL(to, location.href).href.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}" target="_top">`;
  const document = await blob.text();
  const head = /<head[^>]*>/i.exec(document) ?? /<!doctype[^>]*>/i.exec(document);
  const at = head ? head.index + head[0].length : 0;
  const frame = make('iframe', { src: '/.well-known/payments/frame', title: say('frame') });
  addEventListener('message', ({ source }) => {
    if (source === frame.contentWindow) source.postMessage(document.slice(0, at) + base + document.slice(at), '*');
  }, { once: true });
  body.append(frame);
}

/** As it comes: an answer may be told word by word. */
async function text(body, response, type, to) {
  const block = body.appendChild(make('pre', { tabindex: '0' }));
  const copy = response.clone();
  if (/json$/.test(type)) {
    const whole = await response.text();
    block.textContent = pretty(whole);
  } else {
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) block.append(piece);
  }
  await keep(copy, type, to);
}

function pretty(json) {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}
