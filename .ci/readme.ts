// Owns the trial of the README: its marked commands are run, in order, in a copy of the project.
import { execFile, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { type CommandLine, findCommandLines, toScript } from './readme-lines.ts';

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

/** Runs the script in a process group of its own, so that nothing it started outlives the trial. */
async function runScript(script: string, cwd: string): Promise<Set<number>> {
  const child = spawn('bash', ['-c', script], { cwd, detached: true, stdio: ['ignore', 'inherit', 'inherit', 'pipe'] });
  let done = '';
  (child.stdio[3] as Readable).on('data', (chunk: Buffer) => {
    done += chunk.toString('utf8');
  });
  const stop = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const timer = setTimeout(stop, TRIAL_TIMEOUT_MS);
  await new Promise((resolve) => child.on('exit', resolve));
  clearTimeout(timer);
  stop();
  return new Set(done.split('\n').filter(Boolean).map(Number));
}

function report(commands: readonly CommandLine[], done: ReadonlySet<number>): void {
  const failed = commands.find((command) => !done.has(command.line));
  const skipped = commands.length - done.size - (failed === undefined ? 0 : 1);
  if (failed !== undefined) console.error(`README.md:${failed.line} failed: ${failed.command}`);
  console.log(`${done.size} passed, ${failed === undefined ? 0 : 1} failed, ${skipped} skipped`);
  process.exitCode = failed === undefined ? 0 : 1;
}

async function main(): Promise<void> {
  const page = path.join(ROOT, 'README.md');
  const commands = existsSync(page) ? findCommandLines(readFileSync(page, 'utf8')) : [];
  if (commands.length === 0) {
    console.error('README.md promises nothing: mark its sh blocks with <!-- ci -->');
    console.log('0 passed, 1 failed, 0 skipped');
    process.exitCode = 1;
    return;
  }
  const copy = mkdtempSync(path.join(os.tmpdir(), 'slipway-readme-'));
  try {
    await copyProject(copy);
    if (!commands.some(({ command }) => INSTALLS.test(command))) await copyPackages(copy);
    report(commands, await runScript(toScript(commands), copy));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

await main();
