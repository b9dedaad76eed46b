// Owns why a publication is not believed: one error with a code for programs and a sentence for people.
import { LengthOrHashMismatchError, UnsignedMetadataError } from '@tufjs/models/dist/error.js';
import { BadVersionError, DownloadLengthMismatchError, ExpiredMetadataError } from 'tuf-js/dist/error.js';
import { CodedError } from '../../base/errors.ts';
import { isProtocolRefusal } from '../protocol.ts';

export type RefusalCode = 'TUF_EXPIRED' | 'TUF_ROLLBACK' | 'TUF_SIGNATURE' | 'TUF_LENGTH' | 'TUF_OTHER' | ProtocolCode;
/** It is believed, and can't be read. */
type ProtocolCode = 'DIRECTIVE_TOO_OLD' | 'DIRECTIVE_TOO_NEW';

/** The publication answers, and what it says is not to be believed. The message is a whole sentence. */
export class TufRefusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, reason: string, cause?: unknown) {
    super(reason, cause === undefined ? undefined : { cause });
    this.name = 'TufRefusal';
    this.code = code;
  }
}

/** Longest part of a foreign text that is repeated to people. */
const MOST_REPEATED = 200;

function repeated(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').slice(0, MOST_REPEATED);
}

/** What a check threw about `file`, as a refusal. `signedBy` says whose signature it needs. */
export function toRefusal(error: unknown, file: string, signedBy: string): TufRefusal {
  if (error instanceof TufRefusal) return error;
  const detail = repeated(error);
  if (error instanceof UnsignedMetadataError) {
    const reason = `${file} is not signed by ${signedBy}: a stranger made it, or its key was withdrawn (${detail}).`;
    return new TufRefusal('TUF_SIGNATURE', reason, error);
  }
  if (error instanceof ExpiredMetadataError) {
    const reason = `${file} is out of date: nobody renews the publication, or someone withholds newer files (${detail}).`;
    return new TufRefusal('TUF_EXPIRED', reason, error);
  }
  if (error instanceof BadVersionError)
    return new TufRefusal('TUF_ROLLBACK', `${file} has the wrong version (${detail}).`, error);
  if (error instanceof LengthOrHashMismatchError) {
    const reason = `${file} is not the file that was signed: it is damaged, or from another publication (${detail}).`;
    return new TufRefusal('TUF_SIGNATURE', reason, error);
  }
  if (error instanceof DownloadLengthMismatchError)
    return new TufRefusal('TUF_LENGTH', `${file} is larger than it may be (${detail}).`, error);
  if (error instanceof CodedError) {
    const code = isProtocolRefusal(error.code) ? (error.code as ProtocolCode) : 'TUF_OTHER';
    return new TufRefusal(code, error.message, error);
  }
  return new TufRefusal('TUF_OTHER', `${file} can't be read (${detail}).`, error);
}

/** Runs a check of `file`; whatever it throws is a refusal (hostile bytes make parsers throw anything). */
export function refusing<T>(file: string, signedBy: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw toRefusal(error, file, signedBy);
  }
}
