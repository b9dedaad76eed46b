// Owns `npm run bench`: runs the benchmarks by name, or all of them, and prints tables or JSON.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { answersBenchmark } from './answers.ts';
import type { Benchmark, BenchmarkResult } from './benchmark.ts';
import { dashboardBenchmark } from './dashboard.ts';
import { devicesBenchmark } from './devices.ts';
import { directiveBenchmark } from './directive.ts';
import { foldingBenchmark } from './folding.ts';
import { judgingBenchmark } from './judging.ts';
import { memoryBenchmark } from './memory.ts';
import { printed, ratioOf } from './print.ts';
import { reconcileBenchmark } from './reconcile.ts';
import { reportsBenchmark } from './reports.ts';
import { swapBenchmark } from './swap.ts';
import { verificationBenchmark } from './verification.ts';

const BENCHMARKS: readonly Benchmark[] = [
  reconcileBenchmark,
  reportsBenchmark,
  memoryBenchmark,
  foldingBenchmark,
  judgingBenchmark,
  verificationBenchmark,
  swapBenchmark,
  answersBenchmark,
  directiveBenchmark,
  devicesBenchmark,
  dashboardBenchmark,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, out: { type: 'string' }, help: { type: 'boolean' } },
});
const names = BENCHMARKS.map((one) => one.name);
const unknown = positionals.filter((name) => !names.includes(name));
if (values.help === true || unknown.length > 0) {
  console.log(`npm run bench -- [${names.join('|')}]… [--json] [--out <file for the JSON>]`);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const environment = {
  cpu: os.cpus()[0]?.model ?? 'unknown',
  cores: os.availableParallelism(),
  /** Above the number of cores, other programs took part of the time: trust the ratios more than the times. */
  load: os.loadavg()[0] ?? 0,
  memoryGib: Math.round(os.totalmem() / 2 ** 30),
  node: process.version,
  sqlite: process.versions.sqlite ?? '',
  git: execFileSync('git', ['--version']).toString().trim().replace('git version ', ''),
};

/** Ratios stand in the JSON as well, so that nobody has to divide. */
const jsonOf = ({ groups, notes }: BenchmarkResult): object => ({
  groups: groups.map(({ title, lines }) => ({
    title,
    lines: lines.map((line) => ({ ...line, ratio: ratioOf(line) })),
  })),
  notes,
});

const isJson = values.json === true;
const { cpu, cores, load, memoryGib, node, sqlite, git } = environment;
if (!isJson) {
  console.log(
    `${cpu}, ${cores} cores (load ${load.toFixed(1)} before), ${memoryGib} GiB; Node ${node}, SQLite ${sqlite}, git ${git}\n`,
  );
}
const results: Record<string, object> = {};
for (const { name, title, run } of BENCHMARKS) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const start = performance.now();
  const result = await run((progress) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${name}: ${progress}`));
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const seconds = (performance.now() - start) / 1000;
  results[name] = { title, seconds, ...jsonOf(result) };
  if (!isJson) console.log(`== ${name}: ${title}  (${seconds.toFixed(0)} s)\n\n${printed(result)}\n`);
}
const json = `${JSON.stringify({ environment, benchmarks: results }, null, 2)}\n`;
if (isJson) process.stdout.write(json);
if (values.out !== undefined) writeFileSync(values.out, json);
process.exit(0);
