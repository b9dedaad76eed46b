// Owns the benchmark of a swap: from the new directive to the new model's first answer on a device, under requests that must not fail.
import http from 'node:http';
import {
  CLASSES,
  DeviceWorld,
  MODEL,
  openHost,
  type PublishedModel,
  untilRuns,
} from '../test/fleet-agent/device-world.ts';
import { constantClassifier } from '../test/support/onnx-fixture.ts';
import type { Benchmark, Line } from './benchmark.ts';
import { type Spread, spreadOf } from './measure.ts';

const BODY = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [0, 0, 0, 0] }] });

/** Clients that ask one after the other, and when each version answered first. */
class Requests {
  readonly firstAnswerAt = new Map<string, number>();
  readonly latenciesMs: number[] = [];
  failed = 0;
  #isOpen = true;
  readonly #agent: http.Agent;
  readonly #done: Promise<unknown>;

  constructor(port: number, clients: number) {
    this.#agent = new http.Agent({ keepAlive: true, maxSockets: clients });
    this.#done = Promise.all(Array.from({ length: clients }, () => this.#ask(port)));
  }

  /** Forgets what answered before now. */
  mark(): number {
    this.firstAnswerAt.clear();
    return performance.now();
  }

  async stop(): Promise<void> {
    this.#isOpen = false;
    await this.#done;
    this.#agent.destroy();
  }

  async #ask(port: number): Promise<void> {
    while (this.#isOpen) {
      const start = performance.now();
      try {
        const version = await this.#once(port);
        const now = performance.now();
        this.latenciesMs.push(now - start);
        if (!this.firstAnswerAt.has(version)) this.firstAnswerAt.set(version, now);
      } catch {
        this.failed += 1;
      }
    }
  }

  /** The version that answered. */
  #once(port: number): Promise<string> {
    const options = { host: '127.0.0.1', port, path: `/v2/models/${MODEL}/infer`, method: 'POST', agent: this.#agent };
    return new Promise((resolve, reject) => {
      const request = http.request(options, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => {
          if (response.statusCode !== 200) return reject(new Error(String(response.statusCode)));
          resolve((JSON.parse(text) as { model_version: string }).model_version);
        });
        response.on('error', reject);
      });
      request.on('error', reject);
      request.end(BODY);
    });
  }
}

export interface SwapOrder {
  readonly swaps: number;
  readonly clients: number;
}

export async function measureSwaps({ swaps, clients }: SwapOrder): Promise<Line[]> {
  const host = openHost();
  try {
    await using world = await DeviceWorld.open();
    const versions: PublishedModel[] = [];
    for (let n = 0; n <= swaps; n++) {
      const order = { version: `1.${n}.0`, onnx: constantClassifier(n % 4, 1000 + n), expects: CLASSES[n % 4] ?? '' };
      versions.push(await world.publishModel(order));
    }
    const [first] = versions as [PublishedModel, ...PublishedModel[]];
    await world.direct(world.entry({ stable: first }));
    const { agent, endpointPort } = await world.startAgent(host, {
      endpointPort: 0,
      intervals: { pollMs: 60_000, reportMs: 60_000, wakeSpreadMs: 0 },
    });
    await untilRuns(agent, first.version);
    const requests = new Requests(endpointPort ?? 0, clients);
    const forward: number[] = [];
    const back: number[] = [];
    for (const candidate of versions.slice(1)) {
      forward.push(await swapTo(world, requests, candidate, { stable: first, candidate }));
      await untilRuns(agent, candidate.version);
      back.push(await swapTo(world, requests, first, { stable: first }));
      await untilRuns(agent, first.version);
    }
    await requests.stop();
    const one = (value: number): Spread => spreadOf([value]);
    const sorted = requests.latenciesMs.toSorted((a, b) => a - b);
    return [
      { what: 'back to the copy that was kept: directive to first answer', unit: 'ms', ours: spreadOf(back) },
      { what: 'to a new version: fetch, verify, self-test, first answer', unit: 'ms', ours: spreadOf(forward) },
      { what: 'requests meanwhile', unit: 'count', ours: one(sorted.length) },
      { what: '  failed', unit: 'count', ours: one(requests.failed) },
      { what: '  answered within, median', unit: 'ms', ours: one(sorted[sorted.length >> 1] ?? 0) },
      { what: '  answered within, 99%', unit: 'ms', ours: one(sorted[Math.floor(sorted.length * 0.99)] ?? 0) },
      { what: '  answered within, slowest', unit: 'ms', ours: one(sorted.at(-1) ?? 0) },
    ];
  } finally {
    await host.close();
  }
}

/** Milliseconds from just before the directive is signed and published until a request is answered by the version. */
async function swapTo(
  world: DeviceWorld,
  requests: Requests,
  to: PublishedModel,
  entry: Parameters<DeviceWorld['entry']>[0],
): Promise<number> {
  const start = requests.mark();
  await world.direct(world.entry(entry));
  const end = start + 30_000;
  for (;;) {
    const at = requests.firstAnswerAt.get(to.version);
    if (at !== undefined) return at - start;
    if (performance.now() > end) throw new Error(`${to.version} did not answer within 30 s`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

export const swapBenchmark: Benchmark = {
  name: 'swap',
  title: 'swaps of a serving model on one device',
  run: async () => ({
    groups: [
      {
        title: '20 swaps there and 20 back, 4 clients that ask without pause',
        lines: await measureSwaps({ swaps: 20, clients: 4 }),
      },
    ],
    notes: [
      'Service, publication, agent and clients run in one process on loopback; the time contains signing and publishing the directive by TUF, the long poll and its verification. A model of 1 kB: larger ones add their download.',
    ],
  }),
};
