// Laws of lists that are read again: a good edit is in force within seconds, a broken one changes nothing and is reported with its place.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { CodedError } from '../../src/base/errors.ts';
import { createLogger } from '../../src/base/logger.ts';
import { type Home, homeAt } from '../../src/cli/home.ts';
import { openNotifications, openProviders } from '../../src/cli/home-files.ts';
import { WatchedFile } from '../../src/cli/watched-file.ts';
import { until } from '../support/until.ts';

const system = new SystemClock();
/** Looks every few milliseconds. */
const clock = {
  now: () => system.now(),
  monotonicMs: () => system.monotonicMs(),
  sleep: (ms: number, signal?: AbortSignal) => system.sleep(Math.min(ms, 10), signal),
};
let folder: string;
let home: Home;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'slipway-list-'));
  home = homeAt(folder);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const write = (spec: string) =>
  writeFile(home.notify, `apiVersion: slipway.dev/v1alpha1\nkind: Notifications\nspec:\n${spec}`);
const webhook = (...names: string[]) =>
  `  webhooks: [${names.map((name) => `{ name: ${name}, url: "https://events.example.com/" }`).join(', ')}]\n`;

function watched<T>(list: WatchedFile<T>) {
  const lines: { readonly level: string; readonly message: string; readonly error?: object }[] = [];
  const taken: T[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line));
  const logger = createLogger({ least: 'info', pretty: false, now: () => 0, write });
  const end = new AbortController();
  const done = list.follow((value) => void taken.push(value), { clock, logger, signal: end.signal });
  return {
    ...{ lines, taken },
    [Symbol.asyncDispose]: async () => {
      end.abort();
      await done;
    },
  };
}

async function settled<T>(list: WatchedFile<T>): Promise<boolean> {
  expect(await list.look()).toBe(false);
  return list.look();
}

describe('the list of notification targets', () => {
  const namesIn = (list: Awaited<ReturnType<typeof openNotifications>>) => list.value.targets.map((one) => one.name);

  test('is in force as it lies there, without a restart: targets, pages and times', async () => {
    const list = await openNotifications(home, null, clock);
    expect(namesIn(list)).toEqual([]);
    await using run = watched(list);
    await write(`${webhook('ops')}  offDeclaredAfter: 3m\n  runbooks: { "*": "https://wiki.example.com/" }\n`);
    await until(
      () => run.taken.length === 1,
      () => run.lines,
    );
    expect(namesIn(list)).toEqual(['ops']);
    expect(run.taken[0]).toMatchObject({
      offDeclaredAfterMs: 180_000,
      runbooks: new Map([['*', 'https://wiki.example.com/']]),
    });
    expect(run.lines).toMatchObject([
      { level: 'info', message: 'file read again', name: 'list of notification targets' },
    ]);
  });

  test('that is broken leaves the one before in force, and is logged once with its place until it is fixed', async () => {
    await write(webhook('ops'));
    const list = await openNotifications(home, null, clock);
    await using run = watched(list);
    await write(webhook('new').replace('url', 'adress'));
    await until(
      () => list.problem !== null,
      () => run.lines,
    );
    await system.sleep(100);
    expect(namesIn(list)).toEqual(['ops']);
    expect(run.taken).toEqual([]);
    expect(list.problem?.message).toContain(
      "The list of notification targets was changed and can't be used; the previous one stays",
    );
    expect(run.lines).toMatchObject([{ level: 'error', error: { at: { file: home.notify, line: 4 } } }]);
    await write(webhook('new'));
    await until(
      () => run.taken.length === 1,
      () => run.lines,
    );
    expect(namesIn(list)).toEqual(['new']);
    expect(list.problem).toBeNull();
  });

  test('that goes away is no list: its targets would lose what waits for them', async () => {
    await write(webhook('ops'));
    const list = await openNotifications(home, null, clock);
    await rm(home.notify);
    expect(await settled(list)).toBe(false);
    expect(namesIn(list)).toEqual(['ops']);
    expect(list.problem).toMatchObject({ code: 'FILE_UNREADABLE' });
    await write(webhook('ops'));
    expect(await settled(list)).toBe(true);
    expect(list.problem).toBeNull();
  });

  test('that is caught half written, or between two names, is not read', async () => {
    await write(webhook('ops', 'late'));
    const list = await openNotifications(home, null, clock);
    await write(webhook('ops'));
    expect(await list.look()).toBe(false);
    await rm(home.notify);
    expect(await list.look()).toBe(false);
    await write(webhook('new'));
    expect(await list.look()).toBe(false);
    expect(namesIn(list)).toEqual(['ops', 'late']);
    expect(list.problem).toBeNull();
    expect(await list.look()).toBe(true);
    expect(namesIn(list)).toEqual(['new']);
  });

  test('that is longer than any list is refused by its size', async () => {
    const list = await openNotifications(home, null, clock);
    await writeFile(home.notify, '#'.repeat(2 ** 21));
    expect(await settled(list)).toBe(false);
    expect(list.problem).toMatchObject({ code: 'FILE_SIZE' });
  });
});

describe('a reading that fails', () => {
  const busy = () => Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE', errno: -24 });
  /** A list whose reading throws what `next` holds, if anything. */
  async function open(next: { error: Error | null; reads: number }) {
    const file = path.join(folder, 'list');
    await writeFile(file, 'one');
    const read = async () => {
      next.reads++;
      if (next.error !== null) throw next.error;
      return readFile(file, 'utf8');
    };
    return { file, list: await WatchedFile.open({ name: 'list', file, read }) };
  }

  test.each([
    ['for a moment', busy()],
    ['for a moment, as readers tell it', new CodedError({ code: 'LIST_UNREADABLE', message: 'no', cause: busy() })],
    ['by what passes', new CodedError({ code: 'LIST_BUSY', kind: 'retry-later', message: 'no' })],
  ])('%s is tried again, though the file lies there as before', async (_, error) => {
    const next = { error: null as Error | null, reads: 0 };
    const { file, list } = await open(next);
    await writeFile(file, 'two');
    next.error = error;
    expect(await settled(list)).toBe(false);
    expect(await list.look()).toBe(false);
    expect(list.problem?.message).toContain("can't be used");
    next.error = null;
    expect(await list.look()).toBe(true);
    expect([list.value, list.problem]).toEqual(['two', null]);
    expect(await list.look()).toBe(false);
  });

  test('by what stands in the file is not tried again before that changes', async () => {
    const next = { error: null as Error | null, reads: 0 };
    const { file, list } = await open(next);
    await writeFile(file, 'two');
    next.error = new CodedError({ code: 'LIST_WRONG', message: 'no such field' });
    expect(await settled(list)).toBe(false);
    const before = next.reads;
    expect(await list.look()).toBe(false);
    expect(next.reads).toBe(before);
    next.error = null;
    await writeFile(file, 'three');
    expect(await settled(list)).toBe(true);
    expect(list.value).toBe('three');
  });
});

test('the list of providers says after each reading which secrets are lacking, and may go away', async () => {
  const providers = (secret: string) => `apiVersion: slipway.dev/v1alpha1
kind: SignalProviders
spec:
  webhooks: [{ name: desk, url: "https://desk.example.com/", secretFile: ${secret} }]
`;
  await writeFile(home.signals, providers('one'));
  const list = await openProviders(home, null, clock);
  await using run = watched(list);
  await until(
    () => run.lines.length === 1,
    () => run.lines,
  );
  await writeFile(home.signals, providers('two'));
  await until(
    () => run.lines.length === 3,
    () => run.lines,
  );
  expect(run.lines).toMatchObject([
    { level: 'warn', provider: 'desk', file: path.join(folder, 'one') },
    { level: 'info', message: 'file read again' },
    { level: 'warn', provider: 'desk', file: path.join(folder, 'two') },
  ]);
  await rm(home.signals);
  await until(
    () => list.value.length === 0,
    () => run.lines,
  );
});
