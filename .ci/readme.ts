// Owns the trial of the README: its marked commands are run, in order, in a copy of the project.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { findCommandBlocks } from './page-commands.ts';
import { type PageResult, runPages } from './run-pages.ts';

const ROOT = path.join(import.meta.dirname, '..');
const TRIAL_TIMEOUT_MS = 600_000;
const INSTALLS = /\bnpm (ci|install|i)\b/;
const run = promisify(execFile);

/** What a fresh clone would hold, changes not committed yet included. */
async function copyProject(copy: string): Promise<void> {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { stdout } = await run('git', list, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 });
  for (const file of stdout.split('\0').filter((one) => one !== '' && existsSync(path.join(ROOT, one)))) {
    mkdirSync(path.dirname(path.join(copy, file)), { recursive: true });
    cpSync(path.join(ROOT, file), path.join(copy, file));
  }
}

/** Hard links where the file system allows: `npm ci` only ever unlinks them. */
async function copyPackages(copy: string): Promise<void> {
  const source = path.join(ROOT, 'node_modules');
  const target = path.join(copy, 'node_modules');
  try {
    await run('cp', ['-al', source, target]);
  } catch {
    rmSync(target, { recursive: true, force: true });
    await run('cp', ['-a', source, target]);
  }
}

function report({ passed, skipped, failures }: PageResult): void {
  for (const failure of failures) console.error(failure);
  console.log(`${passed} passed, ${failures.length} failed, ${skipped} skipped`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

async function main(): Promise<void> {
  const page = path.join(ROOT, 'README.md');
  const blocks = existsSync(page) ? findCommandBlocks('README.md', readFileSync(page, 'utf8')) : [];
  if (blocks.length === 0) {
    console.error('README.md promises nothing: mark its sh blocks with <!-- ci -->');
    console.log('0 passed, 1 failed, 0 skipped');
    process.exitCode = 1;
    return;
  }
  const copy = mkdtempSync(path.join(os.tmpdir(), 'slipway-readme-'));
  try {
    await copyProject(copy);
    const commands = blocks.flatMap((block) => block.commands);
    if (!commands.some(({ command }) => INSTALLS.test(command))) await copyPackages(copy);
    report(await runPages({ blocks, folder: copy, timeoutMs: TRIAL_TIMEOUT_MS, print: null }));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

await main();
