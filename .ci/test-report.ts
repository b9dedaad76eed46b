// Owns what the reports of test runs say: which files are to be run once more, and the sum of all runs.
import { readFileSync } from 'node:fs';
import path from 'node:path';

interface FileReport {
  readonly name: string;
  readonly status: string;
  readonly assertionResults: readonly { readonly status: string }[];
}

interface Report {
  readonly testResults: readonly FileReport[];
}

/** More than that are no accident of a busy machine. */
const MOST_AGAIN = 2;

function readReport(file: string): Report {
  return JSON.parse(readFileSync(file, 'utf8')) as Report;
}

/** Files with a failed test, or that failed though none of their tests did: their worker died, or they could not be loaded. */
function failedFiles({ testResults }: Report): string[] {
  return testResults.filter(({ status }) => status === 'failed').map(({ name }) => path.relative('.', name));
}

/** Of a file that ran more than once the last run counts. */
function tally(reports: readonly Report[]): { readonly line: string; readonly failed: number } {
  const files = [...new Map(reports.flatMap(({ testResults }) => testResults.map((one) => [one.name, one]))).values()];
  const count = (isCounted: (status: string) => boolean): number =>
    files.reduce(
      (all, { assertionResults }) => all + assertionResults.filter((one) => isCounted(one.status)).length,
      0,
    );
  const dead = files.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.every((one) => one.status !== 'failed'),
  );
  const passed = count((status) => status === 'passed');
  const failed = count((status) => status === 'failed') + dead.length + (reports.length === 0 ? 1 : 0);
  const skipped = count((status) => status !== 'passed' && status !== 'failed');
  return { line: `${passed} passed, ${failed} failed, ${skipped} skipped`, failed };
}

const [what, ...files] = process.argv.slice(2);
if (what === 'failed') {
  const failed = failedFiles(readReport(files[0] ?? ''));
  console.log(failed.length > MOST_AGAIN ? '' : failed.join(' '));
} else {
  const { line, failed } = tally(files.map(readReport));
  console.log(line);
  process.exitCode = failed === 0 ? 0 : 1;
}
