// Laws of what the device's program carries: of the contract no more than it needs, and nothing of the documents.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { isGenerated } from './breaches.ts';
import { readSource, type SourceFile, targetOf } from './source-reading.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const MOST_CONTRACT_LINES = 5350;

/** The files that run when the first one does: imports of types alone don't count. */
function reach(first: string): SourceFile[] {
  const files = new Map<string, SourceFile>();
  const waiting = [first];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(file) || !file.endsWith('.ts')) continue;
    const source = { path: file, text: readFileSync(path.join(ROOT, file), 'utf8') };
    files.set(file, source);
    for (const { from, isType } of readSource(source).imports) {
      const target = isType ? undefined : targetOf(file, from);
      if (target !== undefined) waiting.push(target);
    }
  }
  return [...files.values()];
}

const onDevice = reach('fleet-agent/src/main.ts');

test(`the device reaches at most ${MOST_CONTRACT_LINES} lines of the contract that were written by hand`, () => {
  const contract = onDevice.filter((file) => file.path.startsWith('src/contract/') && !isGenerated(file));
  const lines = contract.reduce((sum, { text }) => sum + text.split('\n').length - 1, 0);
  expect(contract.length).toBeGreaterThan(20);
  expect(lines).toBeLessThanOrEqual(MOST_CONTRACT_LINES);
});

test('the device reaches nothing of the service but base and contract', () => {
  const others = onDevice
    .map((file) => file.path)
    .filter((file) => !/^(fleet-agent|src\/(base|contract))\//.test(file));
  expect(others).toEqual([]);
});

test('a value, a re-export and an import() are found; a type is not', () => {
  const text = [
    "import type { A } from './a.ts';",
    "import { type B } from './b.ts';",
    "import { type C, c } from './c.ts';",
    "import './d.ts';",
    "export { e } from './e.ts';",
    "export type { F } from './f.ts';",
    "await import('./g.ts');",
  ].join('\n');
  const { imports } = readSource({ path: 'src/base/x.ts', text });
  const values = imports.filter(({ isType }) => !isType).map(({ from }) => from);
  expect(values.sort()).toEqual(['./c.ts', './d.ts', './e.ts', './g.ts']);
});
