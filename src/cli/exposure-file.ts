// Owns exposure as a file: rows written as they come, so that a hundred thousand need no memory, and a file that is whole or not there.
import { open, rename, rm } from 'node:fs/promises';
import process from 'node:process';
import { csvLine, EXPOSURE_HEADER } from '../dashboard/exposure-csv.ts';
import type { ExposureRow } from '../dashboard/read-model/types.generated.ts';

export type ExposureFormat = 'csv' | 'json';

/** CSV as RFC 4180 has it; JSON as one list. Gives the number of rows. */
export async function writeExposure(
  pages: AsyncIterable<readonly ExposureRow[]>,
  { format, file }: { readonly format: ExposureFormat; readonly file: string | undefined },
): Promise<number> {
  const isCsv = format === 'csv';
  let rows = 0;
  async function* texts(): AsyncGenerator<string> {
    yield isCsv ? EXPOSURE_HEADER : '[';
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
