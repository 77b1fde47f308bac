// The length of files: a file has 400 lines at most, or a reason that stands here.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { repoPath } from '../../scripts/lib/run.mjs';

const LIMIT = 400;
const FOLDERS = ['src', 'sandbox', 'tests', 'scripts', 'www', 'pkg-template', 'examples', 'tools'];
const CODE = /\.(rs|js|mjs|cjs|jsx|ts|cts|py|svelte|html|css)$/;
/** Longer files, each with its reason. */
const EXEMPT = {};

test('no file is longer than 400 lines without a reason', () => {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...FOLDERS], { cwd: repoPath('.'), encoding: 'utf8', maxBuffer: 16 << 20 });
  const files = listed.split('\n').filter((path) => CODE.test(path) && existsSync(repoPath(path)));
  assert.ok(files.length > 600, `${files.length} files were found`);
  const lines = (path) => readFileSync(repoPath(path), 'utf8').split('\n').length - 1;
  const long = files.map((path) => [path, lines(path)]).filter(([, count]) => count > LIMIT);
  assert.deepEqual(long.filter(([path]) => !EXEMPT[path]), []);
  assert.deepEqual(Object.keys(EXEMPT).filter((path) => !long.some(([other]) => other === path)), [], 'the exemption is not needed any more');
});
