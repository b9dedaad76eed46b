// Owns reading files that people name: bounded also where the file is endless, as devices are.
import { open } from 'node:fs/promises';
import { CodedError } from './errors.ts';

/** The file's bytes; undefined when it is missing and `isOptional`. Throws FILE_SIZE or FILE_UNREADABLE. */
export async function readBoundedFile(
  file: string,
  mostBytes: number,
  isOptional = false,
): Promise<Buffer | undefined> {
  try {
    await using handle = await open(file, 'r');
    const buffer = Buffer.alloc(mostBytes + 1);
    let length = 0;
    while (length <= mostBytes) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
      if (bytesRead === 0) return buffer.subarray(0, length);
      length += bytesRead;
    }
  } catch (cause) {
    if (isOptional && (cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CodedError({
      code: 'FILE_UNREADABLE',
      message: `${file} can't be read.`,
      remedy: 'Put the file there, or correct its name.',
      cause,
    });
  }
  throw new CodedError({
    code: 'FILE_SIZE',
    message: `${file} is longer than ${mostBytes} bytes.`,
    remedy: 'Check that it is the right file.',
  });
}
