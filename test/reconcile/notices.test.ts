// Proves that what begins and ends is notified once, by one of several processes, over restarts; and that drift asks for retraining once an episode.
import { describe, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/base/logger.ts';
import { Metrics } from '../../src/base/metrics.ts';
import type { Notice, NoticeContent } from '../../src/notify/notice.ts';
import type { Looked } from '../../src/reconcile/alert-facts.ts';
import { type NoticeList, Notices, type NoticesParts } from '../../src/reconcile/notices.ts';
import { NOTHING_YET } from '../../src/reconcile/service-view.ts';
import type { WatchedRule } from '../../src/rollout/alerts.ts';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { folder, openStore } from '../store/reports.ts';

type Verdicts = Readonly<Record<string, WatchedRule['verdict']>>;

function looked(verdicts: Verdicts, emergency?: string): Looked {
  const watched = Object.entries(verdicts).map(([rule, verdict]): WatchedRule => {
    return {
      rollout: 'eu',
      version: '1',
      digest: 'sha256:1',
      rule,
      verdict,
      seen: {
        ...{ estimate: 0.4, lower: null, upper: null, limit: 0.1, devices: 9, trials: 90 },
        ...{ reasons: [], unit: 'ratio', listenedMs: 60_000 },
      },
    };
  });
  const observation = {
    facts: { rollouts: [], broken: [], published: null },
    watched,
  } as unknown as Looked['observation'];
  const reason = { kind: 'aborted', reason: emergency ?? '' } as const;
  const rolledBack = { rollout: 'eu', revision: 1, reason, waitsSinceMs: 0, inForceSinceMs: 0 };
  return {
    ...{ observation, view: NOTHING_YET, offDeclared: [], watched },
    emergencyRollbacks: emergency === undefined ? [] : [rolledBack],
  };
}

const LIST: NoticeList = {
  targets: [{ name: 'ops', wants: () => true }],
  runbooks: new Map([['*', 'https://wiki.example/all']]),
};

class World {
  readonly lines: string[] = [];
  readonly metrics = new Metrics();
  readonly notices: Notices;

  constructor(store: FleetStore, over: Partial<NoticesParts> = {}) {
    const write = (line: string): void => void this.lines.push(line);
    this.notices = new Notices({
      ...{ store, clock: new SystemClock(), metrics: this.metrics, holder: 'a', leaseMs: 60_000 },
      claims: { stepsAbove: async () => [] } as unknown as NoticesParts['claims'],
      logger: createLogger({ least: 'info', pretty: false, now: () => 0, write }),
      list: LIST,
      ...over,
    });
  }

  raised(): number {
    return this.lines.filter((line) => line.includes('"message":"alert"')).length;
  }
}

async function queued(store: FleetStore): Promise<NoticeContent[]> {
  const lanes = await Promise.all((['alerts', 'others'] as const).map((lane) => store.readNotices('ops', lane, 1_000)));
  return lanes.flat().map((one) => (one.notice as unknown as Notice).content);
}

const retrainings = async (store: FleetStore): Promise<number> =>
  (await queued(store)).filter((one) => one.kind === 'retraining').length;

describe('an alert', () => {
  test('is notified once while it stands and once at its end, over restarts, with the page that people are to read', async () => {
    using place = folder();
    await using store = openStore(place.file);
    const first = new World(store);
    await first.notices.note(looked({}, 'away'));
    await first.notices.note(looked({}, 'away'));
    const second = new World(store);
    expect(await second.notices.note(looked({}, 'away'))).toMatchObject([
      { kind: 'emergency-rollback', runbook: 'https://wiki.example/all' },
    ]);
    expect([first.raised(), second.raised()]).toEqual([1, 0]);
    expect(second.metrics.write()).toContain('slipway_alert{kind="emergency-rollback",rollout="eu"} 1');
    expect(await second.notices.note(looked({}))).toEqual([]);
    expect(second.metrics.write()).toContain('slipway_alert{kind="emergency-rollback",rollout="eu"} 0');
    const alerts = (await queued(store)).filter((one) => one.kind === 'alert');
    expect(alerts.map(({ is, remedy }) => [is, remedy])).toEqual([
      ['raised', expect.stringContaining('push')],
      ['ended', undefined],
    ]);
    expect(first.lines.join('\n')).toContain('"remedy":');
  });

  test('is queued for whom another list names, with its page, from the moment it is in force', async () => {
    using place = folder();
    await using store = openStore(place.file);
    const { notices } = new World(store);
    notices.useList({
      targets: [{ name: 'desk', wants: () => true }],
      runbooks: new Map([['emergency-rollback', 'https://desk/']]),
    });
    expect(await notices.note(looked({}, 'away'))).toMatchObject([{ runbook: 'https://desk/' }]);
    expect(await store.countNotices()).toEqual(new Map([['desk', 1]]));
  });

  test('is notified by one of several processes, and shown by all', async () => {
    using place = folder();
    await using store = openStore(place.file);
    const teller = new World(store);
    const other = new World(store, { holder: 'b' });
    await teller.notices.note(looked({}, 'away'));
    expect(await other.notices.note(looked({}))).toMatchObject([{ kind: 'emergency-rollback' }]);
    expect(await other.notices.mayNotify()).toBe(false);
    expect(other.raised()).toBe(0);
    expect(await queued(store)).toHaveLength(1);
  });

  test('stays as it is while the repository can not be observed', async () => {
    using place = folder();
    await using store = openStore(place.file);
    const { notices } = new World(store);
    await notices.note(looked({}, 'away'));
    const trouble = { code: 'X', message: 'm', remedy: null };
    expect(await notices.noteBlind({ ...NOTHING_YET, trouble })).toMatchObject([{ kind: 'emergency-rollback' }]);
    expect(await queued(store)).toHaveLength(1);
  });

  test('that can not be recorded is notified the next time, and stops nothing', async () => {
    using place = folder();
    await using store = openStore(place.file);
    let isFull = true;
    const failing = new Proxy(store, {
      get: (target, name) => {
        if (name === 'commitNotices' && isFull) return () => Promise.reject(new Error('disk full'));
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const world = new World(failing);
    expect(await world.notices.note(looked({}, 'away'))).toEqual([]);
    isFull = false;
    expect(await world.notices.note(looked({}, 'away'))).toHaveLength(1);
    expect(world.raised()).toBe(1);
  });
});

test('notices that a target never got are told, once, for an hour', async () => {
  using place = folder();
  await using store = openStore(place.file);
  const world = new World(store);
  await world.notices.note(looked({}, 'away'));
  const [first] = await store.readNotices('ops', 'alerts', 1);
  await store.loseNotice(first?.number ?? 0, Date.now());
  for (let i = 0; i < 3; i++) await world.notices.note(looked({}));
  const alerts = (await queued(store)).filter((one) => one.kind === 'alert');
  expect(alerts.filter(({ alertKind, is }) => alertKind === 'notices-lost' && is === 'raised')).toMatchObject([
    { message: 'ops never got 1 notice: it refused them, or its queue was full' },
  ]);
  expect(world.metrics.write()).toContain('slipway_notices_lost{target="ops"} 1');
});

describe('a request for retraining', () => {
  test('is sent once an episode, however many rules break and whenever the service restarts', async () => {
    using place = folder();
    await using store = openStore(place.file);
    await new World(store).notices.note(looked({ a: 'pass', b: 'pass', c: 'pass' }));
    expect(await retrainings(store)).toBe(0);
    await new World(store).notices.note(looked({ a: 'fail', b: 'fail', c: 'pass' }));
    expect(await retrainings(store)).toBe(1);
    await new World(store).notices.note(looked({ a: 'pass', b: 'undecided', c: 'fail' }));
    await new World(store).notices.note(looked({ a: 'fail', b: 'undecided', c: 'fail' }));
    expect(await retrainings(store)).toBe(1);
    await new World(store).notices.note(looked({ a: 'pass', b: 'pass', c: 'pass' }));
    expect(await retrainings(store)).toBe(1);
    await new World(store).notices.note(looked({ a: 'undecided', b: 'fail', c: 'pass' }));
    expect(await retrainings(store)).toBe(2);
    const request = (await queued(store)).find((one) => one.kind === 'retraining');
    expect(request).toMatchObject({
      rollout: 'eu',
      version: '1',
      digest: 'sha256:1',
      rule: 'a',
      numbers: { estimate: 0.4 },
    });
  });
});
