// Owns the laws of what a device remembers: time and revisions never go back, and a clock that is wrong poisons nothing.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeviceMemory } from '../../../fleet-agent/src/record/device-memory.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-memory-'));
  file = path.join(folder, 'memory.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (now: number) => ({ now: () => now, monotonicMs: () => 0, sleep: async () => undefined });
const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

test('a device whose clock starts in 1970 knows that it is later: the floor is that of the last accepted directive', async () => {
  const then = 56 * YEAR_MS;
  await (await DeviceMemory.open(file, at(then))).accept([], then + 7 * DAY_MS);
  expect((await DeviceMemory.open(file, at(5000))).nowMs()).toBe(then);
  expect((await DeviceMemory.open(file, at(then + 5000))).nowMs()).toBe(then + 5000);
});

test('a clock that was far ahead leaves no floor behind unless a signed directive was in date then', async () => {
  expect((await DeviceMemory.open(file, at(200 * YEAR_MS))).nowMs()).toBe(200 * YEAR_MS);
  expect((await DeviceMemory.open(file, at(56 * YEAR_MS))).nowMs()).toBe(56 * YEAR_MS);
});

test('a directive that is recalled from disk raises no floor, whatever the clock says', async () => {
  const ahead = await DeviceMemory.open(file, at(200 * YEAR_MS));
  await ahead.accept([{ rollout: 'r', revision: 7 }], null);
  expect((await DeviceMemory.open(file, at(56 * YEAR_MS))).nowMs()).toBe(56 * YEAR_MS);
});

test('a floor beyond the dates of what is accepted now is let go', async () => {
  await (await DeviceMemory.open(file, at(60 * YEAR_MS))).accept([], 60 * YEAR_MS + 7 * DAY_MS);
  const memory = await DeviceMemory.open(file, at(56 * YEAR_MS));
  expect(memory.nowMs()).toBe(60 * YEAR_MS);
  await memory.accept([], 56 * YEAR_MS + 7 * DAY_MS);
  expect(memory.nowMs()).toBe(56 * YEAR_MS);
  expect((await DeviceMemory.open(file, at(5000))).nowMs()).toBe(56 * YEAR_MS);
});

test('revisions only rise, over restarts too; a torn file starts anew', async () => {
  const memory = await DeviceMemory.open(file, at(0));
  await memory.accept([{ rollout: 'r', revision: 7 }], null);
  await memory.accept([{ rollout: 'r', revision: 3 }], null);
  expect((await DeviceMemory.open(file, at(0))).revisionOf('r')).toBe(7);
  writeFileSync(file, '{"format":1,"timeFl');
  expect((await DeviceMemory.open(file, at(0))).revisionOf('r')).toBe(0);
});
