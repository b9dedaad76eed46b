// Laws of the status table: what devices and documents say stays in its cell and steers no terminal.
import { expect, test } from 'vitest';
import { liveText } from '../../src/cli/commands/status.ts';
import { statusTable } from '../../src/cli/status-table.ts';
import { NOTHING_YET } from '../../src/reconcile/service-view.ts';
import type { Outlook } from '../../src/rollout/outlook.ts';

const EVIL = 'a\u001b[2J\nSlipway-Rollout: x\u202e';

const OUTLOOK: Outlook = {
  rollout: `evil-${EVIL}`,
  model: EVIL,
  revision: 1,
  stage: EVIL,
  candidate: EVIL,
  stable: null,
  cohort: {
    matching: 3,
    wanted: 3,
    ready: 1,
    trying: 0,
    failed: 1,
    refused: 0,
    incompatible: 0,
    silent: 0,
    unreachable: 1,
    pending: 0,
    conflicted: 0,
    troubled: [{ device: EVIL, what: EVIL.repeat(1000) }],
  },
  target: 'region:eu',
  window: null,
  terms: null,
  changedPolicy: { atHead: EVIL, inForce: 'careful' },
  exceptions: [{ group: EVIL, kind: 'behind', version: EVIL, reason: EVIL }],
  rejected: { version: EVIL, reason: EVIL, at: EVIL },
  verdict: null,
  waitingOn: [{ kind: 'mending', code: EVIL, reason: EVIL }],
  conditions: [
    { type: 'Stalled', status: true, reason: EVIL, message: EVIL },
    { type: 'SourceVerified', status: false, reason: EVIL, message: EVIL },
  ],
};

function expectTame(text: string): void {
  expect(text).not.toMatch(/[^\P{C}\n]/u);
  expect(text).not.toMatch(/^Slipway-Rollout/m);
  for (const line of text.split('\n')) expect(line.length).toBeLessThan(1000);
}

test('no text of others leaves its place in the table or the notes', () => {
  expectTame(statusTable([OUTLOOK]));
});

test('nor what a service that is not ours answers', () => {
  const service = {
    ...NOTHING_YET,
    source: { kind: 'away', problem: 'other', reason: EVIL, remedy: EVIL, sinceMs: 0 } as const,
    emergencyRollbacks: [EVIL],
    contradicting: [{ device: EVIL, what: EVIL }],
  };
  const text = liveText({ service, rollouts: [OUTLOOK] });
  expect(text).not.toMatch(/[^\P{C}\n]/u);
  expect(text).toContain('EmergencyRollback');
  expect(text).toContain('is away since 1970-01-01T00:00:00Z');
});

test('a policy that changed since the attempt began is said below the table', () => {
  const outlook: Outlook = { ...OUTLOOK, rollout: 'ocr-eu', changedPolicy: { atHead: 'careful', inForce: 'careful' } };
  const words = 'the policy careful at HEAD has changed since; this attempt goes on under the one it began with';
  expect(statusTable([outlook])).toContain(`\n\nocr-eu: ${words}`);
});

test('no rollouts are said, not drawn', () => {
  expect(statusTable([])).toBe('There are no rollouts.');
});
