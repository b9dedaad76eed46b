// Owns reading a manifest's bytes where its first problem is enough.

import { fitsModelManifest } from '../schema-checks.generated.ts';
import { readDocument } from '../source/read-document.ts';
import type { ModelManifest } from '../types.generated.ts';
import { checkModelManifest } from './check-model-manifest.ts';

/** Throws the first problem of bytes that are no manifest; `file` names them in it. */
export function parseManifest(bytes: Uint8Array, file: string): ModelManifest {
  return readDocument<ModelManifest>(file, bytes, {
    kind: 'ModelManifest',
    fits: fitsModelManifest,
    checkMeaning: checkModelManifest,
  });
}
