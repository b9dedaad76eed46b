// Owns reading files that people name: what the system refuses is theirs to mend.
import { type ReadingOptions, readFileIfPresent } from './durable-file.ts';
import { CodedError } from './errors.ts';

/** The file's bytes; undefined when it is missing and `isOptional`. Throws FILE_KIND, FILE_SIZE or FILE_UNREADABLE. */
export function readBoundedFile(file: string, mostBytes: number): Promise<Buffer>;
export function readBoundedFile(file: string, mostBytes: number, isOptional: boolean): Promise<Buffer | undefined>;
export function readBoundedFile(
  file: string,
  mostBytes: number,
  isOptional: false,
  how: ReadingOptions,
): Promise<Buffer>;
export async function readBoundedFile(
  file: string,
  mostBytes: number,
  isOptional = false,
  how: ReadingOptions = {},
): Promise<Buffer | undefined> {
  let cause: unknown;
  try {
    const bytes = await readFileIfPresent(file, mostBytes, how);
    if (bytes !== undefined || isOptional) return bytes;
  } catch (error) {
    if (error instanceof CodedError) throw error;
    cause = error;
  }
  throw new CodedError({
    code: 'FILE_UNREADABLE',
    message: `${file} can't be read.`,
    remedy: 'Put the file there, or correct its name.',
    cause,
  });
}
