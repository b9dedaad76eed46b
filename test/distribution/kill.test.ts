// What survives a publisher that is killed: readers always see one whole publication, the old one or the new one.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { randomBelow, seededRandom } from '../../src/base/random.ts';
import { sha256Hex } from '../../src/contract/digest.ts';
import { StaticServer } from '../support/static-server.ts';
import { answerOf, directiveAt, HOUR, PublicationWorld, refresh } from './publication-world.ts';

const CHILD = fileURLToPath(new URL('publish-child.ts', import.meta.url));

/** Runs the child; undefined when it died. */
async function runChild(
  world: PublicationWorld,
  dieAt: number,
  revision: number,
  killAfterMs?: number,
): Promise<{ readonly kind: string; readonly metadataVersion: number; readonly steps: number } | undefined> {
  const child = spawn(process.execPath, [CHILD, world.folder, String(dieAt), String(revision), `child-${revision}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let complaints = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on('close', (...how) => resolve(how)),
  );
  clearTimeout(timer);
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(complaints);
  return out === '' ? undefined : JSON.parse(out);
}

/** No file under a digest's or a version's name may ever be half. */
function assertNoHalfFiles(world: PublicationWorld): void {
  const at = (...parts: string[]) => path.join(world.publication, ...parts);
  for (const name of readdirSync(at('metadata')))
    if (name.endsWith('.json')) JSON.parse(readFileSync(at('metadata', name), 'utf8'));
  for (const name of readdirSync(at('targets')))
    if (!name.endsWith('.tmp')) expect(sha256Hex(readFileSync(at('targets', name)))).toBe(name.split('.')[0]);
  for (const name of readdirSync(at('manifests')))
    if (name.endsWith('.yaml')) expect(sha256Hex(readFileSync(at('manifests', name)))).toBe(name.split('.')[0]);
}

/** Content of each metadata version that a reader could have seen; a second content is a breach. */
class SeenVersions {
  readonly #seen = new Map<string, string>();

  look(world: PublicationWorld): number {
    const read = (name: string) => readFileSync(path.join(world.publication, 'metadata', name), 'utf8');
    const pointer = read('timestamp.json');
    const { version } = JSON.parse(pointer).signed;
    const snapshot = `${JSON.parse(pointer).signed.meta['snapshot.json'].version}.snapshot.json`;
    const targets = `${JSON.parse(read(snapshot)).signed.meta['targets.json'].version}.targets.json`;
    for (const [name, text] of [
      [`${version}.timestamp`, pointer],
      [snapshot, read(snapshot)],
      [targets, read(targets)],
    ] as const) {
      expect([name, this.#seen.get(name) ?? text]).toEqual([name, text]);
      this.#seen.set(name, text);
    }
    return version;
  }
}

describe('a killed publisher', () => {
  it('leaves the old publication or the new one, at whichever step it dies, and the next one goes on', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    const seen = new SeenVersions();
    let before = seen.look(world);
    let revision = 1;
    let deaths = 0;
    let swappedWithoutRecord = 0;
    for (let dieAt = 1; ; dieAt++) {
      revision++;
      const outcome = await runChild(world, dieAt, revision);
      const version = seen.look(world);
      expect(version).toBeGreaterThanOrEqual(before);
      before = version;
      assertNoHalfFiles(world);
      const known = device.lastAccepted()?.entries[0]?.revision ?? 0;
      const answer = answerOf(await refresh(device));
      expect([dieAt, answer === 'unchanged' ? known : answer]).toEqual([dieAt, expect.toBeOneOf([known, revision])]);
      expect([dieAt, answerOf(await refresh(await world.device(host.url)))]).toEqual([
        dieAt,
        expect.toBeOneOf([known, revision]),
      ]);
      if (outcome !== undefined) {
        expect(outcome.kind).toBe('published');
        expect(outcome.steps).toBeLessThan(dieAt);
        break;
      }
      deaths++;
      if (version !== (await world.store.readPublication()).metadataVersion) swappedWithoutRecord++;
    }
    expect(answerOf(await refresh(device))).toBe('unchanged');
    expect(device.lastAccepted()).toEqual(directiveAt(revision));
    // The steps that the test means to hit were there to be hit.
    expect(deaths).toBeGreaterThan(25);
    expect(swappedWithoutRecord).toBeGreaterThan(0);
  }, 600_000);

  it('does no harm at any moment of the clock either', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    const random = seededRandom(20261120, 'kill moments');
    let deaths = 0;
    const startMs = performance.now();
    await runChild(world, 0, 2);
    // Wherever in such a life, on a fast machine and on a slow one.
    const wholeMs = Math.ceil(performance.now() - startMs);
    await refresh(device);
    for (let revision = 3; revision < 18; revision++) {
      const outcome = await runChild(world, 0, revision, randomBelow(random, wholeMs));
      if (outcome === undefined) deaths++;
      else expect(outcome.kind).toBe('published');
      expect(['unchanged', revision]).toContain(answerOf(await refresh(device)));
    }
    expect(deaths).toBeGreaterThan(0);
    world.clock.nowMs += 3 * HOUR;
    await world.publish(directiveAt(99));
    expect(answerOf(await refresh(device))).toBe(99);
  }, 400_000);

  it('leaves temporary files that are gone an hour later, and younger ones in peace', async () => {
    await using world = await PublicationWorld.open();
    const old = new Date(Date.now() - 2 * 3_600_000);
    for (const folder of ['metadata', 'targets', 'manifests', 'artifacts']) {
      mkdirSync(path.join(world.publication, folder), { recursive: true });
      for (const name of ['a.json.1234abcd.tmp', '.stray.tmp', 'young.tmp']) {
        const file = path.join(world.publication, folder, name);
        writeFileSync(file, 'half');
        if (name !== 'young.tmp') utimesSync(file, old, old);
      }
    }
    await world.publish(directiveAt(1));
    for (const folder of ['metadata', 'targets', 'manifests', 'artifacts'])
      expect(readdirSync(path.join(world.publication, folder)).filter((name) => name.endsWith('.tmp'))).toEqual([
        'young.tmp',
      ]);
  });
});
