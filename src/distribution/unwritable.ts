// Owns what to say when the publication folder can't be written.
import { CodedError } from '../base/errors.ts';

const FULL: readonly string[] = ['ENOSPC', 'EDQUOT'];
const UNWRITABLE: readonly string[] = [
  'EACCES',
  'EPERM',
  'EROFS',
  'EIO',
  'ENOTDIR',
  'EISDIR',
  'EEXIST',
  'EMFILE',
  'ENFILE',
  'FILE_KIND',
];

/** Did it fail because no room is left? */
export function isDiskFull(error: unknown): boolean {
  return FULL.includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** DISTRIBUTION_DISK_FULL or DISTRIBUTION_UNWRITABLE for what the file system refused; anything else as it is. */
export function toUnwritable(folder: string, cause: unknown): unknown {
  const { code = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  const isFull = isDiskFull(cause);
  if (!(isFull || UNWRITABLE.includes(code))) return cause;
  return new CodedError({
    code: isFull ? 'DISTRIBUTION_DISK_FULL' : 'DISTRIBUTION_UNWRITABLE',
    kind: 'retry-later',
    message: `The publication folder ${folder} can't be written.`,
    remedy: 'Free space or mend its permissions; devices keep the last directive meanwhile.',
    cause,
  });
}
