// Owns reading a manifest's verified bytes on the device.
import { CodedError } from '../../../src/base/errors.ts';
import type { ModelManifest } from '../../../src/contract/types.generated.ts';
import { parseDocument } from '../../../src/documents/parse-document.ts';

/** Throws the first problem of bytes that are no manifest. */
export function parseManifest(bytes: Buffer, name: string): ModelManifest {
  const parsed = parseDocument(name, bytes, { isCopy: true });
  if (parsed.kind === 'broken') throw parsed.errors[0] ?? new Error('the manifest is broken');
  if (parsed.document.kind === 'ModelManifest') return parsed.document;
  throw new CodedError({
    code: 'AGENT_MANIFEST_KIND',
    message: `${name} is a ${parsed.document.kind}, not a ModelManifest.`,
  });
}
