// Owns a screen for benchmarks: a large fleet and its rollouts as the read model sees them, without the cycles that decide.
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { SystemClock } from '../src/base/clock.ts';
import { silentLogger } from '../src/base/logger.ts';
import { Metrics } from '../src/base/metrics.ts';
import {
  type ComposedDashboard,
  composeDashboard,
  type Dashboard,
  type DashboardParts,
  type PageViews,
} from '../src/cli/compose-dashboard.ts';
import { composeFleetApi, type FleetApiOptions } from '../src/cli/compose-fleet-api.ts';
import { type Digest, digestOf } from '../src/contract/digest.ts';
import type { CycleFacts } from '../src/dashboard/read-model/cycle-facts.ts';
import { FleetIndex } from '../src/dashboard/read-model/fleet-index.ts';
import type { RolloutStatus } from '../src/documents/types.generated.ts';
import { ReportPace } from '../src/fleet-api/report-pace.ts';
import type { KnownFleet } from '../src/measurement/known-fleet.ts';
import type { Observation } from '../src/reconcile/observe.ts';
import type { ServiceView } from '../src/reconcile/service-view.ts';
import type { Outlook } from '../src/rollout/outlook.ts';
import type { RolloutFacts } from '../src/rollout/rollout-facts.ts';
import type { DeviceRecord } from '../src/store/device-register.ts';
import { openSqliteFleetStore } from '../src/store/sqlite/open-sqlite-fleet-store.ts';
import { CAREFUL, cohort, ruleVerdict, verdictOf } from '../test/rollout/false-world.ts';

const TOKEN = 'bench-viewer';
export const NOW = Date.now();

export interface Size {
  readonly devices: number;
  readonly rollouts: number;
  readonly rules: number;
  readonly pages: number;
  /** Points of each rule's curve, as kept. */
  readonly points: number;
}

function fleetOf({ devices, rollouts }: Size): KnownFleet {
  const version = (n: number) => ({ digest: digestOf(`${n % 5}`), version: `1.${n % 5}.0`, slot: 'A' as const });
  const records = Array.from({ length: devices }, (_, n): DeviceRecord => {
    const model = `model-${n % rollouts}`;
    const state = {
      model,
      rollout: `rollout-${n % rollouts}`,
      revision: 7,
      running: version(n),
      state: 'committed' as const,
      subject: null,
    };
    return {
      ...{
        id: `kiosk-${n}`,
        epoch: 1,
        publicKey: '',
        newestSequence: 9,
        labels: {},
        bound: {},
        stated: {},
        joined: 0,
        relabelled: 0,
      },
      ...{
        properties: {},
        lastSeenAtMs: NOW,
        lastSeenListenedMs: 0,
        models: new Map([[model, state]]),
        outcomes: new Map(),
      },
      ...{ tookCandidate: new Map(), heard: new Map(), silences: [], answers: new Map(), claim: null },
    } as unknown as DeviceRecord;
  });
  return { devices: records, contradicting: [], denied: 0, matching: () => [] } as unknown as KnownFleet;
}

function factsOf(n: number, revision: number): RolloutFacts {
  const digest = (name: string): Digest => digestOf(name);
  const status = {
    ...{
      revision,
      opened: 1,
      model: `model-${n}`,
      state: 'rolling',
      stage: 'canary',
      since: new Date(NOW).toISOString(),
      target: '*',
    },
    candidate: { version: '1.4.0', digest: digest('4'), attempt: 1, parameters: {} },
    stable: { version: '1.3.0', digest: digest('3'), parameters: {}, target: '*' },
    ...{
      policy: digest('policy'),
      salt: 'x',
      cohort: { cut: 5, select: null, devices: [] },
      limits: [],
      rejected: [],
      paused: null,
    },
    evidence: `evidence/rollout-${n}/1.json`,
  } as unknown as RolloutStatus;
  return {
    ...{
      name: `rollout-${n}`,
      spec: { model: `model-${n}`, version: '1.4.0', target: '*' },
      claim: { kind: 'authentic', status },
    },
    ...{ versions: [], policy: null, policyInForce: CAREFUL, baseline: null },
  } as unknown as RolloutFacts;
}

function outlookOf(n: number, { rules }: Size, estimate: number): Outlook {
  const all = Array.from({ length: rules }, (_, i) =>
    ruleVerdict(i === 0 ? 'error_rate < 1%' : `latency_p95 < ${100 + i}ms`, 'undecided', {
      estimate,
      within: i % 7 !== 3,
    }),
  );
  return {
    ...{
      rollout: `rollout-${n}`,
      model: `model-${n}`,
      target: '*',
      revision: 7,
      stage: 'canary',
      candidate: '1.4.0',
      stable: '1.3.0',
    },
    ...{
      cohort: cohort(40),
      verdict: verdictOf('undecided', ...all),
      window: { listenedMs: 60_000, readyMs: 60_000 },
      terms: null,
    },
    ...{ rejected: null, waitingOn: [{ kind: 'soak', remainingMs: 600_000 }], conditions: [] },
  } as Outlook;
}

export class Screen implements AsyncDisposable {
  readonly size: Size;
  readonly dashboard: Dashboard;
  readonly url: string;
  readonly #events: ComposedDashboard['events'];
  readonly #close: () => Promise<void>;
  readonly #facts: readonly RolloutFacts[];
  readonly fleet: KnownFleet;
  #cycle = 0;

  private constructor(
    size: Size,
    parts: Pick<Screen, 'dashboard' | 'url'> & { events: ComposedDashboard['events']; close: () => Promise<void> },
  ) {
    this.size = size;
    this.dashboard = parts.dashboard;
    this.url = parts.url;
    this.#events = parts.events;
    this.#close = parts.close;
    this.fleet = fleetOf(size);
    this.#facts = Array.from({ length: size.rollouts }, (_, n) => factsOf(n, 7));
  }

  static async open(size: Size): Promise<Screen> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-bench-'));
    const [clock, logger, metrics] = [new SystemClock(), silentLogger, new Metrics()];
    const store = openSqliteFleetStore({ file: path.join(folder, 'fleet.db'), clock });
    const devices = new Map(fleetOf(size).devices.map((device) => [device.id, device as unknown as DeviceRecord]));
    const index = new FleetIndex({ silenceMs: Number.POSITIVE_INFINITY, rest: async () => undefined });
    const list = index.update({
      ...{ picture: { version: 1, devices }, plain: { version: 0, devices: new Map() } },
      ...{ directive: null, words: undefined, listenedMs: 0 },
    });
    const composed = composeDashboard({ clock, logger });
    const watched = { value: { runbookBase: 'https://example.com/runbooks' }, problem: null };
    const publisher = { expiresAtMs: null, findHolder: async () => null };
    const signals = { providers: () => [] };
    const shown = { store, publisher, signals, trust: watched, providers: watched, notify: watched };
    const dashboard = composed.open({
      shown,
      requests: {},
      homeProblems: () => [],
      pace: new ReportPace(clock),
      fleet: () => list,
    } as unknown as DashboardParts);
    const views = { devices: async () => undefined, device: async () => undefined };
    const { routes } = dashboard.withPages(views as unknown as PageViews);
    const options = {
      ...{
        store,
        clock,
        logger,
        metrics,
        port: 0,
        publicationFolder: folder,
        viewerToken: TOKEN,
        routes,
      },
      ...{ isDenied: () => false, isReady: () => true, onHook: () => undefined, readRollouts: async () => undefined },
      perAddress: { perSecond: 1e6, burst: 1e6 },
    } as unknown as FleetApiOptions;
    const api = composeFleetApi(options);
    const close = async (): Promise<void> => {
      await api.stop(0);
      await store.close();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    };
    return new Screen(size, {
      dashboard,
      url: `http://127.0.0.1:${await api.start()}`,
      events: composed.events,
      close,
    });
  }

  /** A cycle in which every rollout moved. */
  cycle(): void {
    this.#cycle += 1;
    const { size, fleet } = this;
    this.#events.onObserved?.({
      fleet,
      snapshot: { models: new Map() },
      facts: { rollouts: this.#facts },
    } as unknown as Observation);
    const outlooks = this.#facts.map((_, n) => outlookOf(n, size, 0.001 + this.#cycle / 1e6));
    const cycle: CycleFacts = {
      ...{
        source: { kind: 'followed', commit: 'a'.repeat(40), atMs: NOW },
        commit: 'a'.repeat(40),
        outlooks,
        problems: [],
        alerts: [],
      },
      ...{ publishedSequence: 7, cycledAtMs: NOW + this.#cycle, cycleMs: 12, trouble: null },
    };
    this.#events.onShown?.(cycle as unknown as ServiceView);
  }

  ask(where: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${TOKEN}`,
        'accept-encoding': 'gzip',
        accept: where.startsWith('/v1/') ? 'application/json' : 'text/html',
      };
      get(this.url + where, { agent: AGENT, headers }, (answer) => {
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        answer.on('end', () =>
          answer.statusCode === 200 ? resolve(bytes) : reject(new Error(`${where}: ${answer.statusCode}`)),
        );
      }).on('error', reject);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    AGENT.destroy();
    return this.#close();
  }
}

const AGENT = new Agent({ keepAlive: true, maxSockets: 64 });

/** An open page: it hears of each change, and can be waited for. */
export function openPage(url: string): Promise<{ readonly next: () => Promise<void>; readonly close: () => void }> {
  return new Promise((resolve, reject) => {
    let heard = (): void => undefined;
    const request = get(
      `${url}/v1/events`,
      { agent: false, headers: { authorization: `Bearer ${TOKEN}` } },
      (answer) => {
        answer.setEncoding('utf8');
        answer.on('data', (text: string) => {
          if (text.includes('event: changed')) heard();
        });
        answer.on('error', () => undefined);
        const next = (): Promise<void> =>
          new Promise((done) => {
            heard = done;
          });
        resolve({ next, close: () => request.destroy() });
      },
    );
    request.on('error', reject);
  });
}
