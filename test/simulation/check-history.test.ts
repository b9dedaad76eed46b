// The judge of histories finds each thing that must not be: one who never objects proves nothing.
import { beforeAll, expect, test } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import type { DirectiveEntry } from '../../src/contract/directive.ts';
import { BUCKETS } from '../../src/contract/membership.ts';
import type { RolloutStatus } from '../../src/documents/types.generated.ts';
import { blankStatus } from '../../src/rollout/next-status.ts';
import { findBreaches, type History } from '../../src/simulation/check-history.ts';

const candidateDigest = digestOf('candidate');
const STABLE = { version: '1.0.0', digest: digestOf('stable'), parameters: {}, target: '*' };
const CANDIDATE = { version: '2.0.0', digest: candidateDigest, attempt: 1, parameters: {} };
const REJECTED = { ...CANDIDATE, reason: { kind: 'aborted' as const }, evidence: 'e', at: '2026-11-20T10:00:00Z' };
const fleet = ['a', 'b', 'c'].map((id) => ({ id, labels: { ring: id === 'a' ? 'canary' : 'rest' }, properties: {} }));

function status(revision: number, more: Partial<RolloutStatus> = {}): RolloutStatus {
  return { ...blankStatus('*', 0), revision, stable: STABLE, ...more };
}
function entry(revision: number, more: Partial<DirectiveEntry> = {}): DirectiveEntry {
  const cohort = { cut: 0, select: 'ring:canary', devices: [] };
  const rolling = { stage: 'canary', cohort, salt: 's', candidate: CANDIDATE, stable: STABLE };
  return { rollout: 'r', revision, model: 'm', target: '*', ...rolling, spreadMs: 0, emergency: false, ...more };
}
const directive = (one: DirectiveEntry) => ({ kind: 'Directive' as const, entries: [one] });

/** Stable, a canary of one device, and back. */
function sound(): { -readonly [Name in keyof History]: History[Name] } {
  return {
    fleet,
    candidateDigest,
    statuses: [status(1), status(2, { candidate: CANDIDATE, stage: 'canary' }), status(3, { rejected: [REJECTED] })],
    directives: [
      directive(entry(1, { candidate: null })),
      directive(entry(2)),
      directive(entry(3, { candidate: null })),
    ],
    heard: [1, 2, 3].flatMap((revision) => fleet.map(({ id }) => ({ device: id, revision, atMs: revision }))),
    served: [
      { device: 'a', digest: candidateDigest, revision: 2, atMs: 2 },
      { device: 'a', digest: STABLE.digest, revision: 3, atMs: 3 },
    ],
  };
}

let history: ReturnType<typeof sound>;
beforeAll(() => expect(findBreaches(sound())).toEqual([]));

const BROKEN: readonly (readonly [what: string, spoil: () => void])[] = [
  ['revision 5 follows 3', () => history.statuses.push(status(5))],
  ['starts a rejected digest again', () => history.statuses.push(status(4, { candidate: CANDIDATE, rejected: [] }))],
  ['the directive went back from revision 3 to 2', () => history.directives.push(directive(entry(2)))],
  ['published with two meanings', () => history.directives.push(directive(entry(3)))],
  [
    'b ran the candidate outside the cohort of revision 2',
    () => history.served.push({ device: 'b', digest: candidateDigest, revision: 2, atMs: 2 }),
  ],
  [
    'b began the candidate when revision 1 did not have it',
    () => history.served.push({ device: 'b', digest: candidateDigest, revision: 1, atMs: 1 }),
  ],
  [
    'b ran the candidate under no directive',
    () => history.served.push({ device: 'b', digest: candidateDigest, revision: 9, atMs: 1 }),
  ],
  [
    'a began a digest that revision 3 had rejected',
    () => {
      history.directives[2] = directive(entry(3));
      history.served.push({ device: 'a', digest: candidateDigest, revision: 3, atMs: 4 });
    },
  ],
  [
    'revision 3 sends a out of the cohort',
    () => {
      const canary = { cut: 0, select: 'ring:canary', devices: [] };
      const nobody = { ...canary, select: null };
      const rolling = { candidate: CANDIDATE, salt: 's' };
      history.statuses = [status(2, { ...rolling, cohort: canary }), status(3, { ...rolling, cohort: nobody })];
    },
  ],
  [
    'revision 3 is stable with 2 devices held back',
    () => {
      const held = { candidate: CANDIDATE, salt: 's', cohort: { cut: 0, select: 'ring:canary', devices: [] } };
      history.statuses = [status(2, held), status(3, { stable: { ...STABLE, digest: candidateDigest } })];
    },
  ],
  ['c went back from revision 3 to 2', () => history.heard.push({ device: 'c', revision: 2, atMs: 9 })],
  ['a runs the candidate though it knows that it was taken back', () => history.served.pop()],
];

test.each(BROKEN)('finds: %s', (what, spoil) => {
  history = sound();
  spoil();
  expect(findBreaches(history)).toEqual(expect.arrayContaining([expect.stringContaining(what)]));
});

test('a cohort of everyone holds everyone', () => {
  history = sound();
  history.directives[1] = directive(entry(2, { cohort: { cut: BUCKETS, select: null, devices: [] } }));
  history.served.unshift({ device: 'b', digest: candidateDigest, revision: 2, atMs: 2 });
  history.served.push({ device: 'b', digest: STABLE.digest, revision: 3, atMs: 3 });
  expect(findBreaches(history)).toEqual([]);
});
