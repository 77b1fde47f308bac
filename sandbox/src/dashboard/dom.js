// DOM helpers of the dashboard. No helper turns text into markup.

export const find = (id) => document.getElementById(id);

/** An element with attributes (`on…` are listeners, `true` is an empty attribute) and children. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

let hiding;
/** Shows for a moment that an action succeeded or failed. */
export function toast(text, bad = false) {
  const node = find('toast');
  node.textContent = text;
  node.classList.toggle('bad', bad);
  clearTimeout(hiding);
  hiding = setTimeout(() => { node.textContent = ''; }, bad ? 6000 : 2200);
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied`);
  } catch {
    // Without https or permission there is no clipboard: show a field to copy from.
    const area = el('textarea', { class: 'hush', 'aria-hidden': 'true' });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    toast(done ? `${what} copied` : 'This browser does not let pages copy', !done);
  }
}

/** A long id, shortened. A click copies the complete id. */
export function id(text, what, name) {
  return el('button', { type: 'button', class: name ? 'id who' : 'id', title: `${text}\nClick to copy`, 'aria-label': name ? `${name}, copy ${what}` : `Copy ${what} ${text}`, onclick: () => copy(text, capital(what)) }, name ?? shorten(text));
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

export function shorten(text = '', head = 6, tail = 4) {
  return text.length > head + tail + 2 ? `${text.slice(0, head)}…${text.slice(-tail)}` : text;
}

/** A button for a slow action: it is disabled while the action runs, and errors are shown. */
export function button(text, work, attributes = {}) {
  return el('button', { type: 'button', ...attributes, onclick: (event) => busy(event.currentTarget, work) }, text);
}

export async function busy(node, work) {
  if (node.disabled) return;
  node.disabled = true;
  try {
    await work();
  } catch (error) {
    toast(error.hint ? `${error.message} ${error.hint}` : error.message, true);
  } finally {
    node.disabled = false;
  }
}

/** Shows the error of a field beside it; `undefined` removes it. */
export function fault(field, note, text) {
  note.textContent = text ?? '';
  note.hidden = !text;
  if (!field) return;
  if (text) field.setAttribute('aria-invalid', 'true');
  else field.removeAttribute('aria-invalid');
  if (text) field.focus();
}

/** Asks the user to confirm. */
export function confirmed({ title, text, yes }) {
  const dialog = find('confirm');
  find('confirm-title').textContent = title;
  find('confirm-text').textContent = text;
  find('confirm-yes').textContent = yes;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener('close', () => done(dialog.returnValue === 'yes'), { once: true }));
}

/**
 * Updates the children of `parent` to `items`: a node with the same key stays unless its content has changed.
 * A node with the focus is not replaced while it has it.
 */
export function reconcile(parent, items, { key, make, fresh = false }) {
  const old = parent.kept ?? new Map();
  const next = new Map();
  const order = [];
  for (const item of items) {
    const name = key(item);
    const text = JSON.stringify(item);
    let entry = old.get(name);
    if (!entry || (entry.text !== text && !entry.nodes.some((node) => node.contains(document.activeElement)))) {
      const nodes = [make(item)].flat();
      if (fresh && parent.kept && !entry) nodes[0].classList.add('fresh');
      entry = { text, nodes };
    }
    next.set(name, entry);
    order.push(...entry.nodes);
  }
  parent.kept = next;
  const wanted = new Set(order);
  for (const node of [...parent.children]) if (!wanted.has(node)) node.remove();
  order.forEach((node, index) => { if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null); });
}
