// Owns `npm run bench:verdicts`: tries the production verdicts on simulated rollouts, and says whether they hold what is promised.
import os from 'node:os';
import { parseArgs } from 'node:util';
import { requirementsOf } from './verdicts/requirements.ts';
import { runCells } from './verdicts/run-cells.ts';
import { Summaries, summaryOf } from './verdicts/summary.ts';
import { printRequirements, printTables } from './verdicts/tables.ts';

/** Fixed before the first run was looked at. */
const SEED = 'verdicts 1';
const RUNS = 1000;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: String(RUNS) },
    seed: { type: 'string', default: SEED },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
if (values.help || !Number.isInteger(runs) || runs < 1) {
  console.log('npm run bench:verdicts -- [--runs <rollouts a cell, 1000>] [--seed <text>] [--json]');
  process.exit(values.help ? 0 : 2);
}

const start = performance.now();
const isTerminal = process.stderr.isTTY;
const outcomes = await runCells({
  runs,
  seed: values.seed,
  threads: os.availableParallelism(),
  say: (progress) => isTerminal && process.stderr.write(`\r\x1b[K${progress}`),
});
if (isTerminal) process.stderr.write('\r\x1b[K');
const summaries = new Summaries(outcomes.map(summaryOf));
const requirements = requirementsOf(summaries);
const seconds = Math.round((performance.now() - start) / 1000);

if (values.json) {
  console.log(JSON.stringify({ runs, seed: values.seed, seconds, requirements, cells: summaries.all }, null, 2));
} else {
  console.log(`${runs} rollouts a cell, seed "${values.seed}", ${os.availableParallelism()} threads, ${seconds} s\n`);
  console.log(`${printTables(summaries)}\n\n${printRequirements(requirements)}`);
}
process.exitCode = requirements.every(({ isMet }) => isMet) ? 0 : 1;
