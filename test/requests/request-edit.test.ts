// Laws of what people ask by command: the edit of the file.
import { expect, test } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import type { Rollout } from '../../src/documents/types.generated.ts';
import { editForRequest } from '../../src/requests/request-edit.ts';
import { blankStatus } from '../../src/rollout/next-status.ts';

/** What the spec asks for after a retry of 1.4.0, which was rejected, where it asked for that version. */
function versionAfter(desired: string): string {
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
  const { text } = editForRequest(rollout, JSON.stringify(rollout), asked);
  const { spec } = JSON.parse(text) as Rollout;
  expect(spec.requests).toMatchObject([{ act: 'retry', digest: digestOf('1.4.0') }]);
  return spec.version;
}

test('a retry sets the version again where the spec asks for another one', () => {
  expect(versionAfter('1.3.0')).toBe('1.4.0');
  expect(versionAfter('>=1 <1.4')).toBe('1.4.0');
});

test('and leaves a spec alone that asks for it anyway', () => {
  for (const desired of ['1.4.0', 'latest', '^1.2']) expect(versionAfter(desired), desired).toBe(desired);
});
