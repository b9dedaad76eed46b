// Owns the version of the protocol between devices and the service, and which versions are read here.
import { CodedError } from '../base/errors.ts';

/** Stated in reports and directives; a message that states none has 1. docs/reference/protocol.md says when it rises. */
export const PROTOCOL = 1;
const OLDEST_READ = 1;
const NEWEST_READ = 1;

const READERS = {
  REPORT: {
    ...{ name: 'report', reader: 'service', writer: "device's agent" },
    ...{ tooOld: 'REPORT_TOO_OLD', tooNew: 'REPORT_TOO_NEW' },
  },
  DIRECTIVE: {
    ...{ name: 'directive', reader: 'agent', writer: 'service' },
    ...{ tooOld: 'DIRECTIVE_TOO_OLD', tooNew: 'DIRECTIVE_TOO_NEW' },
  },
} as const;

/** Before anything else of a message is read: it may have another form. Throws …_TOO_OLD or …_TOO_NEW. */
export function assertProtocol(message: keyof typeof READERS, stated: unknown = 1): void {
  // Anything may stand there, also an object that can be made neither a number nor a text.
  const version = typeof stated === 'number' ? stated : Number.NaN;
  if (version >= OLDEST_READ && version <= NEWEST_READ) return;
  const { name, reader, writer, tooOld, tooNew } = READERS[message];
  const isOld = version < OLDEST_READ;
  throw new CodedError({
    code: isOld ? tooOld : tooNew,
    message: `The ${name} has protocol version ${JSON.stringify(stated).slice(0, 20)}, this ${reader} reads ${OLDEST_READ} to ${NEWEST_READ}: upgrade the ${isOld ? writer : reader}.`,
    remedy: 'docs/how-to/upgrade.md has the order.',
  });
}

/** Does the code say that the two programs are too far apart? */
export function isProtocolRefusal(code: string): boolean {
  return /^(REPORT|DIRECTIVE)_TOO_(OLD|NEW)$/.test(code);
}
