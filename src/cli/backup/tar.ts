// Owns archives, by the `tar` of the system: written to a file of its owner alone, and taken apart in a folder that is there for nothing else.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { CodedError } from '../../base/errors.ts';

const MOST_SAID = 2_000;

interface TarOrder {
  readonly args: readonly string[];
  readonly output?: FileHandle;
  readonly mostBytes?: number;
}

/** What it prints, or null when it fails or prints more than asked for. Throws BACKUP_TAR without a tar. */
async function tar({
  args,
  output,
  mostBytes = 0,
}: TarOrder): Promise<{ readonly bytes: Buffer | null; readonly said: string }> {
  // macOS would add files of its own; a tape or options named in the environment are not meant.
  const { PATH, TMPDIR, TZ = 'UTC' } = process.env;
  const env = { PATH, TMPDIR, TZ, LC_ALL: 'C', COPYFILE_DISABLE: '1' };
  const child = spawn('tar', args, { env, stdio: ['ignore', output?.fd ?? 'pipe', 'pipe'] });
  const said = readSome(child.stderr, MOST_SAID, () => undefined);
  const read = readSome(child.stdout, mostBytes, () => child.kill());
  const [code] = await once(child, 'close').catch((cause: unknown) => {
    throw new CodedError({
      code: 'BACKUP_TAR',
      message: "The command `tar` can't be started.",
      remedy: 'Install it (GNU tar, bsdtar or BusyBox), or put it on the PATH.',
      cause,
    });
  });
  const { bytes, isCut } = await read;
  return { bytes: code === 0 && !isCut ? bytes : null, said: (await said).bytes.toString('utf8').trim() };
}

async function readSome(
  stream: Readable | null,
  most: number,
  onCut: () => void,
): Promise<{ readonly bytes: Buffer; readonly isCut: boolean }> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream ?? []) {
    length += chunk.length;
    if (length <= most) chunks.push(chunk);
    else onCut();
  }
  return { bytes: Buffer.concat(chunks), isCut: length > most };
}

/** Writes the names of the folder into a new file, flushed. Throws BACKUP_TAR and what the system says. */
export async function packFolder(folder: string, names: readonly string[], file: string): Promise<void> {
  await using output = await open(file, 'wx', 0o600);
  const { bytes, said } = await tar({ args: ['-cf', '-', '-C', folder, ...names], output });
  if (bytes === null) {
    throw new CodedError({
      code: 'BACKUP_TAR',
      kind: 'retry-later',
      message: `\`tar\` could not write ${file}: ${said}.`,
      remedy: 'Make room on the disk of the backup, or see what tar says.',
    });
  }
  await output.sync();
}

/** One file out of an archive, named in full: tar takes `host:home.tar` for another machine's. Null when it is not there, or longer. */
export async function readPacked(file: string, name: string, mostBytes: number): Promise<Buffer | null> {
  if (!(await isTar(file))) return null;
  return (await tar({ args: ['-xOf', path.resolve(file), name], mostBytes })).bytes;
}

/** Takes the archive apart. Nothing of it is to be believed: the caller looks at each file. Null when that went well, else what tar says. */
export async function unpackInto(folder: string, file: string): Promise<string | null> {
  const { bytes, said } = await tar({ args: ['-xof', path.resolve(file), '-C', folder] });
  return bytes === null ? said || 'it ends early' : null;
}

/** Not compressed: what is in it is no larger than the file. */
async function isTar(file: string): Promise<boolean> {
  await using handle = await open(file, 'r');
  const { buffer } = await handle.read(Buffer.alloc(5), 0, 5, 257);
  return buffer.toString('latin1') === 'ustar';
}
