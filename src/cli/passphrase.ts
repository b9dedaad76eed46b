// Owns the passphrase of an encrypted key: from a file, from the environment, or asked for where a person sits at a terminal.
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { readBoundedFile } from '../base/bounded-file.ts';

const MOST_BYTES = 4096;

/** Undefined where there is none and nobody to ask. The variable is cosign's. Throws FILE_UNREADABLE, FILE_KIND or FILE_SIZE. */
export async function readPassphrase(file: string | undefined, what: string): Promise<string | undefined> {
  if (file !== undefined) {
    const bytes = await readBoundedFile(file, MOST_BYTES, false, { takesPipes: true });
    return bytes.toString('utf8').replace(/\r?\n$/, '');
  }
  const given = process.env.COSIGN_PASSWORD;
  if (given !== undefined) return given;
  return process.stdin.isTTY && process.stderr.isTTY ? ask(`Passphrase of ${what}: `) : undefined;
}

/** Undefined when the person leaves by Ctrl-C or Ctrl-D. */
async function ask(prompt: string): Promise<string | undefined> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write(prompt); // only now, when nothing that is typed shows any more
  try {
    const left = once(lines, 'close').then(() => undefined);
    return await Promise.race([lines.question('').catch(() => undefined), left]);
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
