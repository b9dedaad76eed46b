// What holds when several publish: the directive never goes back, and no metadata version is used twice.
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { randomBelow, seededRandom } from '../../src/base/random.ts';
import type { PublicationLedger } from '../../src/distribution/publication.ts';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';
import { StaticServer } from '../support/static-server.ts';
import { answerOf, directiveAt, HOUR, ledgerOf, NOW, PublicationWorld, refresh } from './publication-world.ts';

type Step = 'acquire' | 'reserveVersion' | 'commit';

/** The ledger, held up before or after one step until `resume` is called. */
function stalled(ledger: PublicationLedger, at: Step, when: 'before' | 'after') {
  let resume = (): void => undefined;
  let reached = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    resume = resolve;
  });
  const isThere = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const hold = async (): Promise<void> => {
    reached();
    await gate;
  };
  const slow = <A extends unknown[], R>(name: Step, act: (...given: A) => Promise<R>) => {
    return async (...given: A): Promise<R> => {
      if (name === at && when === 'before') await hold();
      const result = await act(...given);
      if (name === at && when === 'after') await hold();
      return result;
    };
  };
  return {
    resume: () => resume(),
    isThere,
    ledger: {
      acquire: slow('acquire', (nowMs: number) => ledger.acquire(nowMs)),
      reserveVersion: slow('reserveVersion', (above: number) => ledger.reserveVersion(above)),
      commit: slow('commit', (order: Parameters<PublicationLedger['commit']>[0]) => ledger.commit(order)),
    },
  };
}

function pointerVersion(world: PublicationWorld): number {
  const text = readFileSync(path.join(world.publication, 'metadata', 'timestamp.json'), 'utf8');
  return JSON.parse(text).signed.version;
}

describe('two publishers on one store', () => {
  it.each([
    ['acquire', 'after'],
    ['reserveVersion', 'before'],
    ['reserveVersion', 'after'],
    ['commit', 'before'],
  ] as const)('one that stalls at %s (%s) for longer than its lease finds that it lost', async (at, when) => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await using other = openSqliteFleetStore({ file: world.storeFile, clock: new SystemClock() });
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    const observed = await world.store.readPublication();
    const slow = stalled(ledgerOf(world.store, observed, 'one'), at, when);
    const order = { directive: directiveAt(2), documents: [], nowMs: NOW + HOUR };
    const late = world
      .publisher()
      .publish(order, slow.ledger)
      .then(
        (outcome) => outcome.kind,
        (error: { code: string }) => error.code,
      );
    await slow.isThere;
    const ahead = { directive: directiveAt(3), documents: [], nowMs: NOW + 2 * HOUR };
    world.clock.nowMs = NOW + 2 * HOUR;
    const answer = await world.publisher().publish(ahead, ledgerOf(other, await other.readPublication(), 'two'));
    expect(answer.kind).toBe('published');
    expect(answerOf(await refresh(device))).toBe(3);
    const version = pointerVersion(world);
    slow.resume();
    expect(await late).toBe(at === 'acquire' ? 'DISTRIBUTION_STEP_BACK' : 'lost');
    expect(pointerVersion(world)).toBe(version);
    expect(answerOf(await refresh(device))).toBe('unchanged');
    expect(await world.publisher().findPublished()).toEqual(directiveAt(3));
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(3);
  });

  it('the second waits while the first holds the lease', async () => {
    await using world = await PublicationWorld.open();
    await world.publish(directiveAt(1));
    const observed = await world.store.readPublication();
    const order = { directive: directiveAt(2), documents: [], nowMs: NOW };
    expect(await world.publisher().publish(order, ledgerOf(world.store, observed, 'two'))).toEqual({
      kind: 'not-holder',
    });
  });

  it('never step back or use a version twice, whoever is held up wherever', async () => {
    for (let seed = 0; seed < 12; seed++) {
      await using world = await PublicationWorld.open();
      await using host = await StaticServer.start(world.publication);
      const random = seededRandom(seed, 'race');
      const stores = Array.from({ length: 3 }, () =>
        openSqliteFleetStore({ file: world.storeFile, clock: new SystemClock() }),
      );
      const device = await world.device(host.url);
      let head = 1;
      let nowMs = NOW;
      const contents = new Map<number, string>();
      const outcomes: string[] = [];
      const pause = () => new Promise((resolve) => setTimeout(resolve, randomBelow(random, 12)));
      const run = async (store: FleetStore, holder: string): Promise<void> => {
        for (let round = 0; round < 8; round++) {
          const observed = await store.readPublication();
          // HEAD moves on by itself; who observed it late decides on old news.
          const revision = randomBelow(random, 3) === 0 ? ++head : head;
          await pause();
          const ledger = ledgerOf(store, observed, holder, 5);
          const slow: PublicationLedger = {
            acquire: (at) => pause().then(() => ledger.acquire(at)),
            reserveVersion: (above) => pause().then(() => ledger.reserveVersion(above)),
            commit: async (order) => {
              await pause();
              return ledger.commit({
                ...order,
                swap: async () => {
                  await order.swap();
                  const { version } = JSON.parse(
                    readFileSync(path.join(world.publication, 'metadata', 'timestamp.json'), 'utf8'),
                  ).signed;
                  expect(contents.has(version)).toBe(false);
                  expect(version).toBeGreaterThan(Math.max(0, ...contents.keys()));
                  contents.set(version, '');
                },
              });
            },
          };
          nowMs += 3;
          try {
            outcomes.push(
              (await world.publisher().publish({ directive: directiveAt(revision), documents: [], nowMs }, slow)).kind,
            );
          } catch (error) {
            expect(error).toMatchObject({ code: 'DISTRIBUTION_STEP_BACK' });
          }
        }
      };
      let isOver = false;
      const watch = async (): Promise<void> => {
        let highest = 0;
        while (!isOver) {
          const answer = await refresh(device);
          expect([seed, answer.kind, answer.kind === 'refused' && answer.reason]).toEqual([
            seed,
            expect.toBeOneOf(['directive', 'unchanged', 'unreachable']),
            false,
          ]);
          const revision = device.lastAccepted()?.entries[0]?.revision ?? 0;
          expect(revision).toBeGreaterThanOrEqual(highest);
          highest = revision;
          await new Promise((resolve) => setTimeout(resolve, 3));
        }
      };
      const watching = watch();
      await Promise.all(stores.map((store, i) => run(store, `holder-${i}`)));
      isOver = true;
      await watching;
      await refresh(device);
      expect(device.lastAccepted()).toEqual(await world.publisher().findPublished());
      expect(outcomes).toContain('published');
      for (const store of stores) await store.close();
    }
  }, 60_000);
});

describe('without the store that was there before', () => {
  it('an empty store never lowers what the folder holds, and goes on above its versions', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    for (let revision = 1; revision < 6; revision++) await world.publish(directiveAt(revision));
    const device = await world.device(host.url);
    await refresh(device);
    // Beside the old one it would be taken for that one's loss.
    const folder = path.join(world.folder, 'another-home');
    mkdirSync(folder);
    await using empty = openSqliteFleetStore({ file: path.join(folder, 'new.db'), clock: new SystemClock() });
    await expect(world.publish(directiveAt(4), { store: empty })).rejects.toMatchObject({
      code: 'DISTRIBUTION_STEP_BACK',
      message: expect.stringContaining('Revision 4 of invoice-ocr-eu is below 5'),
    });
    expect(await world.publish(directiveAt(6), { store: empty })).toEqual({ kind: 'published', metadataVersion: 6 });
    expect(answerOf(await refresh(device))).toBe(6);
  });
});
