// The details of an account: its keys, how to use one, and a top-up.
import { del, get, part, post } from './api.js';
import { busy, button, confirmed, copy, el, fault, id, toast } from './dom.js';
import { credits, moment } from './format.js';

export function panel(account, { refresh, plans }) {
  return el('div', { class: 'panel' }, keys(account, refresh), topUp(account, plans, refresh));
}

function keys(account, refresh) {
  const path = `/sandbox/accounts/${part(account.address)}/keys`;
  const list = el('ul', { class: 'rows' });
  const good = account.keys.filter((key) => !key.revoked);
  for (const key of account.keys.slice(-8).reverse()) list.append(one(key));
  if (account.keys.length === 0) list.append(el('li', { class: 'dim' }, 'No key was handed out here.'));

  function one(key) {
    const text = async () => (await get(path)).keys.find(({ keyId }) => keyId === key.keyId)?.nvmApiKey;
    const state = key.revoked ? el('span', { class: 'tag bad' }, 'revoked') : key.expired ? el('span', { class: 'tag' }, 'expired') : undefined;
    const actions = !state && key.kept && [
      button('Copy', async () => copy(await text(), 'Key'), { class: 'small', 'aria-label': `Copy key ${key.keyId}` }),
      button('Copy env', async () => copy(env(await text()), 'Environment'), { class: 'small', 'aria-label': `Copy the environment with key ${key.keyId}` }),
    ];
    return el('li', {}, el('span', {}, id(key.keyId, 'key id'), ' ', key.orgId && el('span', { class: 'tag info' }, 'of an organization'), ' ', key.createdAt && el('span', { class: 'dim' }, moment(key.createdAt).slice(0, 16))),
      el('span', { class: 'line' }, state, actions, !key.revoked && button('Revoke', async () => {
        await del(`${path}/${part(key.keyId)}`);
        await refresh();
        toast('Revoked: calls with it are refused');
      }, { class: 'small', 'aria-label': `Revoke key ${key.keyId}` })));
  }

  return el('section', {}, el('h3', {}, 'Keys'), list, el('p', { class: 'line' },
    button('New key', async () => {
      const { nvmApiKey } = await post(path);
      await copy(nvmApiKey, 'New key');
      await refresh();
    }, { class: 'small' }),
    good.length > 1 && button('Revoke all…', async () => {
      if (!(await confirmed({ title: `Revoke all keys of ${account.name}?`, text: 'Calls with any of them are refused from now on. You can make new ones.', yes: 'Revoke all' }))) return;
      await del(path);
      await refresh();
    }, { class: 'small danger' })));
}

const env = (key) => `NVM_API_KEY=${key}\nNVM_BACKEND_URL=${location.origin}\nNVM_ENVIRONMENT=custom\n`;

function topUp(account, plans, refresh) {
  const name = (text) => `${text}-${account.address}`;
  if (plans.length === 0) return el('section', {}, el('h3', {}, 'Top up'), el('p', { class: 'dim' }, 'There is no plan yet whose credits could be handed out.'));
  const wrong = el('p', { class: 'field-error', id: name('wrong'), role: 'alert', hidden: true });
  const plan = el('select', { id: name('plan') }, plans.map((one) => el('option', { value: one.planId }, one.name)));
  const amount = el('input', { id: name('amount'), type: 'text', inputmode: 'numeric', value: '100', autocomplete: 'off', 'aria-describedby': name('wrong') });
  const form = el('form', { class: 'line', novalidate: true, onsubmit: (event) => {
    event.preventDefault();
    fault(amount, wrong);
    if (!/^[1-9]\d{0,77}$/.test(amount.value.trim())) return fault(amount, wrong, 'A whole number above 0.');
    busy(form.querySelector('button'), async () => {
      try {
        await post(`/sandbox/accounts/${part(account.address)}/credits`, { planId: plan.value, amount: amount.value.trim() });
      } catch (error) {
        return fault(amount, wrong, error.message);
      }
      toast(`${account.name} has ${credits(amount.value.trim())} more`);
      await refresh();
    });
  } },
  el('span', { class: 'field' }, el('label', { for: name('plan') }, 'Plan'), plan),
  el('span', { class: 'field' }, el('label', { for: name('amount') }, 'Credits'), amount),
  el('button', {}, 'Hand out'));
  return el('section', {}, el('h3', {}, 'Top up'), form, wrong);
}
