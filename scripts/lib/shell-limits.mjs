// The limits of the gate's shells as JavaScript: `src/paywall/state/shell_limits.rs` is their source.
import { readFileSync } from 'node:fs';
import { repoPath } from './run.mjs';

export function shellLimits() {
  const rust = readFileSync(repoPath('src/paywall/state/shell_limits.rs'), 'utf8');
  const limits = [...rust.matchAll(/\/\/\/ (.+)\n(?:#\[.+\n)?pub\(crate\) const (\w+): \w+ = ([\d_]+);/g)];
  const lines = limits.map(([, doc, name, value]) => `/** ${doc} */\nexport const ${name} = ${value};\n`);
  return `// Made from src/paywall/state/shell_limits.rs by \`npm run docs\`; a test compares.\n\n${lines.join('')}`;
}
