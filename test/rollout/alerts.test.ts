// Proves that alerts are raised once and ended once, whatever comes between looks, and that each condition has its alert.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { METHOD_VERSION } from '../../src/gates/rule-verdict.ts';
import { type AlertRecord, MOST_ALERTS, stepBook } from '../../src/rollout/alert-book.ts';
import { ALERT_KINDS, type Alert, type AlertFacts, alertKeyOf } from '../../src/rollout/alerts.ts';
import { alertsOf } from '../../src/rollout/alerts-of.ts';
import type { Outlook } from '../../src/rollout/outlook.ts';
import { alertInWords, alertRemedy } from '../../src/wording/alerts-in-words.ts';

const NOTHING: AlertFacts = {
  ...{ outlooks: [], forged: [], emergencyRollbacks: [], offDeclared: [], watched: [], runbooks: new Map() },
  ...{ refusing: { count: 0, first: [] }, onRevoked: { count: 0, first: [] }, claiming: { count: 0, first: [] } },
  ...{ away: null, trouble: null },
  refusedReports: { count: 0, first: [] },
};

function outlook(over: Partial<Outlook>): Outlook {
  return {
    ...{ rollout: 'eu', model: 'ocr', target: '*', revision: 3, stage: 'canary', candidate: '2', stable: '1' },
    ...{
      cohort: null,
      verdict: null,
      window: null,
      terms: null,
      rejected: null,
      waitingOn: [],
      conditions: [],
      ...over,
    },
  };
}

const FIX = {
  kind: 'document',
  code: 'DOCUMENT_SYNTAX',
  file: 'policies/a.yaml',
  ...{ line: 3, column: 1, more: 0, detail: 'it is\nso' },
} as const;
const SLOW = {
  kind: 'rule-failed',
  stage: 'canary',
  rule: 'latency_p95 < 150ms',
  ...{ observed: 251, unit: 'ms', others: [] },
} as const;
const ERROR = { kind: 'error', message: 'm' } as const;
const MISSING = { kind: 'evidence-missing', evidence: 'evidence/eu/3.json' } as const;

const stalled = (reason: string): Outlook =>
  outlook({ conditions: [{ type: 'Stalled', status: true, reason, fix: { ...FIX, code: reason } }] });

const kindsOf = (facts: Partial<AlertFacts>): string[] =>
  alertsOf({ ...NOTHING, ...facts }).present.map((alert) => `${alert.kind} ${alert.rollout} ${alert.reason}`);

describe('each condition that needs a person is an alert', () => {
  test('a stage that waits for people alone', () => {
    const approval = { kind: 'approval', approvers: ['ann', 'bob'], have: 0, need: 1 } as const;
    const [alert] = alertsOf({ ...NOTHING, outlooks: [outlook({ waitingOn: [approval] })] }).present;
    expect(alert).toMatchObject({ kind: 'waits-for-approval', rollout: 'eu', subject: 'canary' });
    expect(alert && alertInWords(alert)).toBe('canary passed its rules and waits for 1 approval of ann or bob');
    expect(alert && alertRemedy(alert)).toContain('slipway approve eu');
  });

  test('what stalls a rollout, and a history that was rewound', () => {
    expect(kindsOf({ outlooks: [stalled('POLICY_MISSING')] })).toEqual(['stalled eu POLICY_MISSING']);
    expect(kindsOf({ outlooks: [stalled('HISTORY_REWOUND')] })).toEqual(['history-rewound eu HISTORY_REWOUND']);
    const { conditions } = stalled('SIGNER_REVOKED');
    expect(kindsOf({ outlooks: [outlook({ conditions: [...conditions, ...conditions] })] })).toHaveLength(1);
    expect(alertsOf({ ...NOTHING, outlooks: [stalled('X')] }).present.map(alertInWords)).toEqual([
      'policies/a.yaml:3:1: it is so',
    ]);
  });

  test('a group that is an exception, each by itself, until it is none', () => {
    const exceptions = [
      { group: 'hw:rev2', kind: 'held', version: null, reason: SLOW },
      { group: 'hw:rev3', kind: 'behind', version: '1.0.0', reason: SLOW },
    ] as const;
    const found = alertsOf({ ...NOTHING, outlooks: [outlook({ exceptions })] }).present;
    expect(found.map(({ kind, subject, reason }) => [kind, subject, reason])).toEqual([
      ['group-apart', 'hw:rev2', 'GroupHeld'],
      ['group-apart', 'hw:rev3', 'GroupBehind'],
    ]);
    expect(alertInWords(found[1]!)).toBe(
      'hw:rev3 stays on 1.0.0: latency_p95 < 150ms failed in canary, measured 251 ms',
    );
    expect(kindsOf({ outlooks: [outlook({})] })).toEqual([]);
  });

  test('a forged status, an emergency rollback, a refused version, a pause, a held deadline', () => {
    expect(kindsOf({ forged: [{ rollout: 'eu', problem: MISSING }] })).toEqual(['status-forged eu StatusForged']);
    expect(kindsOf({ emergencyRollbacks: [{ rollout: 'eu', reason: SLOW }] })).toEqual([
      'emergency-rollback eu EmergencyRollback',
    ]);
    const refused = { type: 'SourceVerified', status: false, reason: 'SIGNER_UNKNOWN' } as const;
    const conditions = [{ ...refused, fix: FIX, isNewer: false }];
    expect(kindsOf({ outlooks: [outlook({ conditions })] })).toEqual(['version-refused eu SIGNER_UNKNOWN']);
    expect(kindsOf({ outlooks: [outlook({ waitingOn: [{ kind: 'paused', reason: SLOW }] })] })).toEqual([
      'paused eu Paused',
    ]);
    expect(kindsOf({ outlooks: [outlook({ waitingOn: [{ kind: 'deadline-held', rules: [] }] })] })).toEqual([
      'deadline-held eu DeadlineHeld',
    ]);
  });

  test('a provider of outside signals that is silent', () => {
    const conditions = [{ type: 'SignalsAnswered' as const, status: false, reason: 'SIGNAL_SILENT', silent: [] }];
    expect(kindsOf({ outlooks: [outlook({ conditions })] })).toEqual(['signal-silent eu SIGNAL_SILENT']);
  });

  test('arms that can not be compared', () => {
    const arms = { problem: 'sample-ratio', seen: 12, all: 1234, expected: 0.25, both: 0, devices: [] } as const;
    const verdict = {
      kind: 'undecided',
      rules: [],
      because: [],
      measured: { devices: 12, inferences: 0 },
      method: METHOD_VERSION,
    } as const;
    const facts = { outlooks: [outlook({ stage: 'canary', verdict: { ...verdict, arms } })] };
    expect(kindsOf(facts)).toEqual(['arms-differ eu ArmsDiffer']);
    const [alert] = alertsOf({ ...NOTHING, ...facts }).present;
    expect(alertInWords(alert!)).toContain("12 are the candidate's, where 309 should be");
    expect(alertRemedy(alert!)).toContain('slipway explain eu');
    const inBoth = { ...arms, problem: 'in-both-arms', both: 14, devices: ['a', 'b', 'c'] } as const;
    const [liars] = alertsOf({
      ...NOTHING,
      outlooks: [outlook({ stage: 'canary', verdict: { ...verdict, arms: inBoth } })],
    }).present;
    expect(alertInWords(liars!)).toContain(
      '14 devices answered for both versions in one interval: a, b, c and 11 more',
    );
    expect(alertRemedy(liars!)).toContain('deny');
  });

  test('refusing devices, a repository that is away, a cycle that fails', () => {
    const refusedReports = { count: 1, first: [{ device: 'a', why: 'denied' }] };
    expect(kindsOf({ refusedReports })).toEqual(['reports-refused null ReportsRefused']);
    expect(kindsOf({ refusing: { count: 2, first: [{ device: 'a' }] } })).toEqual(['devices-refusing null Refusing']);
    const onRevoked = { count: 1, first: [{ device: 'kiosk-7' }] };
    expect(kindsOf({ onRevoked })).toEqual(['devices-on-revoked null OnRevoked']);
    expect(alertsOf({ ...NOTHING, onRevoked }).present.map(alertInWords)).toEqual([expect.stringContaining('kiosk-7')]);
    const shared = [{ model: 'ocr', rollouts: ['eu', 'us'] as const, devices: 1, first: ['kiosk-7'] }];
    expect(kindsOf({ shared })).toEqual(['targets-overlap eu TargetsOverlap']);
    expect(kindsOf({ claiming: { count: 1, first: [{ device: 'a' }] } })).toEqual(['devices-claiming null FalseClaim']);
    expect(kindsOf({ away: { reason: 'r' } })).toEqual(['source-away null SourceAway']);
    expect(kindsOf({ trouble: { code: 'STORE_FULL', message: 'm' } })).toEqual(['cycle-failed null STORE_FULL']);
  });

  test('devices that are off are an alert once they stay so, and until none is off', () => {
    const off = { rollout: 'eu', first: ['a'] };
    const of = (count: number, staying: number) => alertsOf({ ...NOTHING, offDeclared: [{ ...off, count, staying }] });
    expect(of(1, 0)).toMatchObject({ present: [], unknown: [{ kind: 'devices-off-declared' }] });
    expect(of(2, 1).present).toMatchObject([{ kind: 'devices-off-declared', fact: { devices: 1 } }]);
    expect(of(0, 0)).toEqual({ present: [], unknown: [] });
  });

  test('a watched rule is one when it fails, and stays as it is while nobody can tell', () => {
    const watched = {
      rollout: 'eu',
      version: '1',
      digest: 'sha256:1',
      rule: 'error_rate < 1%',
      seen: null,
    };
    const of = (verdict: 'pass' | 'fail' | 'undecided') => alertsOf({ ...NOTHING, watched: [{ ...watched, verdict }] });
    expect(of('fail').present.map((one) => one.kind)).toEqual(['stable-drift']);
    expect(of('undecided')).toMatchObject({ present: [], unknown: [{ kind: 'stable-drift' }] });
    expect(of('pass')).toEqual({ present: [], unknown: [] });
  });
});

describe('a revert', () => {
  const revert = (revision: number) => {
    const numbers = {
      estimate: 251,
      lower: 240,
      upper: 263,
      limit: 150,
      unit: 'ms',
      devices: 10,
      trials: 900,
    } as const;
    const failed = { rule: SLOW.rule, metric: 'latency_p95', ...numbers };
    return { model: 'ocr', version: '2', stable: '1', revision, reason: SLOW, commit: 'c0ffee', failed };
  };
  const look = (revision: number | null, ...open: readonly number[]) =>
    alertsOf({
      ...NOTHING,
      reverted: [{ rollout: 'eu', revert: revision === null ? null : revert(revision), open, runbook: null }],
    });
  const kinds = (stepped: ReturnType<typeof stepBook>) =>
    stepped.changes.map(({ kind, alert }) => `${kind} ${alert.subject}`);

  test('is an alert with rule and numbers until a later attempt is complete; another revert is another alert', () => {
    const first = stepBook([], look(5), 1_000);
    expect(kinds(first)).toEqual(['raised 5']);
    expect(first.records.map(alertInWords)).toEqual([
      '2 was reverted to 1: latency_p95 < 150ms failed in canary, measured 251 ms (240–263) on 10 devices',
    ]);
    const rolling = stepBook(first.records, look(null, 5), 2_000);
    expect(kinds(rolling)).toEqual([]);
    const again = stepBook(rolling.records, look(8), 3_000);
    expect(kinds(again)).toEqual(['ended 5', 'raised 8']);
    expect(kinds(stepBook(again.records, alertsOf(NOTHING), 4_000))).toEqual(['ended 8']);
  });
});

const alerts = fc.record({
  kind: fc.constantFrom(...ALERT_KINDS),
  rollout: fc.constantFrom('a', 'b', null),
  subject: fc.constantFrom('x', 'y'),
  reason: fc.constant('R'),
  fact: fc.string().map((message) => ({ kind: 'error' as const, message })),
});
const looks = fc.array(
  fc.record({
    present: fc.array(alerts, { maxLength: 6 }),
    unknown: fc.array(alerts, { maxLength: 3 }),
    afterMs: fc.nat(400_000),
  }),
  { maxLength: 30 },
);

describe('the book of alerts', () => {
  test('raises and ends each alert in turn, under one id, and forgets nothing over a restart', () => {
    fc.assert(
      fc.property(looks, (steps) => {
        let book: readonly AlertRecord[] = [];
        let now = 1_000_000;
        const standing = new Map<string, string>();
        for (const { afterMs, ...reading } of steps) {
          now += afterMs;
          const stepped = stepBook(JSON.parse(JSON.stringify(book)) as AlertRecord[], reading, now);
          for (const { kind, alert } of stepped.changes) {
            const key = alertKeyOf(alert);
            expect(standing.get(key)).toBe(kind === 'raised' ? undefined : alert.id);
            if (kind === 'raised') standing.set(key, alert.id);
            else standing.delete(key);
          }
          const raised = stepped.records.filter((record) => record.raisedAtMs !== null);
          expect(new Set(raised.map((record) => record.id))).toEqual(new Set(standing.values()));
          expect(new Set(stepped.records.map(alertKeyOf)).size).toBe(stepped.records.length);
          if (!stepped.isChanged) expect(stepped.changes).toEqual([]);
          book = stepped.records;
        }
      }),
    );
  });

  test('a look that is repeated changes nothing more', () => {
    fc.assert(
      fc.property(fc.array(alerts), fc.array(alerts), (present, unknown) => {
        const once = stepBook([], { present, unknown }, 5_000);
        const again = stepBook(once.records, { present, unknown }, 5_000);
        expect(again.changes).toEqual([]);
        expect(again.isChanged).toBe(false);
      }),
    );
  });

  test('what is unknown stays as it is, and what is over ends', () => {
    const alert: Alert = { kind: 'stalled', rollout: 'a', subject: 's', reason: 'R', fact: ERROR };
    const { records } = stepBook([], { present: [alert], unknown: [] }, 1_000);
    expect(stepBook(records, { present: [], unknown: [alert] }, 9_000_000).records).toEqual(records);
    expect(stepBook(records, { present: [], unknown: [] }, 2_000).changes).toMatchObject([{ kind: 'ended' }]);
  });

  test('a forged status that was put back is still seen for a quarter of an hour', () => {
    const alert: Alert = { kind: 'status-forged', rollout: 'a', subject: '', reason: 'R', fact: ERROR };
    const begun = stepBook([], { present: [alert], unknown: [] }, 0);
    const gone = stepBook(begun.records, { present: [], unknown: [] }, 1_000);
    expect(gone).toMatchObject({ records: [{ goneSinceMs: 1_000 }], changes: [] });
    expect(stepBook(gone.records, { present: [], unknown: [] }, 15 * 60_000).changes).toEqual([]);
    expect(stepBook(gone.records, { present: [], unknown: [] }, 15 * 60_000 + 1_000).changes).toHaveLength(1);
  });

  test('a fact that passes before its time is no alert', () => {
    const alert: Alert = { kind: 'source-away', rollout: null, subject: '', reason: 'R', fact: ERROR };
    const begun = stepBook([], { present: [alert], unknown: [] }, 0);
    expect(begun.changes).toEqual([]);
    expect(stepBook(begun.records, { present: [], unknown: [] }, 60_000)).toMatchObject({ records: [], changes: [] });
    expect(stepBook(begun.records, { present: [alert], unknown: [] }, 120_000).changes).toMatchObject([
      { kind: 'raised' },
    ]);
  });

  test('a clock that goes back delays an alert by its own time, not by the step', () => {
    const HOUR = 3_600_000;
    const alert: Alert = { kind: 'source-away', rollout: null, subject: '', reason: 'R', fact: ERROR };
    const begun = stepBook([], { present: [alert], unknown: [] }, 9 * HOUR);
    const back = stepBook(begun.records, { present: [alert], unknown: [] }, HOUR);
    const raised = stepBook(back.records, { present: [alert], unknown: [] }, HOUR + 120_000);
    expect(raised.changes).toMatchObject([{ kind: 'raised' }]);
    const gone = stepBook(raised.records, { present: [], unknown: [] }, HOUR + 130_000);
    const again = stepBook(gone.records, { present: [], unknown: [] }, 1_000);
    expect(stepBook(again.records, { present: [], unknown: [] }, 31_000).changes).toMatchObject([{ kind: 'ended' }]);
  });

  test('is bounded', () => {
    const present = Array.from({ length: MOST_ALERTS + 10 }, (_, i): Alert => {
      return { kind: 'stalled', rollout: `r${i}`, subject: '', reason: 'R', fact: ERROR };
    });
    expect(stepBook([], { present, unknown: [] }, 1).records).toHaveLength(MOST_ALERTS);
  });
});
