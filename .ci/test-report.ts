// Owns what the reports of test runs say: which files a worker that died took along unseen, and the sum of all runs.
import { readFileSync } from 'node:fs';
import path from 'node:path';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/** More than that are no accident of one worker. */
const MOST_DEAD = 2;

function readReport(file: string): Report {
  return JSON.parse(readFileSync(file, 'utf8')) as Report;
}

/** Files that failed though none of their tests did: their worker died, or they could not be loaded. */
function deadFiles({ testResults }: Report): string[] {
  const dead = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  );
  return dead.map(({ name }) => path.relative('.', name));
}

function tally(reports: readonly Report[]): { readonly line: string; readonly failed: number } {
  const sum = (count: (report: Report) => number): number => reports.reduce((all, one) => all + count(one), 0);
  const last = reports.at(-1);
  const failed = sum((one) => one.numFailedTests) + (last === undefined ? 1 : deadFiles(last).length);
  const skipped = sum((one) => one.numPendingTests + one.numTodoTests);
  return { line: `${sum((one) => one.numPassedTests)} passed, ${failed} failed, ${skipped} skipped`, failed };
}

const [what, ...files] = process.argv.slice(2);
if (what === 'dead') {
  const dead = deadFiles(readReport(files[0] ?? ''));
  console.log(dead.length > MOST_DEAD ? '' : dead.join(' '));
} else {
  const { line, failed } = tally(files.map(readReport));
  console.log(line);
  process.exitCode = failed === 0 ? 0 : 1;
}
