// Owns documents together with their signatures, as CI commits them: signed with its key.
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { addArtifact } from '../distribution/folder-publication.ts';
import { readPrivateKey } from '../signing/keys.ts';
import { bundleText, signBytes } from '../signing/sign-document.ts';
import { BUNDLE_SUFFIX } from '../snapshot/folder-cache.ts';
import { DEMO_MODEL, type DemoVersion, manifestText, trainDemoVersion } from './demo/example-model.ts';
import type { Home } from './home.ts';
import type { KeyFolder } from './key-folder.ts';

/** A document and its signature, as the files of one commit. */
export async function signedFiles(
  { keys }: { readonly keys: Pick<KeyFolder, 'ciKey'> },
  file: string,
  text: string,
): Promise<[string, string][]> {
  return [
    [file, text],
    [file + BUNDLE_SUFFIX, bundleText(signBytes(Buffer.from(text), await readPrivateKey(keys.ciKey)))],
  ];
}

export interface Release {
  readonly kind: DemoVersion;
  readonly version: string;
  /** Above that of every version before. */
  readonly sequence: number;
  readonly parent: string | null;
}

/** What CI does for a release: train, put the file where devices download it, write and sign the manifest. */
export async function releaseFiles(
  at: { readonly home: Home; readonly keys: Pick<KeyFolder, 'ciKey'> },
  { kind, version, sequence, parent }: Release,
): Promise<[string, string][]> {
  const classifier = trainDemoVersion(kind);
  const onnx = path.join(at.home.folder, `${version}.onnx`);
  await writeFile(onnx, classifier.onnx);
  try {
    const artifact = await addArtifact(at.home.publication, onnx);
    const text = manifestText({ version, sequence, parent, classifier, artifact });
    return await signedFiles(at, `models/${DEMO_MODEL}/${version}.yaml`, text);
  } finally {
    await rm(onnx, { force: true });
  }
}
