// Owns the benchmark of the directive: what a device pays to find its assignment, and the reconciler to choose a cohort.
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { digestOf } from '../src/contract/digest.ts';
import { assignmentsFor, type Directive, type DirectiveEntry } from '../src/contract/directive.ts';
import { encodeDirective } from '../src/contract/directive-json.ts';
import { BUCKETS, chooseCut, saltOf } from '../src/contract/membership.ts';
import { matchesSelector, parseSelector } from '../src/contract/selector.ts';
import type { Benchmark, BenchmarkResult, Line } from './benchmark.ts';
import { ratePerSecond, repeatMs, type Spread, spreadOf } from './measure.ts';
import { labelsOf } from './report-load.ts';

function entryOf(n: number): DirectiveEntry {
  const rollout = `rollout-${String(n).padStart(5, '0')}`;
  const candidate = { version: '2.0.0', digest: digestOf(`candidate ${n}`), attempt: 1, parameters: {} };
  const target = 'region:eu-west AND hw:(rev1 OR rev2)';
  return {
    ...{
      rollout,
      revision: 7,
      model: `model-${n}`,
      target,
      stage: 'canary',
      candidate,
      spreadMs: 600_000,
      emergency: false,
    },
    cohort: { cut: Math.floor(BUCKETS / 100), select: null, devices: [] },
    salt: saltOf(rollout, candidate.digest, 1, '0'.repeat(32)),
    stable: { version: '1.0.0', digest: digestOf(`stable ${n}`), parameters: {}, target },
  };
}

const directiveOf = (entries: number): Directive => ({
  kind: 'Directive',
  entries: Array.from({ length: entries }, (_, n) => entryOf(n)),
});

const deviceId = (n: number): string => `kiosk-${String(n).padStart(7, '0')}`;

const microseconds = ({ median, least, most, runs }: Spread, each = 1): Spread => ({
  ...{ median: 1e6 / median / each, least: 1e6 / most / each, most: 1e6 / least / each, runs },
});

export function measureDirective(entries: number, times: number): Line[] {
  const directive = directiveOf(entries);
  const facts = { id: deviceId(1), labels: { ...labelsOf(4), hw: 'rev1' }, properties: { platform: 'linux/amd64' } };
  const evaluated = ratePerSecond(() => assignmentsFor(directive, facts), { times, runs: 7 });
  const hashed = ratePerSecond(
    () => {
      for (const { salt } of directive.entries) createHash('sha256').update(`${salt}\n${facts.id}`).digest();
    },
    { times, runs: 7 },
  );
  const bytes = encodeDirective(directive);
  const one = (value: number): Spread => spreadOf([value]);
  const peer = { what: 'sha256 alone', spread: microseconds(hashed, entries) };
  return [
    {
      what: `${entries} entries: a device evaluates one entry`,
      unit: 'µs',
      ours: microseconds(evaluated, entries),
      peer,
    },
    { what: `${entries} entries: bytes of one`, unit: 'bytes', ours: one(bytes.length / entries) },
    {
      what: `${entries} entries: bytes of one, compressed`,
      unit: 'bytes',
      ours: one(gzipSync(bytes).length / entries),
    },
  ];
}

export async function measureCohort(devices: number): Promise<Line[]> {
  const ids = Array.from({ length: devices }, (_, n) => deviceId(n));
  const fleet = ids.map((id, n) => ({ id, labels: labelsOf(n), properties: { platform: 'linux/amd64' } }));
  const selector = parseSelector('region:eu-west AND hw:(rev1 OR rev2)');
  const salt = saltOf('rollout', digestOf('candidate'), 1, '0'.repeat(32));
  const hash = await repeatMs(() => {
    for (const id of ids) createHash('sha256').update(`${salt}\n${id}`).digest();
  });
  return [
    {
      what: `${devices} devices: the cut for 1%`,
      unit: 'ms',
      ours: await repeatMs(() => chooseCut(ids, salt, Math.ceil(devices / 100))),
      peer: { what: 'sha256 alone', spread: hash },
    },
    {
      what: `${devices} devices: which match the target`,
      unit: 'ms',
      ours: await repeatMs(() => fleet.filter((facts) => matchesSelector(selector, facts)).length),
    },
  ];
}

async function runAll(): Promise<BenchmarkResult> {
  const lines = [1, 10, 1_000].flatMap((entries) => measureDirective(entries, Math.max(20, 10_000 / entries)));
  return {
    groups: [
      { title: 'on the device', lines },
      { title: 'in the reconciler', lines: await measureCohort(100_000) },
    ],
    notes: [
      'A device evaluates a directive once when it changes; `sha256 alone` is the hash that its place in the cohort needs.',
    ],
  };
}

export const directiveBenchmark: Benchmark = {
  name: 'directive',
  title: 'what a directive says to a device, and who is in a cohort',
  run: runAll,
};
