// Owns what is known of Sigstore's public instance: its services, and the trusted root that its answers are held against.
import { readFile } from 'node:fs/promises';
import { parseTrustedRoot, type SigstoreRoot } from '../../contract/trust/trusted-root.ts';
import type { SigstoreServices } from './signing-config.ts';

/** As its own signing config (signing_config.v0.2.json) of May 2026 names them. */
export const PUBLIC_SERVICES: SigstoreServices = {
  authority: 'https://fulcio.sigstore.dev',
  logs: [{ url: 'https://rekor.sigstore.dev', version: 1 }],
  timestamps: ['https://timestamp.sigstore.dev/api/v1/timestamp'],
};

/** As the instance publishes it. An older one than theirs refuses what newer services sign; it never accepts more. */
export async function readPublicRoot(): Promise<SigstoreRoot> {
  const file = new URL('./public-trusted-root.json', import.meta.url);
  return parseTrustedRoot(await readFile(file), 'of the public Sigstore');
}
