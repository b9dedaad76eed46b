// Owns the proof that a device killed at any persisted step comes back serving one whole, verified version, and carries on.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { constantClassifier } from '../support/onnx-fixture.ts';
import type { ChildLine, ChildOrder } from './crash-child.ts';
import { DeviceWorld, openHost, type PublishedModel, untilRuns } from './device-world.ts';

/** Class that each version answers: anything else would be a mixture. */
const BEST: Readonly<Record<string, number>> = { '1.0.0': 0, '2.0.0': 1 };

let world: DeviceWorld;
let stable: PublishedModel;
let prepared: string;

beforeAll(async () => {
  world = await DeviceWorld.open();
  stable = await world.publishModel({ version: '1.0.0' });
  await world.direct(world.entry({ stable }));
  const host = openHost();
  const first = await world.startAgent(host);
  await untilRuns(first.agent, '1.0.0');
  await first.stop();
  await host.close();
  prepared = path.join(world.folder, 'devices', 'device-1');
});
const children = new Set<ChildProcess>();
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
});
afterAll(() => world[Symbol.asyncDispose]());

/** A copy of the device that runs 1.0.0. */
async function freshDevice(name: string): Promise<string> {
  const folder = path.join(world.folder, 'copies', name);
  mkdirSync(path.dirname(folder), { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  cpSync(prepared, folder, { recursive: true, verbatimSymlinks: true });
  await writeFile(path.join(world.folder, 'root.json'), world.factoryRoot);
  return folder;
}

interface Child {
  readonly process: ChildProcess;
  readonly lines: ChildLine[];
  readonly ended: Promise<NodeJS.Signals | number | null>;
  readonly until: (wanted: (line: ChildLine) => boolean) => Promise<ChildLine>;
}

function start(folder: string, dieAfter: number): Child {
  const order: ChildOrder = {
    ...{ folder, dieAfter, serverUrl: world.serverUrl, mirrorUrl: world.mirrorUrl, publicPem: world.ci.publicPem },
    rootFile: path.join(world.folder, 'root.json'),
  };
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'crash-child.ts'), JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  child.on('exit', () => children.delete(child));
  const lines: ChildLine[] = [];
  const ended = new Promise<NodeJS.Signals | number | null>((resolve) =>
    child.on('exit', (code, signal) => resolve(signal ?? code)),
  );
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(JSON.parse(text) as ChildLine);
    for (const wake of waiting) wake();
  });
  const until = (wanted: (line: ChildLine) => boolean): Promise<ChildLine> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`waited in vain; it said ${JSON.stringify(lines)}`)), 60_000);
      const look = (): void => {
        const found = lines.find(wanted);
        if (found === undefined) return;
        clearTimeout(late);
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { process: child, lines, ended, until };
}

async function stop(child: Child): Promise<void> {
  child.process.kill('SIGTERM');
  await child.ended;
}

/** Serves at once, one whole version; ends where it should. */
async function expectRecovery(folder: string, endsWith: { version: string; state: string }): Promise<void> {
  const again = start(folder, 0);
  const first = await again.until((line) => line.kind === 'first');
  expect(first).toMatchObject({ version: expect.stringMatching(/^[12]\.0\.0$/), best: BEST[String(first.version)] });
  await again.until(
    (line) => line.kind === 'state' && line.version === endsWith.version && line.state === endsWith.state,
  );
  await stop(again);
}

describe.each([
  { title: 'on the way to a good version', bad: false, spec: {}, endsWith: { version: '2.0.0', state: 'committed' } },
  {
    title: 'on the way to a version that fails its self-test',
    bad: true,
    spec: {},
    endsWith: { version: '1.0.0', state: 'failed' },
  },
])('killed $title', ({ bad, spec, endsWith }) => {
  test('right after any journal write, it comes back serving and goes on', { timeout: 240_000 }, async () => {
    const onnx = constantClassifier(1, 1_500_000 + Number(bad));
    const candidate = await world.publishModel({ version: '2.0.0', onnx, expects: bad ? 'letter' : 'receipt', spec });
    await world.direct(world.entry({ stable, candidate }));
    let deaths = 0;
    for (let dieAfter = 1; dieAfter < 30; dieAfter++) {
      const folder = await freshDevice(`${bad}-${dieAfter}`);
      const child = start(folder, dieAfter);
      const end = await Promise.race([
        child.ended,
        child.until(
          (line) => line.kind === 'state' && line.version === endsWith.version && line.state === endsWith.state,
        ),
      ]);
      if (end !== 'SIGKILL') {
        await stop(child);
        break;
      }
      deaths += 1;
      await expectRecovery(folder, endsWith);
    }
    expect(deaths).toBeGreaterThanOrEqual(bad ? 5 : 6);
  });
});

test('killed again and again at any moment, a device arrives at the candidate and never serves anything else', {
  timeout: 240_000,
}, async () => {
  const candidate = await world.publishModel({
    version: '2.0.0',
    onnx: constantClassifier(1, 3_000_000),
    expects: 'receipt',
  });
  await world.direct(world.entry({ stable, candidate }));
  const folder = await freshDevice('any-moment');
  for (let kill = 0; kill < 8; kill++) {
    const child = start(folder, 0);
    await child.until((line) => line.kind === 'first');
    await new Promise((resolve) => setTimeout(resolve, kill * 13));
    child.process.kill('SIGKILL');
    await child.ended;
    for (const line of child.lines) {
      if (line.kind === 'first') expect(line.best).toBe(BEST[String(line.version)]);
    }
  }
  await expectRecovery(folder, { version: '2.0.0', state: 'committed' });
});
