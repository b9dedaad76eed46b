// Owns the proof that the service may be killed at any moment: whatever is lost is done again, and nothing is done twice.
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { hasSay } from '../../src/rollout/count-cohort.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';
import { armOf } from '../../src/telemetry/fold-report.ts';
import { plainRows } from '../telemetry/plain-tallies.ts';
import type { ToldReport } from './gateway.ts';
import { forcedUpdates, ROLLOUT, World } from './world.ts';

const SEED = process.env.SLIPWAY_TEST_SEED ?? 'kill 1';
// All twenty moments take four minutes of two cores; the first eight are of every kind.
const STORIES = Number(process.env.SLIPWAY_TEST_STORIES ?? 8);
const AT_ONCE = 3;
const DEVICES = 6;
const SOUND = '2026.01.10';
const FAILING = '2026.02.01';

/** When the service dies: some time into the story, around its n-th push, or when it has taken the n-th report. */
type Moment =
  | { readonly kind: 'time'; readonly share: number }
  | { readonly kind: 'push'; readonly nth: number; readonly side: 'before' | 'after' }
  | { readonly kind: 'report'; readonly nth: number }
  | { readonly kind: 'never' };

/** Most moments lie anywhere in the story, a stratum each; the others where a step is half done. */
function momentsOf(seed: string): Moment[] {
  const random = seededRandom(seed, 'moments');
  const anywhere = 12;
  const moments = Array.from({ length: 20 }, (_, i): Moment => {
    if (i < anywhere) return { kind: 'time', share: (i + random.next()) / anywhere };
    if (i < 17) return { kind: 'push', nth: i - anywhere + 1, side: random.next() < 0.6 ? 'after' : 'before' };
    return { kind: 'report', nth: 1 + Math.floor(random.next() * 120) };
  });
  // Mixed, so that the first few are of every kind.
  return moments.map((_, i) => moments[(i * 7 + 5) % moments.length] as Moment).slice(0, STORIES);
}

interface StoryEnd {
  readonly seconds: number;
  readonly transitions: readonly string[];
  readonly stable: string | undefined;
  readonly rejected: readonly string[];
  readonly running: readonly string[];
  readonly wasKilled: boolean;
  readonly breaches: readonly string[];
  readonly forced: readonly string[];
  readonly store: readonly string[];
}

class Killer {
  readonly #moment: Moment;
  readonly #clock = new SystemClock();
  world: World | undefined;
  killed: Promise<void> | undefined;
  #pushes = 0;

  constructor(moment: Moment) {
    this.#moment = moment;
  }

  /** Is the answer lost with the service? The device then tells the same report again. */
  noteReports(count: number): boolean {
    const isDue = this.#moment.kind === 'report' && count >= this.#moment.nth && this.killed === undefined;
    if (isDue) this.kill();
    return isDue;
  }

  notePush(side: 'before' | 'after'): void {
    if (side === 'before') this.#pushes++;
    const { kind } = this.#moment;
    if (kind === 'push' && this.#pushes === this.#moment.nth && side === this.#moment.side) this.kill();
  }

  async start(knownMs: number): Promise<void> {
    if (this.#moment.kind !== 'time') return;
    await this.#clock.sleep(this.#moment.share * knownMs);
    this.kill();
  }

  /** Ends it as a power cut would, and starts it again. */
  kill(): void {
    const service = this.world?.service;
    if (service === undefined || this.killed !== undefined) return;
    service.signal('SIGKILL');
    this.killed = service.end('SIGKILL').then(() => service.start());
    this.killed.catch(() => undefined);
  }
}

async function tellStory(moment: Moment, knownMs: number): Promise<StoryEnd> {
  const clock = new SystemClock();
  const killer = new Killer(moment);
  await using world = await World.open({
    devices: DEVICES,
    onTaken: (count) => killer.noteReports(count),
    gitHost: {
      onRequest: ({ service, step, agent }) => {
        if (service === 'git-receive-pack' && step === 'exchange' && !isPerson(agent)) killer.notePush('before');
        return undefined;
      },
      onAnswer: ({ service, step, agent }) => {
        if (service === 'git-receive-pack' && step === 'exchange' && !isPerson(agent)) killer.notePush('after');
      },
    },
  });
  killer.world = world;
  const startMs = clock.monotonicMs();
  const timed = killer.start(knownMs);
  await world.release('sound', SOUND);
  await world.untilStable(SOUND);
  await world.release('failing', FAILING);
  await world.until('the failing version is taken back', async () => {
    const status = await world.statusAtHead();
    return status?.state === 'idle' && status.rejected.length > 0;
  });
  await world.untilStable(SOUND);
  const seconds = (clock.monotonicMs() - startMs) / 1000;
  await timed;
  await killer.killed;
  await world.until('the service lives', async () => (await world.view())?.service.cycledAtMs);
  const status = await world.statusAtHead();
  const running = await world.running();
  await world.fleet[Symbol.asyncDispose]();
  await world.gateway.settled();
  await world.service.end('SIGTERM');
  return {
    seconds,
    transitions: await world.transitions(),
    stable: status?.stable?.version,
    rejected: (status?.rejected ?? []).map((one) => one.version),
    running,
    wasKilled: killer.killed !== undefined,
    breaches: world.watch.breaches,
    forced: await forcedUpdates(world.set),
    store: await storeBreaches(world),
  };
}

function isPerson(agent: string): boolean {
  return !agent.includes('slipway');
}

/** Every acknowledged report of a device that has a say in the stage is in the sums once, and no number was left out. */
async function storeBreaches(world: World): Promise<string[]> {
  const breaches: string[] = [];
  const { told } = world.gateway;
  const taken = new Map<string, ToldReport['report']>();
  for (const { report, answer, reason } of told) {
    const key = `${report.device} ${report.epoch} ${report.sequence}`;
    if (answer === 'accepted' && taken.has(key)) breaches.push(`${key} was accepted twice`);
    if (answer !== 'accepted' && answer !== 'duplicate') breaches.push(`${key}: ${answer} ${reason ?? ''}`);
    taken.set(key, report);
  }
  const sequences = Map.groupBy(taken.values(), (report) => report.device);
  for (const [device, reports] of sequences) {
    const highest = Math.max(...reports.map((report) => report.sequence));
    if (new Set(reports.map((report) => report.sequence)).size !== highest) breaches.push(`${device} skipped a number`);
  }
  await using store = openSqliteFleetStore({ file: world.set.home.store, clock: new SystemClock() });
  const opened = openedRevisions(world.set.home.store);
  const fleet = [...(await store.readFleet()).devices.values()];
  for (const revision of opened) {
    const window = await store.readWindow(ROLLOUT, revision);
    if (window === undefined) continue;
    const next = opened.find((one) => one > revision) ?? Number.POSITIVE_INFINITY;
    // Who enrolled after the stage opened, since the service was dead, counts in neither arm of it.
    const { candidateDigest } = window.spec;
    const apart = new Set(fleet.filter((one) => candidateDigest !== null && !hasSay(one, window)).map(({ id }) => id));
    const told = [...taken.values()]
      .filter(({ device }) => !apart.has(device))
      .flatMap((report) => report.intervals)
      .filter((interval) => armOf(window.spec, interval) !== undefined && (interval.revision ?? 0) < next)
      .reduce((sum, interval) => sum + interval.inferences, 0);
    const { candidate, stable } = window.tallies;
    const rows = [...plainRows(candidate), ...plainRows(stable)];
    const folded = rows.reduce((sum, row) => sum + (row.whole[0]?.trials ?? 0), 0);
    const late = window.late.last
      .filter(({ device }) => !apart.has(device))
      .reduce((sum, one) => sum + one.inferences, 0);
    // The store keeps the newest hundred late reports and counts the others.
    const areAllKept = window.late.count === window.late.last.length;
    if (areAllKept ? folded + late !== told : folded + late > told)
      breaches.push(`window ${revision}: ${told} inferences acknowledged, ${folded} folded, ${late} late`);
  }
  if (opened.length === 0) breaches.push('there is no window');
  return breaches;
}

function openedRevisions(file: string): number[] {
  const db = new DatabaseSync(file, { readOnly: true });
  const rows = db.prepare('SELECT opened_revision AS revision FROM telemetry_window ORDER BY revision').all();
  db.close();
  return rows.map((row) => Number(row.revision));
}

const TRANSITIONS = ['1 start→canary', '2 canary→full', '3 full→stable', '4 stable→canary', '5 canary→stable'];

function expectTheEnd(end: StoryEnd): void {
  expect({ ...end, seconds: 0 }).toEqual({
    seconds: 0,
    transitions: TRANSITIONS,
    stable: SOUND,
    rejected: [FAILING],
    running: Array.from({ length: DEVICES }, () => SOUND),
    wasKilled: end.wasKilled,
    breaches: [],
    forced: [],
    store: [],
  });
}

describe('a service that is killed', () => {
  test('comes to the same end, whenever it was, and no step is committed twice', { timeout: 1_200_000 }, async () => {
    const whole = await tellStory({ kind: 'never' }, 0);
    expectTheEnd(whole);
    const queue = [...momentsOf(SEED).entries()];
    const told: string[] = [];
    const tell = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [i, moment] = next;
        const what = `story ${i} of seed "${SEED}", ${JSON.stringify(moment)}`;
        try {
          const end = await tellStory(moment, whole.seconds * 1000);
          told.push(`${what}: ${end.seconds.toFixed(1)} s${end.wasKilled ? '' : ', NOT killed'}`);
          expectTheEnd(end);
          expect(end.wasKilled, what).toBe(true);
        } catch (error) {
          throw new Error(`${what} ended otherwise`, { cause: error });
        }
      }
    };
    const results = await Promise.allSettled(Array.from({ length: AT_ONCE }, tell));
    if (process.env.SLIPWAY_TEST_TALK) console.log([`undisturbed: ${whole.seconds.toFixed(1)} s`, ...told].join('\n'));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  });
});
