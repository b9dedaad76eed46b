// Owns `npm run check`: everything that can be found without running the system, each check one line.
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { findPagesOffTheMap } from './docs-map.ts';
import { findMachineTraces, thisMachine } from './machine-traces.ts';
import { findBrokenLinks } from './markdown-links.ts';
import { findMergeConflicts } from './merge-conflicts.ts';
import { findWorkflowBreaches, isAction, isWorkflow, type ProjectFile, runActionlint } from './workflow-rules.ts';

const ROOT = path.join(import.meta.dirname, '..');
const CHECK_TIMEOUT_MS = 300_000;
const MOST_SHOWN_LINES = 120;
const MOST_TRACKED_BYTES = 64 * 1024 * 1024;
const READABLE =
  /\.(ts|mjs|js|json|ya?ml|md|sh|html|css|svg|service|conf|npmrc)$|(^|\/)(run|LICENSE|Dockerfile|Containerfile)$/;
const run = promisify(execFile);

interface Check {
  readonly name: string;
  /** The findings in words; none means passed. */
  readonly find: () => Promise<string[]>;
}

/** A command that passes with exit code 0; otherwise its output is the finding. */
function command(name: string, program: string, args: readonly string[]): Check {
  const find = async (): Promise<string[]> => {
    const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], timeout: CHECK_TIMEOUT_MS });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    const lines = Buffer.concat(output).toString('utf8').trimEnd().split('\n');
    const shown = lines.length > MOST_SHOWN_LINES ? [...lines.slice(0, MOST_SHOWN_LINES), '…'] : lines;
    return code === 0 ? [] : [...shown, `${program} ended with ${code}`];
  };
  return { name, find };
}

/** Files that are, or would be, in the repository; without Git there is nothing to list, and that fails aloud. */
async function readProjectFiles(): Promise<ProjectFile[]> {
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    maxBuffer: MOST_TRACKED_BYTES,
  });
  const paths = stdout.split('\0').filter((file) => READABLE.test(file) && existsSync(path.join(ROOT, file)));
  return Promise.all(paths.map(async (file) => ({ path: file, text: await readFile(path.join(ROOT, file), 'utf8') })));
}

async function findLinks(): Promise<string[]> {
  const files = (await readProjectFiles()).filter((file) => file.path.endsWith('.md'));
  const broken = findBrokenLinks(files, (target) => existsSync(path.join(ROOT, target)));
  return [...broken, ...findPagesOffTheMap(files)].map((link) => `${link.path}:${link.line} ${link.message}`);
}

async function findTraces(): Promise<string[]> {
  const { stdout } = await run('npm', ['config', 'get', 'registry'], { cwd: ROOT });
  const traces = findMachineTraces(await readProjectFiles(), thisMachine(ROOT, stdout.trim()));
  return traces.map((trace) => `${trace.path}:${trace.line} ${trace.message}`);
}

async function findConflicts(): Promise<string[]> {
  return findMergeConflicts(await readProjectFiles()).map((one) => `${one.path}:${one.line} ${one.message}`);
}

async function findWorkflowProblems(): Promise<string[]> {
  const files = (await readProjectFiles()).filter(({ path: file }) => isWorkflow(file) || isAction(file));
  const breaches = [...findWorkflowBreaches(files), ...(await runActionlint(files))];
  return breaches.map((breach) => `${breach.path}:${breach.line} ${breach.message}`);
}

const CHECKS: readonly Check[] = [
  command('types', 'tsc', ['--noEmit']),
  command('lint', 'biome', ['check', '--error-on-warnings', '.']),
  command('generated', 'node', ['schemas/generate.ts', '--check']),
  command('reference', 'node', ['docs/generate-reference.ts', '--check']),
  command('architecture', 'vitest', ['run', 'test/architecture.test.ts']),
  command('dead-code', 'knip', ['--no-progress']),
  { name: 'links', find: findLinks },
  { name: 'workflows', find: findWorkflowProblems },
  { name: 'merge-conflicts', find: findConflicts },
  { name: 'machine-traces', find: findTraces },
];

/** `npm run check -- types links` runs those alone. Prints a line each and the sum; the exit code is 1 when one failed. */
async function main(wanted: readonly string[]): Promise<void> {
  const unknown = wanted.filter((name) => !CHECKS.some((check) => check.name === name));
  if (unknown.length > 0) {
    console.error(`no check ${unknown.join(', ')}; there are ${CHECKS.map((check) => check.name).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const tally = { passed: 0, failed: 0, skipped: 0 };
  for (const check of CHECKS) {
    if (wanted.length > 0 && !wanted.includes(check.name)) {
      tally.skipped += 1;
      continue;
    }
    const startMs = performance.now();
    const findings = await check.find().catch((error: unknown) => [String(error)]);
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    tally[findings.length === 0 ? 'passed' : 'failed'] += 1;
    console.log(`${findings.length === 0 ? 'passed' : 'FAILED'}  ${check.name.padEnd(15)} ${seconds.padStart(5)} s`);
    for (const finding of findings) console.log(finding.replace(/^/gm, '  '));
  }
  console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
  process.exitCode = tally.failed === 0 ? 0 : 1;
}

await main(process.argv.slice(2));
