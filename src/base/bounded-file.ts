// Owns reading files that people name: what the system refuses is theirs to mend.
import { type ReadingOptions, readFileIfPresent } from './durable-file.ts';
import { CodedError } from './errors.ts';

const PATH_PROBLEMS: ReadonlySet<string> = new Set(['ENOTDIR', 'ELOOP']);

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
    // Of a file that need not be there the path to it is at fault, and the system names what stands in it.
    if (isOptional && PATH_PROBLEMS.has(String(Object(error).code))) throw error;
    cause = error;
  }
  throw new CodedError({
    code: 'FILE_UNREADABLE',
    message: `${file} can't be read.`,
    remedy: 'Put the file there, or correct its name.',
    cause,
  });
}
