// Owns the benchmark of reports: verified, folded and durably acknowledged, beside a bare HTTP server that reads the same requests.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SystemClock } from '../src/base/clock.ts';
import type { VerifiedReport } from '../src/contract/fleet-messages.ts';
import type { FleetStore } from '../src/store/fleet-store.ts';
import { openSqliteFleetStore } from '../src/store/sqlite/open-sqlite-fleet-store.ts';
import { foldReport } from '../src/telemetry/fold-report.ts';
import { applyFold, emptyWindowTallies } from '../src/telemetry/window-tallies.ts';
import type { Benchmark, Group, Line } from './benchmark.ts';
import { type LoadResult, sendAll } from './http-load.ts';
import { ratePerSecond, type Spread, spreadOf } from './measure.ts';
import { type EnrolledDevice, enrolDevices, openForAll, reportOf, signBodies, windowSpec } from './report-load.ts';
import type { ServersReady } from './report-server-process.ts';

export class ReportServers implements AsyncDisposable {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-bench-'));
  readonly #child: ChildProcess;
  ready!: ServersReady;

  private constructor(devices: number) {
    this.#child = fork(new URL('report-server-process.ts', import.meta.url), [this.folder, String(devices)]);
  }

  static async start(devices: number): Promise<ReportServers> {
    const servers = new ReportServers(devices);
    [servers.ready] = (await once(servers.#child, 'message')) as [ServersReady];
    return servers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export interface HttpOrder {
  readonly requests: number;
  readonly batch: number;
  readonly runs: number;
  readonly connections: number;
}

interface Runs {
  readonly perSecond: Spread;
  readonly barePerSecond: Spread;
  readonly p50: Spread;
  readonly p99: Spread;
}

const quantile = ({ latenciesMs }: LoadResult, share: number): number =>
  latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * share))] ?? 0;

/** Every report must be accepted: what is not stored does not count as fast. */
export async function measureHttp(
  { port, barePort, devices }: ServersReady,
  { requests, batch, runs, connections }: HttpOrder,
  fromSequence: number,
): Promise<Runs> {
  const real: LoadResult[] = [];
  const bare: LoadResult[] = [];
  const perRun = Math.ceil(requests / devices.length) * batch;
  for (let run = -1; run < runs; run++) {
    const bodies = signBodies({ devices, requests, batch, fromSequence: fromSequence + (run + 1) * perRun });
    const ours = await sendAll({ port, path: '/v1/reports', connections }, bodies);
    const theirs = await sendAll({ port: barePort, path: '/v1/reports', connections }, bodies);
    if (ours.accepted !== requests * batch)
      throw new Error(
        `${ours.accepted} of ${requests * batch} reports were accepted: ${JSON.stringify(ours.statuses)}`,
      );
    if (run < 0) continue;
    real.push(ours);
    bare.push(theirs);
  }
  const rate = (results: readonly LoadResult[]): Spread =>
    spreadOf(results.map(({ answers, seconds }) => (answers * batch) / seconds));
  return {
    perSecond: rate(real),
    barePerSecond: rate(bare),
    p50: spreadOf(real.map((one) => quantile(one, 0.5))),
    p99: spreadOf(real.map((one) => quantile(one, 0.99))),
  };
}

/** A write and a flush, as each group of reports costs at least. */
function flushRate(folder: string): Spread {
  const handle = openSync(path.join(folder, 'flush'), 'w');
  const page = Buffer.alloc(4096);
  try {
    return ratePerSecond(
      () => {
        writeSync(handle, page, 0, page.length, 0);
        fsyncSync(handle);
      },
      { times: 100, runs: 5 },
    );
  } finally {
    closeSync(handle);
  }
}

async function measureStore(devices: readonly EnrolledDevice[], store: FleetStore, runs: number): Promise<Spread> {
  const rates: number[] = [];
  for (let run = -1; run < runs; run++) {
    const reports = devices.map(
      (device, n): VerifiedReport => ({ report: reportOf(device, n, run + 2), receivedAtMs: Date.now() }),
    );
    const start = performance.now();
    for (let from = 0; from < reports.length; from += 512) await store.ingest(reports.slice(from, from + 512));
    if (run >= 0) rates.push((reports.length * 1000) / (performance.now() - start));
  }
  return spreadOf(rates);
}

function foldRate(): Spread {
  const device: EnrolledDevice = { id: 'kiosk-1', epoch: 1, privatePem: '' };
  const spec = windowSpec(1);
  const reports = Array.from({ length: 64 }, (_, n) => reportOf(device, n * 4, n + 1));
  const tallies = emptyWindowTallies(spec);
  return ratePerSecond(
    (i) => {
      const report = reports[i % reports.length];
      if (report === undefined) return;
      for (const folded of foldReport(spec, report, spec.openedAtMs + 1000)) applyFold(tallies, folded);
    },
    { times: 20_000, runs: 5 },
  );
}

export async function measureInside(devices: number, runs: number): Promise<Line[]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-bench-'));
  const store = openSqliteFleetStore({ file: path.join(folder, 'fleet.db'), clock: new SystemClock(), gatherMs: 0 });
  try {
    const enrolled = await enrolDevices(store, devices);
    await openForAll(store, windowSpec(devices), Date.now());
    const stored = await measureStore(enrolled, store, runs);
    return [
      { what: 'stored and folded, groups of 512, without HTTP and signatures', unit: '/s', ours: stored },
      { what: 'folded into a window, in memory', unit: '/s', ours: foldRate() },
      { what: 'flushes of this disk (4 KiB written, fsync)', unit: '/s', ours: flushRate(folder) },
    ];
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function httpLines(title: string, { perSecond, barePerSecond, p50, p99 }: Runs): Line[] {
  return [
    { what: title, unit: '/s', ours: perSecond, peer: { what: 'bare node:http', spread: barePerSecond } },
    { what: '  until acknowledged, median', unit: 'ms', ours: p50 },
    { what: '  until acknowledged, 99%', unit: 'ms', ours: p99 },
  ];
}

export const reportsBenchmark: Benchmark = {
  name: 'reports',
  title: 'reports verified, counted and durably acknowledged, over HTTP',
  run: async (say) => {
    const connections = 64;
    say('enrolling');
    await using servers = await ReportServers.start(2_000);
    say('batches of 1');
    const single = await measureHttp(servers.ready, { requests: 8_000, batch: 1, runs: 5, connections }, 1);
    say('batches of 8');
    const eight = await measureHttp(servers.ready, { requests: 2_000, batch: 8, runs: 5, connections }, 1_000);
    say('without HTTP');
    const groups: Group[] = [
      {
        title: `2,000 devices, ${connections} connections`,
        lines: [
          ...httpLines('reports, one a request', single),
          ...httpLines('reports, eight a request', eight),
          ...(await measureInside(2_000, 5)),
        ],
      },
    ];
    return {
      groups,
      notes: [
        'An answer is sent after the transaction that holds the report was flushed to disk; signatures are checked one by one (P-256).',
        'The bare server reads the same bodies and answers 200: it parses, checks and keeps nothing. Servers and clients are two processes on the same cores.',
      ],
    };
  },
};
