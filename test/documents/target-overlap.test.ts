// Which targets of two rollouts of one model exclude each other, as far as selectors alone tell.
import { expect, test } from 'vitest';
import { checkReferences, type RepositoryFile, warnOfOverlaps } from '../../src/documents/check-references.ts';
import { parseDocument } from '../../src/documents/parse-document.ts';
import { rolloutText } from '../support/document-texts.ts';

function filesOf(...targets: readonly string[]): RepositoryFile[] {
  return targets.map((target, i) => {
    const name = `r${i}`;
    const text = rolloutText(name, 'sorter', '1').replace(/target: .*/, `target: ${JSON.stringify(target)}`);
    const file = `rollouts/${name}.yaml`;
    return { file, parsed: parseDocument(file, Buffer.from(text)) };
  });
}

const codeOf = (one: { readonly code: string }): string => one.code;

test.each([
  ['region:eu', 'region:us'],
  ['region:eu AND hw:rev2', 'region:eu AND NOT hw:rev2'],
  ['hw:(rev1 OR rev2)', 'hw:(rev3 OR rev4)'],
  ['fw:[1.0 TO 2.0}', 'fw:>=2.0'],
  ['ram:<4', 'ram:>=4'],
  ['ring:*', 'NOT ring:*'],
  ['site:store-1*', 'site:store-2'],
  ['id:dev-1', 'id:dev-2'],
])('%s and %s exclude each other', (one, other) => {
  const files = filesOf(one, other);
  expect([...checkReferences(files), ...warnOfOverlaps(files)].map(codeOf)).not.toContain('ROLLOUT_TARGETS_OVERLAP');
});

test.each([
  ['*', 'region:eu'],
  ['region:eu', ' region:eu '],
  ['region:eu', 'region:eu AND hw:rev2'],
  ['fw:>=2.0', 'fw:[2.5 TO 3.0]'],
])('all of one are in the other: %s and %s', (one, other) => {
  const [error, ...more] = checkReferences(filesOf(one, other)).filter(
    ({ code }) => code === 'ROLLOUT_TARGETS_OVERLAP',
  );
  expect(more).toEqual([]);
  expect(error?.at).toMatchObject({ file: 'rollouts/r1.yaml' });
  expect(error?.message).toMatch(/r0 \(rollouts\/r0\.yaml:\d+:\d+\)/);
});

test.each([
  ['region:eu', 'hw:rev2'],
  ['region:eu OR hw:rev2', 'region:us'],
  ['fw:>=2.0', 'fw:<3.0'],
])('a device may be in both, which is a warning: %s and %s', (one, other) => {
  const files = filesOf(one, other);
  expect(checkReferences(files).map(codeOf)).not.toContain('ROLLOUT_TARGETS_OVERLAP');
  expect(warnOfOverlaps(files).map(codeOf)).toEqual(['ROLLOUT_TARGETS_OVERLAP']);
});
