// What the index of models promises while documents come, change and go.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BrokenDocument, ModelDocument, Snapshot } from '../../src/snapshot/snapshot.ts';
import { ModelIndex } from '../../src/snapshot/snapshot-index.ts';

type Documents = Map<string, ModelDocument | BrokenDocument>;

function documentAt(path: string, model: string | null): ModelDocument | BrokenDocument {
  if (model === null) return { kind: 'broken', path, bytes: new Uint8Array(), errors: [] };
  return { kind: 'model', path, manifest: { metadata: { name: model, version: '1' } } } as unknown as ModelDocument;
}

const asSnapshot = (models: Documents): Snapshot => ({ models }) as unknown as Snapshot;
const listed = (index: ReadonlyMap<string, readonly { readonly path: string }[]>) =>
  [...index].map(([model, versions]) => [model, versions.map((one) => one.path)]).toSorted();

test('an index that followed every change equals one that saw the last documents only, and keeps what did not change', () => {
  const path = fc.constantFrom(
    'models/a/1.yaml',
    'models/a/2.yaml',
    'models/b/1.yaml',
    'models/b/x/2.yaml',
    'models/c/1.yaml',
  );
  const change = fc.tuple(path, fc.constantFrom('a', 'b', 'c', null, 'gone'));
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 8 }), (commits) => {
      const following = new ModelIndex();
      let documents: Documents = new Map();
      for (const commit of commits) {
        const before = following.of(asSnapshot(documents));
        documents = new Map(documents);
        for (const [at, model] of commit) {
          if (model === 'gone') documents.delete(at);
          else documents.set(at, documentAt(at, model));
        }
        const after = following.of(asSnapshot(documents));
        expect(listed(after)).toEqual(listed(new ModelIndex().of(asSnapshot(documents))));
        for (const [model, versions] of before) {
          const now = after.get(model);
          const isSame = now?.length === versions.length && versions.every((one, i) => one === now[i]);
          expect(now === versions).toBe(isSame);
        }
      }
    }),
  );
});
