// `validate` warns of every rollout that the service would miss.
import { describe, expect, test } from 'vitest';
import type { RepositoryFiles } from '../../src/git/repository-files.ts';
import { readDocuments } from '../../src/snapshot/repository-documents.ts';
import { LoopWorld, PATH, ROLLOUT } from '../reconcile/loop-world.ts';
import { rolloutText } from '../support/document-texts.ts';

function filesOf(texts: Readonly<Record<string, string>>, skipped: RepositoryFiles['skipped'] = []): RepositoryFiles {
  return { paths: Object.keys(texts).sort(), skipped, read: async (file) => Buffer.from(texts[file] ?? '') };
}

async function found(
  texts: Readonly<Record<string, string>>,
  skipped: RepositoryFiles['skipped'] = [],
): Promise<string[]> {
  const { warnings, problems } = await readDocuments(filesOf(texts, skipped));
  return [...problems, ...warnings].map(({ code, at }) => `${code} ${at?.file}`);
}

const TEXT = rolloutText(ROLLOUT, 'model', '1.0.0');

describe('a rollout that the service would miss', () => {
  test('because of its ending, its folder, a link or the layout', async () => {
    expect(await found({ 'rollouts/sorter.YAML': TEXT })).toEqual(['DOCUMENT_ENDING rollouts/sorter.YAML']);
    expect(await found({ 'old/sorter.yaml': TEXT })).toEqual(['DOCUMENT_MISPLACED old/sorter.yaml']);
    const link = [{ path: 'rollouts', why: 'it is a symbolic link' }];
    expect(await found({}, link)).toEqual(['DOCUMENT_SKIPPED rollouts']);
    const settings = 'apiVersion: slipway.dev/v1alpha1\nkind: Repository\nspec: { layout: { rollouts: rolouts } }\n';
    expect(await found({ 'slipway.yaml': settings })).toEqual(['LAYOUT_EMPTY slipway.yaml']);
    expect(await found({}, [{ path: 'slipway.yaml', why: 'it is a symbolic link' }])).toEqual([
      'DOCUMENT_SKIPPED slipway.yaml',
    ]);
    expect(await found({ [PATH]: TEXT })).toEqual([]);
  });

  test('because it was renamed, or deleted while a candidate is out', async () => {
    const world = await LoopWorld.rolling();
    const rolling = (await world.read(PATH)) ?? '';
    const renamed = rolling.replace(`name: ${ROLLOUT}`, 'name: other');
    expect(await found({ 'rollouts/other.yaml': renamed })).toEqual(['ROLLOUT_RENAMED rollouts/other.yaml']);
    const paths = await world.evidence();
    const evidence = Object.fromEntries(
      await Promise.all(paths.map(async (path) => [path, (await world.read(path)) ?? ''])),
    );
    expect(await found(evidence)).toEqual([`ROLLOUT_DELETED ${PATH}`]);
    expect(await found({ ...evidence, [PATH]: rolling })).toEqual([]);
  });
});
