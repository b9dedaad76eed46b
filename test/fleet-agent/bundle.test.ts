// Laws of the agent's one file: small, and without anything that makes code at run time.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildAgent } from '../../fleet-agent/build.ts';

const MOST_BYTES = 626_000;
const folder = mkdtempSync(path.join(tmpdir(), 'agent-bundle-'));
const file = path.join(folder, 'slipway-agent.cjs');
let text = '';

beforeAll(async () => {
  await buildAgent(file);
  text = readFileSync(file, 'utf8');
});
afterAll(() => rmSync(folder, { recursive: true }));

test(`the agent has at most ${MOST_BYTES} bytes`, () => {
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MOST_BYTES);
  expect(Buffer.byteLength(text)).toBeGreaterThan(100_000);
});

test.each([
  ['makes functions of text', /\bnew Function\b|[^.\w]Function\(|[^.\w]eval\(/],
  ['carries Ajv', /\bajv\b/i],
  ['carries a schema that only the service reads', /rollout-policy\.schema|slipway-rule/],
])('nothing in it %s', (_, pattern) => {
  expect(pattern.exec(text)?.[0]).toBeUndefined();
});
