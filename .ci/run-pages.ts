// Owns running the commands of pages in one shell, and judging them by how they end and what they print.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { type CommandBlock, findMissingLine, toScript } from './page-commands.ts';

export interface PageRun {
  readonly blocks: readonly CommandBlock[];
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  /** Takes what the commands print, both streams; null lets them through. */
  readonly print: ((text: string) => void) | null;
}

export interface PageResult {
  readonly passed: number;
  readonly skipped: number;
  /** In words, with the place; none means passed. */
  readonly failures: readonly string[];
}

/** Runs the blocks in a process group of its own, so that nothing they started outlives the run. */
export async function runPages(run: PageRun): Promise<PageResult> {
  const outputs = mkdtempSync(path.join(os.tmpdir(), 'slipway-page-'));
  try {
    return judge(run.blocks, await runScript(toScript(run.blocks, outputs), run), outputs);
  } finally {
    rmSync(outputs, { recursive: true, force: true });
  }
}

async function runScript(script: string, { folder, environment, timeoutMs, print }: PageRun): Promise<Set<string>> {
  const stream = print === null ? 'inherit' : 'pipe';
  const child = spawn('bash', ['-c', script], {
    ...{ cwd: folder, detached: true, stdio: ['ignore', stream, stream, 'pipe'] },
    ...(environment === undefined ? {} : { env: environment }),
  });
  for (const one of print === null ? [] : [child.stdout, child.stderr])
    one?.on('data', (chunk: Buffer) => print?.(chunk.toString('utf8')));
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
  const timer = setTimeout(stop, timeoutMs);
  await new Promise((resolve) => child.on('exit', resolve));
  clearTimeout(timer);
  stop();
  return new Set(done.split('\n').filter(Boolean));
}

function judge(blocks: readonly CommandBlock[], done: ReadonlySet<string>, outputs: string): PageResult {
  const commands = blocks.flatMap((block) => block.commands);
  const failed = commands.find(({ place }) => !done.has(place));
  const failures: string[] = [];
  for (const [index, { place, printed, commands: own }] of blocks.entries()) {
    const file = path.join(outputs, String(index));
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const missing = printed === null ? undefined : findMissingLine(printed, text);
    const said = text === '' ? '' : `\nIt printed:\n${text}`;
    if (failed !== undefined && own.includes(failed)) failures.push(`${failed.place} failed: ${failed.command}${said}`);
    else if (missing !== undefined && own.every((one) => done.has(one.place)))
      failures.push(`${place} did not print: ${missing}${said}`);
  }
  return { passed: done.size, skipped: commands.length - done.size - (failed === undefined ? 0 : 1), failures };
}
