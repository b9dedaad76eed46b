// Proves for how long a revert is something that people are told of, and that its numbers and its commit come from evidence.
import { describe, expect, test } from 'vitest';
import { type Reverts as Look, Reverts } from '../../src/reconcile/reverts.ts';
import type { StatusClaims } from '../../src/snapshot/status-claims.ts';

const HOUR = 3_600_000;
const AT = Date.parse('2026-11-30T10:00:00Z');
const FAILED = {
  kind: 'rule-failed',
  stage: 'canary',
  rule: 'error_rate < 1%',
  observed: 0.04,
  unit: 'ratio',
  others: [],
};
const RULE = { rule: FAILED.rule, metric: 'error_rate', by: null, verdict: 'fail', dryRun: false, estimate: 0.04 };

function rejection(revision: number, over: object = {}) {
  const evidence = `evidence/eu/${revision}-canary-stable.json`;
  return { digest: `sha256:${revision}`, version: '2', reason: FAILED, at: '2026-11-30T10:00:00Z', evidence, ...over };
}

function seen(status: object): Parameters<Look['look']>[0] {
  const whole = { model: 'ocr', candidate: null, stable: { version: '1' }, opened: 5, rejected: [], ...status };
  const rollouts = [{ name: 'eu', claim: { kind: 'authentic', status: whole } }];
  return { facts: { rollouts }, snapshot: { commit: 'head' } } as unknown as Parameters<Look['look']>[0];
}

let reads = 0;
const claims = {
  stepAt: async () => {
    reads++;
    return { predicate: { transition: { reason: FAILED, model: 'ocr' }, verdict: { rules: [RULE] } } };
  },
  commitOf: async () => 'c0ffee',
} as unknown as StatusClaims;

describe('a revert', () => {
  test('is told with rule, numbers and commit, read from evidence once', async () => {
    const reverts = new Reverts(claims);
    const status = seen({ rejected: [rejection(5)] });
    for (let i = 0; i < 3; i++) {
      expect(await reverts.look(status, AT + HOUR)).toMatchObject([
        { rollout: 'eu', revert: { revision: 5, commit: 'c0ffee', stable: '1', failed: { metric: 'error_rate' } } },
      ]);
    }
    expect(reads).toBe(1);
  });

  test('is open while another attempt rolls, over once that is stable, and over after a day', async () => {
    const reverts = new Reverts(claims);
    const rejected = [rejection(5)];
    const rolling = seen({ rejected, candidate: { version: '3' }, opened: 6 });
    expect(await reverts.look(rolling, AT)).toMatchObject([{ revert: null, open: [5] }]);
    expect(await reverts.look(seen({ rejected, opened: 9 }), AT)).toEqual([]);
    expect(await reverts.look(seen({ rejected }), AT + 25 * HOUR)).toEqual([]);
  });

  test('that a person asked for tells nobody', async () => {
    const reason = { kind: 'aborted', by: 'ann' };
    expect(await new Reverts(claims).look(seen({ rejected: [rejection(5, { reason })] }), AT)).toEqual([]);
  });
});
