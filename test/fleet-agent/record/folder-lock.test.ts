// Laws of the lock of a data folder: one process at a time, whatever became of those before.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFolder } from '../../../fleet-agent/src/record/folder-lock.ts';
import { type Clock, SystemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';

const clock = new SystemClock();
const CONTENDERS = 6;

let root: string;
const children = new Set<ChildProcess>();
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'slipway-lock-'));
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

/** A process that tries for the lock, and its answer. */
async function contender(folder: string): Promise<{ child: ChildProcess; answer: string }> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'lock-child.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  const [answer] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, answer: answer.toString('utf8').trim() };
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

const lock = (folder: string): Promise<AsyncDisposable> => lockFolder(folder, clock, silentLogger);

test('a folder that is held is refused, in the same process as in another, and free again when it is let go', async () => {
  const first = await lock(root);
  await expect(lock(root)).rejects.toMatchObject({ code: 'AGENT_DATA_BUSY' });
  expect((await contender(root)).answer).toBe('AGENT_DATA_BUSY');
  await first[Symbol.asyncDispose]();
  await using again = await lock(root);
  expect(again).toBeDefined();
});

test('of many that start at once after the holder was killed, exactly one holds it; five times', {
  timeout: 300_000,
}, async () => {
  let { child, answer } = await contender(root);
  expect(answer).toBe('held');
  for (let round = 0; round < 5; round++) {
    await kill(child, 'SIGKILL');
    const all = await Promise.all(Array.from({ length: CONTENDERS }, () => contender(root)));
    expect(all.map((one) => one.answer).sort()).toEqual([...Array(CONTENDERS - 1).fill('AGENT_DATA_BUSY'), 'held']);
    ({ child, answer } = all.find((one) => one.answer === 'held')!);
  }
});

test('a holder that is stopped, not dead, still holds it', async () => {
  const { child } = await contender(root);
  child.kill('SIGSTOP');
  await expect(lock(root)).rejects.toMatchObject({ code: 'AGENT_DATA_BUSY' });
  await kill(child, 'SIGKILL');
  await using mine = await lock(root);
  expect(mine).toBeDefined();
});

test('what was left by one that died while it took over is in nobody’s way', { timeout: 90_000 }, async () => {
  await kill((await contender(root)).child, 'SIGKILL');
  mkdirSync(path.join(root, 'agent.lock.takeover'));
  await using mine = await lock(root);
  expect(mine).toBeDefined();
});

test.runIf(process.platform === 'linux')('a folder with a long path is held as well', async () => {
  const deep = path.join(root, ...Array<string>(8).fill('a-folder-with-a-long-name'));
  mkdirSync(deep, { recursive: true });
  const { child, answer } = await contender(deep);
  expect(answer).toBe('held');
  await expect(lock(deep)).rejects.toMatchObject({ code: 'AGENT_DATA_BUSY' });
  await kill(child, 'SIGKILL');
  await using mine = await lock(deep);
  expect(mine).toBeDefined();
});

test.each<[string, string, (file: string) => void]>([
  ['a folder where the lock is', 'agent.lock', (file) => mkdirSync(file)],
  ['a file where the takeover is', 'agent.lock.takeover', (file) => writeFileSync(file, 'x')],
  [
    'a takeover that holds something',
    'agent.lock.takeover',
    (file) => mkdirSync(path.join(file, 'x'), { recursive: true }),
  ],
])('%s is refused in time by its name, and left as it is', { timeout: 90_000 }, async (_, name, put) => {
  const file = path.join(root, name);
  if (name !== 'agent.lock') writeFileSync(path.join(root, 'agent.lock'), '123');
  put(file);
  const error = await lock(root).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'AGENT_DATA_BUSY', message: expect.stringContaining(file) });
  expect((error as { remedy: string }).remedy).toContain('remove');
  expect(existsSync(file)).toBe(true);
  rmSync(file, { recursive: true });
  await using mine = await lock(root);
  expect(mine).toBeDefined();
});

test('of many that wait for the same takeover of a dead one, exactly one holds the folder', {
  timeout: 180_000,
}, async () => {
  mkdirSync(path.join(root, 'agent.lock.takeover'));
  writeFileSync(path.join(root, 'agent.lock'), '');
  const all = await Promise.all(Array.from({ length: CONTENDERS }, () => contender(root)));
  expect(all.map((one) => one.answer).sort()).toEqual([...Array(CONTENDERS - 1).fill('AGENT_DATA_BUSY'), 'held']);
  expect(readdirSync(root)).toEqual(['agent.lock']);
});

test('one that waited for a dead one’s takeover leaves that of the living one alone which followed', {
  timeout: 90_000,
}, async () => {
  const takeover = path.join(root, 'agent.lock.takeover');
  mkdirSync(takeover);
  writeFileSync(path.join(root, 'agent.lock'), '');
  const stale = statSync(takeover).mtimeMs;
  const isTaken = () => (statSync(takeover, { throwIfNoEntry: false })?.mtimeMs ?? stale) !== stale;
  const [taken, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const clockOf = (sleep: () => Promise<void>): Clock => ({
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    sleep,
  });
  const quick = clockOf(async () => {
    await clock.sleep(1);
    if (!isTaken()) return;
    taken.resolve();
    await go.promise;
  });
  let pauses = 0;
  let first: Promise<AsyncDisposable> | undefined;
  /** Is stopped when it has waited long enough for the dead one, and goes on when the other one has begun. */
  const late = clockOf(async () => {
    pauses += 1;
    await clock.sleep(pauses < 40 ? 1 : 20);
    if (pauses !== 40) return;
    first = lockFolder(root, quick, silentLogger);
    await taken.promise;
    void clock.sleep(300).then(go.resolve);
  });
  await expect(lockFolder(root, late, silentLogger)).rejects.toMatchObject({ code: 'AGENT_DATA_BUSY' });
  await using mine = await first;
  expect(mine).toBeDefined();
});
