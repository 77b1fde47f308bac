// The 402 page: its scripts, as texts of a module, and its parts.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dist } from '../dist.mjs';
import { repoPath } from '../run.mjs';
import { smaller } from './scripts.mjs';

/** A module of the 402 page's scripts, as texts. `shared` are modules beside it whose default is a text, which it takes from there. */
export async function pageScripts({ dev, shared = [] }) {
  const { build: bundle } = await import('esbuild');
  const texts = {};
  if (pageIsBuilt()) {
    const beside = ['core.packed.js', 'account.js', 'checkout.js', 'quote.js'];
    const { outputFiles: [page] } = await bundle({
      entryPoints: [repoPath('src/paywall/page/script/page.js')], bundle: true, write: false, format: 'esm', target: 'es2022',
      alias: { 'payments-wasm': dist('subscriber', 'packed.js') }, external: [...beside, 'helpers.js', 'budget_store.js', 'wrap_fetch.js', 'dialects.js', 'mcp_client.js', 'a2a_client.js', 'selling.js', 'seller.load.js'].map((name) => `./${name}`),
      minify: !dev, legalComments: 'none', logLevel: 'error',
    });
    texts['page.js'] = dev ? page.text : (await smaller(page.text)).code;
    for (const name of beside) texts[name] = readFileSync(dist('subscriber', name), 'utf8');
  }
  const parts = pageIsBuilt() ? await pageParts({ dev }) : {};
  const id = createHash('sha256').update(JSON.stringify([texts, parts])).digest('hex').slice(0, 16);
  const listed = JSON.stringify(JSON.stringify({ id, files: Object.keys(texts), ...parts }));
  const taken = shared.filter((name) => texts[name]);
  const imports = taken.map((name, index) => `import text${index} from './${name}';\n`).join('');
  const content = Object.entries(texts).map(([name, text]) =>
    `${JSON.stringify(name)}: ${taken.includes(name) ? `\`export default "\${text${taken.indexOf(name)}}";\\n\`` : JSON.stringify(text)}`).join(',\n');
  return `// What the 402 page is made of, and its scripts, as texts.\n${imports}export const PAGE_FILES = ${listed};\nexport const PAGE_CONTENT = {${content}};\n`;
}

/** The parts of the gate's page. They are not in the wasm, because a gate without a page loads that too. */
async function pageParts({ dev }) {
  const { transform } = await import('esbuild');
  const text = (name) => readFileSync(repoPath('src/paywall/page', name), 'utf8');
  const { code: style } = await transform(text('page.css'), { loader: 'css', minify: !dev, legalComments: 'none' });
  return { layout: text('page.html'), frame: text('frame.html'), style, texts: JSON.parse(text('texts.json')) };
}

export const pageIsBuilt = () => process.env.PAYWALL_PAGE !== 'off';
