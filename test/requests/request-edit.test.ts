// Laws of what people ask by command: the edit of the file, and what is left to do by hand.
import { expect, test } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import type { Rollout } from '../../src/documents/types.generated.ts';
import { editForRequest } from '../../src/requests/request-edit.ts';
import { blankStatus } from '../../src/rollout/next-status.ts';

/** What a retry of 1.4.0, which was rejected, leaves to do where the spec asks for that version. */
function thenOf(desired: string): string | null {
  const reason = { kind: 'aborted', reason: 'it errs' } as const;
  const rejected = { version: '1.4.0', digest: digestOf('1.4.0'), reason, at: '2026-01-01T00:00:00Z' };
  const rollout: Rollout = {
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'ocr-eu' },
    spec: { model: 'ocr', version: desired, target: 'region:eu' },
    status: {
      ...blankStatus('region:eu', 0),
      rejected: [{ ...rejected, attempt: 1, evidence: 'evidence/ocr-eu/3.json' }],
    },
  };
  const asked = { verb: 'retry', reason: undefined, by: 'alice', version: undefined } as const;
  return editForRequest(rollout, JSON.stringify(rollout), asked).afterwards;
}

test('a retry says that the version is to be named again where the spec asks for another one', () => {
  expect(thenOf('1.3.0')).toBe('set spec.version to 1.4.0');
  expect(thenOf('>=1 <1.4')).toBe('set spec.version to 1.4.0');
});

test('and nothing where the spec asks for it anyway', () => {
  for (const desired of ['1.4.0', 'latest', '^1.2']) expect(thenOf(desired), desired).toBeNull();
});
