// Owns exposure as a file: rows written as they come, so that a hundred thousand need no memory, and a file that is whole or not there.
import { open, rename, rm } from 'node:fs/promises';
import process from 'node:process';
import type { ExposureRow } from '../dashboard/read-model/types.generated.ts';

export type ExposureFormat = 'csv' | 'json';

const COLUMNS = ['device', 'model', 'version', 'digest', 'heard_before', 'from', 'until', 'how'] as const;

function instant(atMs: number | null): string {
  return atMs === null ? '' : new Date(atMs).toISOString();
}

/** Devices name versions: no name may be a formula of whoever opens the file in a spreadsheet. */
function csvCell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

function csvLine({ device, model, version, digest, afterMs, fromMs, untilMs, how }: ExposureRow): string {
  const cells = [device, model, version ?? '', digest ?? '', instant(afterMs), instant(fromMs), instant(untilMs), how];
  return `${cells.map(csvCell).join(',')}\r\n`;
}

/** CSV as RFC 4180 has it; JSON as one list. Gives the number of rows. */
export async function writeExposure(
  pages: AsyncIterable<readonly ExposureRow[]>,
  { format, file }: { readonly format: ExposureFormat; readonly file: string | undefined },
): Promise<number> {
  const isCsv = format === 'csv';
  let rows = 0;
  async function* texts(): AsyncGenerator<string> {
    yield isCsv ? `${COLUMNS.join(',')}\r\n` : '[';
    for await (const page of pages) {
      const lines = page.map((row, i) =>
        isCsv ? csvLine(row) : `${rows + i === 0 ? '\n' : ',\n'}${JSON.stringify(row)}`,
      );
      rows += page.length;
      yield lines.join('');
    }
    if (!isCsv) yield '\n]\n';
  }
  if (file === undefined) {
    for await (const text of texts())
      if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once('drain', resolve));
    return rows;
  }
  const part = `${file}.part`;
  try {
    await using handle = await open(part, 'w');
    for await (const text of texts()) await handle.write(text);
    await handle.sync();
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  await rename(part, file);
  return rows;
}
