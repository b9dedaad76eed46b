// Laws of the status table: what devices and documents say stays in its cell and steers no terminal.
import { expect, test } from 'vitest';
import { liveText } from '../../src/cli/commands/status.ts';
import { statusTable } from '../../src/cli/status-table.ts';
import { NOTHING_YET } from '../../src/reconcile/service-view.ts';
import type { Outlook } from '../../src/rollout/outlook.ts';

const EVIL = 'a\u001b[2J\nSlipway-Rollout: x\u202e';

const EVIL_REASON = { kind: 'aborted', by: EVIL, reason: EVIL.repeat(1000) } as const;
const EVIL_FIX = {
  kind: 'document',
  ...{ code: EVIL, file: EVIL, line: 1, column: 1, more: 2, detail: EVIL },
} as const;

const OUTLOOK: Outlook = {
  rollout: `evil-${EVIL}`,
  model: EVIL,
  revision: 1,
  stage: EVIL,
  candidate: EVIL,
  stable: null,
  cohort: {
    matching: 3,
    apart: 0,
    onTrial: 0,
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
    undelivered: 0,
    troubled: [{ device: EVIL, kind: 'failed', reason: 'trial', detail: EVIL.repeat(1000) }],
    missing: [{ device: EVIL, kind: 'unreachable' }],
  },
  target: 'region:eu',
  window: null,
  terms: null,
  changedPolicy: { atHead: EVIL, inForce: 'careful' },
  exceptions: [{ group: EVIL, kind: 'behind', version: EVIL, reason: EVIL_REASON }],
  rejected: { version: EVIL, reason: EVIL_REASON, at: EVIL },
  verdict: null,
  waitingOn: [{ kind: 'needs-fix', fix: EVIL_FIX }],
  conditions: [
    { type: 'Stalled', status: true, reason: EVIL, fix: EVIL_FIX },
    { type: 'SourceVerified', status: false, reason: EVIL, fix: EVIL_FIX, isNewer: true },
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
  expect(text).toContain('Emergency rollbacks');
  expect(text).toContain('has been unreadable since 1970-01-01T00:00:00Z');
});

test('each alert says what to do, where no note of its rollout does', () => {
  const about = { rollout: 'ocr-eu', subject: '', id: '1', sinceMs: 0, raisedAtMs: 0, goneSinceMs: null } as const;
  const alerts = [
    { ...about, kind: 'paused', reason: 'Paused', fact: { kind: 'paused', reason: null } },
    { ...about, kind: 'stalled', reason: EVIL, fact: { kind: 'fix', fix: EVIL_FIX, isNewer: false } },
  ] as const;
  const text = liveText({ service: { ...NOTHING_YET, alerts }, rollouts: [] });
  expect(text).toContain('`slipway approve ocr-eu` watches the stage again');
  expect(text.match(/slipway validate/g)).toBeNull();
});

test('a policy that changed since the attempt began is said below the table', () => {
  const outlook: Outlook = { ...OUTLOOK, rollout: 'ocr-eu', changedPolicy: { atHead: 'careful', inForce: 'careful' } };
  const words = 'policy careful changed at HEAD; this attempt keeps the policy as it was when it started';
  expect(statusTable([outlook])).toContain(`\n\nocr-eu: ${words}`);
});

test('no rollouts are said, not drawn', () => {
  expect(statusTable([])).toBe('There are no rollouts.');
});

test('who has no candidate is named once the stage has lasted as long as its soak, and how long it may still last is shown', () => {
  const terms: NonNullable<Outlook['terms']> = {
    ...{ stage: 'canary', soakMs: 1_800_000, deadlineMs: 7_200_000, onDeadline: 'hold', onFailure: 'rollback' },
    ...{ minimumDevices: 3, minimumInferences: 0, errorLevel: 0.05 },
  };
  const at = (listenedMs: number, more: Partial<Outlook> = {}): string =>
    statusTable([
      {
        ...{
          ...OUTLOOK,
          rollout: 'eu',
          stage: 'canary',
          conditions: [],
          exceptions: [],
          rejected: null,
          terms,
          ...more,
        },
        cohort: { ...OUTLOOK.cohort!, pending: 11, missing: [{ device: 'dev-7', kind: 'pending' }] },
        window: { listenedMs, readyMs: 0 },
      },
    ]);
  const waiting: Partial<Outlook> = { waitingOn: [{ kind: 'devices', have: 1, need: 3 }] };
  expect(at(1_700_000, waiting)).not.toContain('missing');
  expect(at(1_800_000, waiting)).toContain('eu: devices missing in canary\n  dev-7  not started\n  and 11 more');
  expect(at(1_800_000, waiting)).toContain('devices: 1 of 3; deadline in 1 h 30 min');
  const without = { count: 12, devices: ['dev-7', 'dev-8', 'dev-9'] };
  const held = at(7_200_000, { waitingOn: [{ kind: 'deadline-held', rules: [], without }] });
  expect(held).toContain('a person: the deadline is over without dev-7, dev-8, dev-9 and 9 more; promote or abort');
});
