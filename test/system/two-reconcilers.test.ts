// Owns the proof that two services may share a store, a publication and a repository, one stalled between push and publication.
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { startGitHttpServer } from '../../src/cli/demo/git-http-server.ts';
import { ServiceOfSeveral } from './service-of-several.ts';
import { forcedUpdates, World } from './world.ts';

const SEED = process.env.SLIPWAY_TEST_SEED ?? 'two 1';
const SOUND = '2026.01.10';
const BETTER = '2026.02.01';
const FAILING = '2026.03.01';
const LEASE_MS = 600;

/** Someone who writes notes into the repository all the while. */
class NoteTaker {
  readonly #stop = new AbortController();
  readonly #clock = new SystemClock();
  readonly written: string[] = [];
  #loop: Promise<void> = Promise.resolve();

  start(world: World): void {
    this.#loop = this.#write(world);
  }

  async #write(world: World): Promise<void> {
    const clone = await world.set.clone('note-taker');
    while (!this.#stop.signal.aborted) {
      const file = `notes/${this.written.length}.md`;
      const startMs = this.#clock.monotonicMs();
      await clone.push(`note ${this.written.length}`, async () => new Map([[file, `${file}\n`]]));
      this.written.push(file);
      // By its own pace: where pushes take long, a fixed pause would leave nobody else the time for one.
      await this.#clock.sleep(150 + (this.#clock.monotonicMs() - startMs), this.#stop.signal);
    }
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }
}

describe('two services on one store, publication and repository', () => {
  test('lose no commit, double no step, force nothing and never go back, however one of them stalls', {
    timeout: 300_000,
  }, async () => {
    const random = seededRandom(SEED, 'stalls');
    const stalls = { afterPush: 0, anywhere: 0 };
    let stalling: ServiceOfSeveral | undefined;
    const services: ServiceOfSeveral[] = [];
    await using stack = new AsyncDisposableStack();
    await using world = await World.open({
      devices: 6,
      gitHost: {
        // The push is on the branch, and the pusher stops before it hears of it: the other one goes on meanwhile.
        onAnswer: ({ service, step, agent }) => {
          if (service !== 'git-receive-pack' || step !== 'exchange' || !agent.includes('slipway')) return;
          stalling?.stall(LEASE_MS * (0.5 + 3 * random.next()));
          stalls.afterPush++;
        },
      },
      services: async (set) => {
        // Each has a door of its own to the same repositories, so that it is known who pushes.
        const root = path.dirname(set.repository);
        const door = stack.use(await startGitHttpServer({ root, credentials: set.credentials }));
        const a = await ServiceOfSeveral.create(set, {
          instance: '-a',
          repository: set.repositoryUrl,
          leaseMs: LEASE_MS,
        });
        const b = await ServiceOfSeveral.create(set, {
          instance: '-b',
          repository: set.repositoryUrl.replace(set.gitServer.url, door.url),
          leaseMs: LEASE_MS,
        });
        services.push(a, b);
        stalling = a;
        return services;
      },
      target: () => (services.find((one) => !one.isStalled) ?? services[0])?.url ?? '',
    });
    const [a, b] = services;
    if (a === undefined || b === undefined) throw new Error('there are two');
    const notes = new NoteTaker();
    notes.start(world);
    const anywhere = setInterval(() => {
      const one = random.next() < 0.5 ? a : b;
      if (random.next() < 0.5 && !a.isStalled && !b.isStalled) {
        one.stall(LEASE_MS * 2 * random.next());
        stalls.anywhere++;
      }
    }, 900);
    try {
      await world.release('sound', SOUND);
      await world.untilStable(SOUND);
      await world.release('better', BETTER);
      await world.untilStable(BETTER);
      await world.release('failing', FAILING);
      await world.until('the failing version is taken back', async () => {
        const status = await world.statusAtHead();
        return status?.state === 'idle' && status.rejected.length > 0;
      });
      await world.untilStable(BETTER);
    } finally {
      clearInterval(anywhere);
      await notes.end();
    }
    const head = (await world.host('rev-parse', 'main')).trim();
    for (const one of [a, b]) {
      await world.until('both see the same', async () => {
        const view = await one.view();
        return view?.service.commit === head && view.rollouts[0]?.revision === 8;
      });
    }
    expect(await world.transitions(), `seed ${SEED}`).toEqual([
      '1 start→canary',
      '2 canary→full',
      '3 full→stable',
      '4 stable→canary',
      '5 canary→full',
      '6 full→stable',
      '7 stable→canary',
      '8 canary→stable',
    ]);
    expect(world.watch.breaches).toEqual([]);
    expect(await forcedUpdates(world.set)).toEqual([]);
    const files = new Set((await world.host('ls-tree', '-r', '--name-only', 'main', 'notes/')).split('\n'));
    expect(notes.written.filter((file) => !files.has(file))).toEqual([]);
    expect((await world.commits()).filter((commit) => commit.author === 'note-taker')).toHaveLength(
      notes.written.length,
    );
    expect(notes.written.length).toBeGreaterThan(2);
    expect(stalls.afterPush).toBeGreaterThan(0);
    if (process.env.SLIPWAY_TEST_TALK) {
      const count = async (one: ServiceOfSeveral, what: string): Promise<number> =>
        (await one.said()).split('\n').filter((line) => line.includes(`"${what}`)).length;
      for (const one of [a, b])
        console.log(
          one.url,
          'steps',
          await count(one, 'step"'),
          'lost',
          await count(one, 'push lost'),
          'published',
          await count(one, 'published"'),
        );
      console.log({ ...stalls, notes: notes.written.length });
    }
  });
});
