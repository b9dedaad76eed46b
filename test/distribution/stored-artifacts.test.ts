// Laws of the artifacts that lie in the publication.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { listArtifacts } from '../../src/distribution/stored-artifacts.ts';

test('a publication that has no artifacts yet has none, and one that can not be read is no empty one', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-stored-'));
  try {
    expect(await listArtifacts(folder)).toEqual([]);
    writeFileSync(path.join(folder, 'artifacts'), 'a file where the folder belongs');
    await expect(listArtifacts(folder)).rejects.toMatchObject({ code: 'DISTRIBUTION_UNWRITABLE' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
