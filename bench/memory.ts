// Owns the benchmark of memory: bytes that the service keeps for each device that it knows.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SystemClock } from '../src/base/clock.ts';
import { openSqliteFleetStore } from '../src/store/sqlite/open-sqlite-fleet-store.ts';
import type { Benchmark, Group, Line } from './benchmark.ts';
import { type Spread, spreadOf } from './measure.ts';
import type { MemoryMeasured } from './memory-process.ts';
import { enrolDevices, openForAll, reportOf, windowSpec } from './report-load.ts';

/** In memory where there is such a folder: filling flushes once a device, and the disk is not what is measured. */
const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();

async function fill(file: string, devices: number): Promise<void> {
  await using store = openSqliteFleetStore({ file, clock: new SystemClock(), gatherMs: 0 });
  const enrolled = await enrolDevices(store, devices);
  await openForAll(store, windowSpec(devices), Date.now());
  for (let from = 0; from < enrolled.length; from += 512) {
    const part = enrolled.slice(from, from + 512);
    await store.ingest(part.map((device, i) => ({ report: reportOf(device, from + i, 1), receivedAtMs: Date.now() })));
  }
}

async function measureOnce(file: string): Promise<MemoryMeasured> {
  const child = fork(new URL('memory-process.ts', import.meta.url), [file], { execArgv: ['--expose-gc'] });
  const [measured] = (await once(child, 'message')) as [MemoryMeasured];
  await once(child, 'exit');
  return measured;
}

export async function measureMemory(devices: number, runs: number): Promise<Group> {
  const folder = mkdtempSync(path.join(SCRATCH, 'slipway-bench-'));
  try {
    const file = path.join(folder, 'fleet.db');
    await fill(file, devices);
    const measured: MemoryMeasured[] = [];
    for (let run = 0; run < runs; run++) measured.push(await measureOnce(file));
    const each = (pick: (one: MemoryMeasured) => number): Spread =>
      spreadOf(measured.map((one) => pick(one) / devices));
    const whole = (pick: (one: MemoryMeasured) => number): Spread => spreadOf(measured.map(pick));
    const lines: Line[] = [
      {
        what: 'heap for each known device',
        unit: 'bytes',
        ours: each((one) => one.fleetBytes + one.matchedBytes + one.windowBytes),
      },
      { what: '  its record', unit: 'bytes', ours: each((one) => one.fleetBytes) },
      { what: '  its place in the fleet and in one target', unit: 'bytes', ours: each((one) => one.matchedBytes) },
      { what: '  its sums in one window', unit: 'bytes', ours: each((one) => one.windowBytes) },
      {
        what: 'resident for each (with SQLite, garbage and free space)',
        unit: 'bytes',
        ours: each((one) => one.residentBytes),
      },
      { what: 'reading the whole fleet, once after a start', unit: 'ms', ours: whole((one) => one.readMs) },
      { what: 'reading it again, nothing changed', unit: 'ms', ours: whole((one) => one.refreshMs) },
    ];
    return { title: `${devices.toLocaleString('en')} devices, enrolled and heard of`, lines };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const memoryBenchmark: Benchmark = {
  name: 'memory',
  title: 'memory for each known device',
  run: async (say) => {
    const groups: Group[] = [];
    for (const devices of [10_000, 100_000]) {
      say(`${devices} devices`);
      groups.push(await measureMemory(devices, 3));
    }
    return {
      groups,
      notes: [
        'Heap and external memory after garbage collection, in a process that opened a filled store and read the fleet from it.',
      ],
    };
  },
};
