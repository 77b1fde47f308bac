// The lists: accounts, plans, agents, balances, delegations, orders, organizations.
import { del, get, part, post } from './api.js';
import { panel } from './account.js';
import { busy, button, confirmed, copy, el, find, id, reconcile, toast } from './dom.js';
import { cents, credits, moment, number, plural, relative, terms } from './format.js';

let refresh;
let state;
/** Addresses of the accounts whose details are open. */
const open = new Set();

const account = (address) => state.accounts.items.find((one) => one.address.toLowerCase() === String(address ?? '').toLowerCase());
const plan = (planId) => state.plans.items.find((one) => one.planId === planId);

/** An account's name, or its address if it is not in the list. */
function person(address) {
  if (!address) return el('span', { class: 'dim' }, 'nobody');
  const known = account(address);
  return id(address, 'address', known?.name);
}

function planName(planId) {
  if (!planId) return el('span', { class: 'dim' }, 'any plan');
  return id(planId, 'plan id', plan(planId)?.name);
}

/** Seconds are ignored: `in 3 hours` changes only when it is no longer true. */
const until = (iso) => el('span', { title: `${moment(iso)} UTC` }, relative(iso, state.clock.nowMs));

/** A list: its columns, the function for a row, and the text for an empty list. */
const LISTS = {
  accounts: {
    columns: ['Name', 'Address', 'Holds', 'Keys', ''],
    key: (one) => one.address,
    // Data of other lists is part of the row's key, so the row is rebuilt when it changes.
    items: () => state.accounts.items.map((one) => ({ ...one, open: open.has(one.address), holds: holdings(one.address), plans: open.has(one.address) ? state.plans.items.map(({ planId, name }) => ({ planId, name })) : undefined })),
    empty: 'No account yet. Make one here, sign in at an app, or use any key: an account that was never seen is opened.',
    row: (one) => {
      const good = one.keys.filter((key) => !key.revoked);
      return [
        [el('span', { class: 'name' }, one.name), one.email && el('div', { class: 'dim' }, one.email)],
        id(one.address, 'address'),
        one.holds.length === 0 ? el('span', { class: 'dim' }, 'nothing') : one.holds.slice(0, 3).map((text) => el('div', {}, text)),
        el('span', {}, good.length > 0 ? plural(good.length, 'key') : 'none', one.keys.length > good.length && el('span', { class: 'dim' }, `, ${one.keys.length - good.length} revoked`)),
        [
          button('Copy key', () => copyKey(one), { class: 'small' }),
          el('button', { type: 'button', class: 'small', 'aria-expanded': String(one.open), 'aria-label': `${one.open ? 'Less' : 'More'} of ${one.name}`, onclick: () => toggle(one.address) }, one.open ? 'Less' : 'More'),
        ],
      ];
    },
    more: (one) => (one.open ? panel(one, { refresh, plans: one.plans }) : undefined),
  },
  plans: {
    columns: ['Plan', 'Price', 'Brings', 'Seller', 'Id'],
    key: (one) => one.planId,
    items: () => state.plans.items.map((one) => ({ ...one, seller: account(one.registry.owner)?.name })),
    empty: 'No plan yet. Register one with the SDK, or start the sandbox with a seed file.',
    row: (one) => {
      const { name, trial, card, price, brings, rules } = terms(one);
      return [
        [el('span', { class: 'name' }, name), ' ', trial && el('span', { class: 'tag info' }, 'trial'), ' ', one.isListed === false && el('span', { class: 'tag' }, 'unlisted')],
        [price, ' ', el('span', { class: 'tag' }, card ? 'card' : 'crypto')],
        [brings, rules && el('div', { class: 'dim' }, rules)],
        person(one.registry.owner),
        id(one.planId, 'plan id'),
      ];
    },
  },
  agents: {
    columns: ['Agent', 'Plans', 'Endpoints', 'Seller', 'Id'],
    key: (one) => one.agentId,
    items: () => state.agents.items.map((one) => ({ ...one, seller: account(one.registry.owner)?.name, names: one.registry.plans.map((planId) => plan(planId)?.name) })),
    empty: 'No agent yet. Register one with the SDK, or start the sandbox with a seed file.',
    row: (one) => {
      const endpoints = (one.metadata.agent?.endpoints ?? []).flatMap((entry) => Object.entries(entry));
      return [
        [el('span', { class: 'name' }, one.metadata.main?.name ?? 'Unnamed'), ' ', one.isListed === false && el('span', { class: 'tag' }, 'unlisted')],
        one.registry.plans.length === 0 ? el('span', { class: 'dim' }, 'none') : one.registry.plans.map((planId) => el('div', {}, planName(planId))),
        endpoints.length === 0 ? el('span', { class: 'dim' }, 'any') : [...endpoints.slice(0, 4).map(([verb, url]) => el('div', { class: 'mono' }, el('span', { class: 'dim' }, verb), ` ${url}`)), endpoints.length > 4 && el('div', { class: 'dim' }, `and ${endpoints.length - 4} more`)],
        person(one.registry.owner),
        id(one.agentId, 'agent id'),
      ];
    },
  },
  balances: {
    columns: ['Holder', 'Plan', ['Credits', 'num'], 'Run out'],
    key: (one) => `${one.planId} ${one.holder}`,
    items: () => state.balances.items.map((one) => ({ ...one, name: account(one.holder)?.name, plan: plan(one.planId)?.name })),
    empty: 'Nobody holds credits yet. They come with an order, a mint, or a top-up of an account.',
    row: (one) => [person(one.holder), planName(one.planId), number(one.balance), one.expiresAt ? until(one.expiresAt) : el('span', { class: 'dim' }, 'never')],
  },
  delegations: {
    columns: ['Of', 'Pays by', 'Spent of limit', 'Status', 'Ends', 'Id', ''],
    key: (one) => one.delegationId,
    items: () => state.delegations.items.map((one) => ({ ...one, name: account(one.owner)?.name, plan: plan(one.planId)?.name })),
    empty: 'No delegation yet. A buyer makes one: it says how much may be spent in their name, and until when.',
    row: (one) => {
      const tone = { Active: 'good', Exhausted: 'due', Expired: '', Revoked: 'bad' }[one.status] ?? '';
      const spent = `${cents(one.amountSpentCents, one.currency)} of ${cents(one.spendingLimitCents, one.currency)}`;
      return [
        [person(one.owner), one.planId && el('div', {}, el('span', { class: 'dim' }, 'for '), planName(one.planId))],
        one.provider === 'erc4337' ? 'wallet' : one.provider,
        [spent, el('span', { class: 'dim' }, ` in ${plural(one.transactionCount, 'charge')}${one.maxTransactions ? ` of ${number(one.maxTransactions)}` : ''}`),
          el('progress', { class: 'meter', max: one.spendingLimitCents, value: one.amountSpentCents, 'aria-label': spent })],
        el('span', { class: `tag ${tone}` }, one.status),
        until(one.expiresAt),
        id(one.delegationId, 'delegation id'),
        one.status === 'Active' || one.status === 'Exhausted' ? button('Revoke', () => revoke(one), { class: 'small' }) : '',
      ];
    },
  },
  orders: {
    columns: ['When', 'Who', 'Plan', 'How', ['Paid', 'num'], 'Transaction'],
    key: (one) => one.tx,
    items: () => state.orders.items.map((one) => ({ ...one, name: account(one.holder)?.name, plan: plan(one.planId)?.name })),
    empty: 'Nothing was bought yet.',
    row: (one) => {
      const tone = { order: 'accent', checkout: 'accent', 'top-up': 'info' }[one.kind] ?? '';
      return [
        el('time', { datetime: one.at, class: 'dim' }, moment(one.at)), person(one.holder), planName(one.planId),
        [el('span', { class: `tag ${tone}` }, one.pending ? `${one.kind}, on its way` : one.kind), one.quantity !== '1' && ` × ${number(one.quantity)}`],
        one.cents === 0 ? el('span', { class: 'dim' }, 'nothing') : cents(one.cents, one.currency), id(one.tx, 'transaction'),
      ];
    },
  },
  sales: {
    columns: ['Order', 'Of', ['Amount', 'num'], 'Status', ''],
    key: (one) => one.id,
    items: () => state.sales.items,
    empty: 'None. An organization makes them with POST /api/v1/orders.',
    row: (one) => {
      const open = one.status === 'requires_payment';
      const tone = { requires_payment: 'due', succeeded: 'good', failed: 'bad' }[one.status] ?? '';
      const act = (word, action) => button(word, async () => { await post(`/sandbox/orders/${part(one.id)}`, { action }); await refresh(); }, { class: 'small' });
      return [
        [id(one.id, 'order id'), one.description && el('div', {}, one.description)], one.orgName ?? one.orgId, cents(one.amountMinor, one.currency),
        el('span', { class: `tag ${tone}` }, one.status.replaceAll('_', ' ')),
        open ? [act('Pay', 'pay'), act('Fail', 'fail')] : one.status === 'succeeded' ? act('Refund', 'refund') : '',
      ];
    },
  },
  organizations: {
    columns: ['Organization', 'Type', 'Members', 'Id'],
    key: (one) => one.orgId,
    items: () => state.organizations.items.map((one) => ({ ...one, names: one.members.map(({ address }) => account(address)?.name) })),
    empty: 'None yet. POST /sandbox/organizations makes one, and so does a seed file.',
    row: (one) => [
      el('span', { class: 'name' }, one.name),
      [el('span', { class: `tag ${one.type === 'Lapsed' ? 'due' : 'accent'}` }, one.type), ' ', !one.isActive && el('span', { class: 'tag bad' }, 'not active')],
      one.members.map(({ address, role, isActive }) => el('div', {}, person(address), ` ${role.toLowerCase()}${isActive ? '' : ', not active'}`)),
      id(one.orgId, 'organization id'),
    ],
  },
};

function holdings(address) {
  const held = state.balances.items.filter((one) => one.holder.toLowerCase() === address.toLowerCase());
  return held.map((one) => `${number(one.balance)} ${plan(one.planId)?.name ?? 'credits'}`);
}

async function copyKey({ address, name }) {
  const { keys } = await get(`/sandbox/accounts/${part(address)}/keys`);
  let key = keys.findLast((one) => one.nvmApiKey && !one.revoked && !one.expired)?.nvmApiKey;
  if (!key) {
    key = (await post(`/sandbox/accounts/${part(address)}/keys`)).nvmApiKey;
    await refresh();
  }
  await copy(key, `Key of ${name}`);
}

async function revoke({ delegationId, owner }) {
  const name = account(owner)?.name ?? owner;
  if (!(await confirmed({ title: 'Revoke this delegation?', text: `Nothing more is paid with it, and the tokens of ${name} that rest on it are worth nothing.`, yes: 'Revoke' }))) return;
  await del(`/sandbox/delegations/${part(delegationId)}`);
  await refresh();
}

function toggle(address) {
  if (!open.delete(address)) open.add(address);
  // The row is rebuilt and its button replaced: focus the new button.
  document.activeElement?.blur();
  draw('accounts');
  find(`row-${address}`)?.querySelector('[aria-expanded]')?.focus();
}

/** The section of one list. */
function draw(name) {
  const { columns, key, items, row, more, empty } = LISTS[name];
  const place = document.querySelector(`[data-list="${name}"]`);
  const rows = items();
  const titles = columns.map((column) => [column].flat());
  if (!place.firstChild) {
    const head = titles.map(([title, kind]) => el('th', { scope: 'col', role: 'columnheader', class: kind }, title || el('span', { class: 'hush' }, 'Actions')));
    place.append(
      el('table', { role: 'table', 'aria-labelledby': `h-${name}` }, el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, head)), el('tbody', { role: 'rowgroup' })),
      el('p', { class: 'empty' }, empty), el('p', { class: 'more-note' }));
  }
  const [table, none, note] = place.children;
  table.hidden = rows.length === 0;
  none.hidden = rows.length > 0;
  const { total } = state[name];
  note.textContent = total > rows.length ? `The newest ${number(rows.length)} of ${number(total)}.` : '';
  reconcile(table.tBodies[0], rows, {
    key, fresh: true,
    make(item) {
      const cells = row(item).map((cell, index) => {
        const [title, kind] = titles[index];
        return el('td', { role: 'cell', 'data-label': title || undefined, class: title === '' ? 'acts' : kind }, [cell].flat());
      });
      const inside = more?.(item);
      const first = el('tr', { role: 'row', id: `row-${key(item)}` }, cells);
      return inside ? [first, el('tr', { role: 'row', class: 'more' }, el('td', { role: 'cell', colspan: columns.length }, inside))] : [first];
    },
  });
}

export function show(next) {
  state = next;
  for (const name of Object.keys(LISTS)) draw(name);
  for (const node of document.querySelectorAll('[data-count]')) {
    const { count } = node.dataset;
    const total = count === 'faults' ? state.faults?.length : state[count]?.total;
    node.textContent = total ? number(total) : '';
  }
}

export function begin(then) {
  refresh = then;
  find('new-account').addEventListener('submit', (event) => {
    event.preventDefault();
    const field = find('account-name');
    busy(event.submitter ?? event.target.querySelector('button'), async () => {
      const name = field.value.trim();
      const made = await post('/sandbox/accounts', name ? { name } : {});
      field.value = '';
      open.add(made.accountAddress);
      await refresh();
      toast(`${name || 'The account'} is there, with a key`);
    });
  });
}
