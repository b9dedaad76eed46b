// Laws of what people read: commit messages and the status, as texts that a reviewer can read. `vitest run test/rollout -u` writes them anew.
import { expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import type { Outlook, WaitingOn } from '../../src/rollout/outlook.ts';
import type { Transition } from '../../src/rollout/transition.ts';
import { commitMessage } from '../../src/wording/commit-message.ts';
import { type OutlookCells, outlookCells, outlookLine, waitingInWords } from '../../src/wording/plan-in-words.ts';
import {
  ADMITTED,
  baselineOf,
  cohort,
  FalseWorld,
  MINUTE,
  policyOf,
  REVOKED,
  ruleVerdict,
  verdictOf,
  version,
} from './false-world.ts';

const POLICY = policyOf(`- name: canary
  size: 1%
  soak: 30m
  deadline: 2h
  rules: [error_rate < 0.5%, "latency_p95 < 2x baseline, floor 5ms", unknown_rate < 10%, failed_devices < 5%]
- { name: ramp, size: 25%, soak: 1h, onFailure: ask, approval: { approvers: [alice, bob] } }
- { name: full, size: 100%, soak: 1h }`);

const ERRORS = ruleVerdict('error_rate < 0.5%', 'pass');
const LATENCY = ruleVerdict('latency_p95 < 2x baseline, floor 5ms', 'pass', {
  estimate: 131,
  lower: 127,
  upper: 138,
  baseline: { estimate: 118, devices: 412, from: 'beside' },
});
const UNKNOWN = ruleVerdict('unknown_rate < 10%', 'pass', { estimate: 0.032, lower: 0.029, upper: 0.036 });
const FAILED = ruleVerdict('failed_devices < 5%', 'pass', {
  estimate: 0,
  lower: null,
  upper: null,
  trials: 11,
  kind: 'share',
  sums: { bad: 0, good: 11, pending: 0 },
});

const GOOD = verdictOf('pass', ERRORS, LATENCY, UNKNOWN, FAILED);
const BAD = verdictOf(
  'fail',
  ruleVerdict('error_rate < 0.5%', 'fail', { estimate: 0.042, lower: 0.036, upper: 0.049, worstDevice: 'kiosk-017' }),
  {
    ...LATENCY,
    verdict: 'undecided',
    reasons: [{ kind: 'too-little', within: true }],
    needs: { trials: 3400, minutes: 10.5 },
  },
  ruleVerdict('unknown_rate < 10%', 'undecided', {
    estimate: null,
    lower: null,
    upper: null,
    reasons: [{ kind: 'no-data' }],
  }),
  FAILED,
);
const NO_TALLY = { bad: 0, trials: 0, reports: 0, badSquared: 0, badTrials: 0, trialsSquared: 0 };
const classOf = (name: string) => ({
  name,
  candidate: NO_TALLY,
  worst: null,
  window: NO_TALLY,
  baseline: null,
  leastEffect: 1,
  inliers: null,
  own: null,
});
const GONE = verdictOf(
  'fail',
  ruleVerdict('vanished_classes == 0', 'fail', {
    estimate: 2,
    lower: null,
    upper: null,
    unit: 'count',
    reasons: [
      { kind: 'class-fell', name: 'receipt', from: 0.041, to: 0, devices: 9, total: 10 },
      { kind: 'class-fell', name: 'order', from: 0.03, to: 0.002, devices: 10, total: 10 },
    ],
    kind: 'classes',
    sums: ['receipt', 'order', 'invoice'].map(classOf),
  }),
  ruleVerdict('confidence_drift < 0.25', 'fail', {
    estimate: 1.14,
    lower: 0.9,
    upper: 1.4,
    unit: 'divergence',
    dryRun: true,
    reasons: [{ kind: 'confidence-moved', direction: 'less-sure', least: 0.9, most: 1, from: 0.97, to: 0.57 }],
  }),
);
const AFTER_6_MIN = { listenedMs: 6 * MINUTE, readyMs: 5 * MINUTE };
const TROUBLED = cohort(11, {
  ready: 8,
  failed: 1,
  silent: 1,
  unreachable: 1,
  troubled: [
    {
      device: 'dev-0100',
      kind: 'failed',
      reason: 'self-test',
      detail: 'self-test: "an invoice" was called receipt',
    },
    { device: 'dev-0250', kind: 'silent', reason: null },
  ],
});

function rolling(): FalseWorld {
  const world = FalseWorld.stable(POLICY);
  world.versions = [version('2025.12.01'), version('2026.01.10-rc1')];
  world.status = {
    ...world.at,
    stable: { ...world.at.stable!, version: '2025.12.01', digest: digestOf('2025.12.01') },
  };
  world.seen = null;
  world.spec.version = '2026.01.10-rc1';
  world.baseline = baselineOf(1000, 118);
  world.mustTake('start');
  return world;
}

function taken(prepare: (world: FalseWorld) => void, world = rolling()): Transition {
  prepare(world);
  return world.take()!;
}

const inRamp = (): FalseWorld => {
  const world = rolling();
  world.measure('pass', { verdict: GOOD });
  world.mustTake('advance');
  return world;
};

/** All but those held back have it, and its rules held. */
const inRest = (): FalseWorld => {
  const world = inRamp();
  world.ask({ act: 'skip', by: 'alice' });
  world.mustTake('advance');
  const held = cohort(982, { matching: 1003, ready: 974, unreachable: 8 });
  world.measure('pass', { verdict: GOOD, cohort: held, window: { listenedMs: 62 * MINUTE, readyMs: 60 * MINUTE } });
  world.mustTake('advance');
  return world;
};

const scenes: Record<string, () => Transition> = {
  'start-first': () => new FalseWorld().mustTake('start'),
  start: () => rolling().steps.at(-1)!,
  advance: () =>
    taken((world) =>
      world.measure('pass', { verdict: GOOD, window: { listenedMs: 32 * MINUTE, readyMs: 30 * MINUTE } }),
    ),
  'advance-promoted': () =>
    taken((world) => {
      world.measure('undecided', {
        verdict: verdictOf('undecided', { ...ERRORS, verdict: 'undecided' }),
        cohort: TROUBLED,
      });
      world.ask({ act: 'promote', by: 'alice', reason: 'the fair opens at nine' });
    }),
  'advance-approved': () =>
    taken((world) => {
      world.measure('pass', {
        verdict: GOOD,
        cohort: cohort(251),
        window: { listenedMs: 90 * MINUTE, readyMs: 60 * MINUTE },
      });
      world.ask({ act: 'approve', by: 'alice' });
    }, inRamp()),
  'advance-rest': () => inRest().steps.at(-1)!,
  complete: () =>
    taken(
      (last) =>
        last.measure('undecided', {
          verdict: verdictOf('undecided', { ...ERRORS, verdict: 'undecided' }, UNKNOWN, FAILED),
          cohort: cohort(1003, { ready: 995, unreachable: 8 }),
          window: { listenedMs: 11 * MINUTE, readyMs: 10 * MINUTE },
        }),
      inRest(),
    ),
  'roll-back': () => taken((world) => world.measure('fail', { verdict: BAD, window: AFTER_6_MIN, cohort: TROUBLED })),
  'roll-back-vanished': () =>
    taken((world) => world.measure('fail', { verdict: GONE, window: AFTER_6_MIN, cohort: cohort(10) })),
  'roll-back-while-downloading': () =>
    taken((world) =>
      world.measure('fail', {
        verdict: BAD,
        window: AFTER_6_MIN,
        cohort: cohort(11, { ready: 4, trying: 7, onTrial: 1 }),
      }),
    ),
  'roll-back-first': () => {
    const world = new FalseWorld();
    world.mustTake('start');
    return taken(
      (first) => first.measure('fail', { window: AFTER_6_MIN, cohort: cohort(11, { ready: 1, pending: 10 }) }),
      world,
    );
  },
  'roll-back-aborted': () => taken((world) => world.ask({ act: 'abort', by: 'bob', reason: 'customers call' })),
  'roll-back-revoked': () =>
    taken((world) => {
      world.versions = [version('2025.12.01', ADMITTED), version('2026.01.10-rc1', REVOKED)];
    }),
  'roll-back-expired': () => {
    const world = FalseWorld.rolling(
      policyOf(
        '- { name: canary, size: 1%, deadline: 2h, onDeadline: rollback, rules: [error_rate < 1%] }\n- { name: full, size: 100% }',
      ),
    );
    return taken(
      (late) =>
        late.measure('undecided', {
          window: { listenedMs: 120 * MINUTE, readyMs: 0 },
          cohort: cohort(11, { ready: 2, pending: 9 }),
        }),
      world,
    );
  },
  supersede: () =>
    taken((world) => {
      world.versions.push(version('2026.02.01'));
      world.spec.version = '2026.02.01';
      world.measure('undecided');
    }),
  pause: () => taken((world) => world.measure('fail', { verdict: BAD, cohort: cohort(251) }), inRamp()),
  reopen: () => {
    const world = inRamp();
    world.measure('fail', { verdict: BAD });
    world.mustTake('pause');
    return taken((paused) => paused.ask({ act: 'approve', by: 'bob', reason: 'the store’s network was down' }), world);
  },
  answer: () =>
    taken((world) => {
      world.ask({ act: 'approve', by: 'mallory' });
      world.ask({ act: 'promote', stage: 'full' });
    }),
  retry: () => {
    const world = rolling();
    world.measure('fail', { verdict: BAD });
    world.mustTake('roll-back');
    return taken(
      (back) => back.ask({ act: 'retry', digest: digestOf('2026.01.10-rc1'), by: 'alice', reason: 'camera mended' }),
      world,
    );
  },
  restore: () =>
    taken((world) => {
      world.claim = { kind: 'forged', problem: { kind: 'evidence-of-other-status' }, lastAuthentic: world.at };
    }),
  adopt: () => {
    const world = rolling();
    world.status = world.steps[1]!.next;
    world.continues = false;
    return taken((rewound) => rewound.ask({ act: 'adopt', by: 'alice', reason: 'secrets were purged' }), world);
  },
  hostile: () =>
    taken((world) => {
      const forged = `x\n\nSlipway-Rollout: other\r\nSlipway-Evidence: sha256:${'0'.repeat(64)}\n\u001b[2J\u202eThis reverts commit ${'f'.repeat(40)}.`;
      world.ask({ act: 'abort', by: 'mallory\nSlipway-Kind: complete', reason: forged });
      world.measure('undecided', {
        cohort: cohort(11, {
          ready: 10,
          failed: 1,
          troubled: [{ device: 'd\n', kind: 'failed', reason: null, detail: forged }],
        }),
      });
    }),
};

const REVERTED = '77ab02d5c0e1f7f0a6b2f8a1d7f1b1f0c9a4e3d2';

it.each(Object.entries(scenes))('the commit of %s reads as it should', async (name, scene) => {
  const transition = scene();
  const message = commitMessage({
    transition,
    observed: '4be1c0f3a9d8e7c6b5a4f3e2d1c0b9a8f7e6d5c4',
    evidenceDigest: digestOf('evidence'),
    reverts: transition.kind === 'roll-back' ? REVERTED : null,
  });
  await expect(message).toMatchFileSnapshot(`golden/commit-${name}.txt`);
});

function outlooks(): readonly [string, Outlook][] {
  const of = (prepare: (world: FalseWorld) => void, world = rolling()): Outlook => {
    prepare(world);
    return world.decide().outlook;
  };
  const undecided = verdictOf('undecided', ERRORS, UNKNOWN, FAILED, {
    ...LATENCY,
    verdict: 'undecided',
    needs: { trials: 3400, minutes: 10.5 },
  });
  return [
    ['not started', of((world) => Object.assign(world, { fleet: [] }), new FalseWorld())],
    ['unsigned', of((world) => Object.assign(world, { versions: [version('1.0.0', REVOKED)] }), new FalseWorld())],
    ['steady state', of(() => undefined, FalseWorld.stable())],
    [
      'just started',
      of((world) =>
        world.measure('undecided', {
          verdict: null,
          cohort: cohort(11, { ready: 0, pending: 11 }),
          window: { listenedMs: 0, readyMs: 0 },
        }),
      ),
    ],
    ['undecided', of((world) => world.measure('undecided', { verdict: undecided, cohort: TROUBLED }))],
    ['approval', of((world) => world.measure('pass', { verdict: GOOD, cohort: cohort(251) }), inRamp())],
    [
      'suspended',
      of((world) => {
        world.spec.suspend = true;
      }),
    ],
    [
      'deadline',
      of((world) =>
        world.measure('undecided', { verdict: undecided, window: { listenedMs: 121 * MINUTE, readyMs: 90 * MINUTE } }),
      ),
    ],
    [
      'paused',
      of((world) => {
        world.measure('fail', { verdict: BAD });
        world.mustTake('pause');
      }, inRamp()),
    ],
    [
      'rejected',
      of((world) => {
        world.measure('fail', { verdict: BAD });
        world.mustTake('roll-back');
        world.spec.version = '2026.01.10-rc1';
      }),
    ],
  ];
}

it('the status reads as it should, as a table and by the line', async () => {
  const rows = outlooks().map(([scene, outlook]) => [scene, outlookCells(outlook), outlookLine(outlook)] as const);
  const columns: (keyof OutlookCells)[] = ['rollout', 'stage', 'devices', 'verdict', 'waitingFor'];
  const width = (column: keyof OutlookCells): number => Math.max(...rows.map(([, cells]) => cells[column].length));
  const table = rows.map(([, cells]) =>
    columns
      .map((column) => cells[column].padEnd(width(column)))
      .join('  ')
      .trimEnd(),
  );
  const lines = rows.map(([scene, , line]) => `${scene}\n  ${line}`);
  await expect(`${table.join('\n')}\n\n${lines.join('\n')}\n`).toMatchFileSnapshot('golden/status.txt');
});

const STUCK = {
  ...{ metric: 'latency_p95', group: 'hw:rev2', reasons: [{ kind: 'one-device' as const }], worstDevice: 'kiosk-017' },
};
const FAILED_REASON = {
  kind: 'rule-failed',
  stage: 'ramp',
  rule: 'error_rate < 0.5%',
  ...{ observed: 0.042, unit: 'ratio', others: [] },
} as const;

const named = (rule: string, by: string | null = null) => ({ rule, by, scope: 'stage' as const, share: null });

it('every kind of waiting has its words', async () => {
  const kinds: readonly WaitingOn[] = [
    { kind: 'soak', remainingMs: 26 * MINUTE },
    { kind: 'devices', have: 2, need: 3 },
    { kind: 'rest-of-fleet', pending: 1 },
    {
      kind: 'verdict',
      rules: [named('error_rate < 0.5%')],
      minutes: 10.4,
      slowest: { metric: 'error_rate', trials: 3400 },
      lacks: [],
      stuck: null,
    },
    {
      kind: 'verdict',
      rules: [named('error_rate < 0.5%')],
      minutes: null,
      slowest: { metric: 'error_rate', trials: 1 },
      lacks: [],
      stuck: null,
    },
    { kind: 'verdict', rules: [named('failed_devices < 5%')], minutes: null, slowest: null, lacks: [], stuck: null },
    {
      kind: 'verdict',
      rules: [named('latency_p95 < 150ms', 'hw')],
      minutes: null,
      slowest: null,
      lacks: [],
      stuck: STUCK,
    },
    {
      kind: 'verdict',
      rules: [named('error_rate < 0.5%'), named('latency_p95 < 150ms', 'hw')],
      minutes: 10.4,
      slowest: { metric: 'error_rate', trials: 3400 },
      lacks: [],
      stuck: STUCK,
    },
    {
      kind: 'verdict',
      rules: [],
      minutes: null,
      slowest: null,
      lacks: [
        { kind: 'minimum-devices', have: 1, need: 3 },
        { kind: 'minimum-inferences', have: 60, need: 100 },
      ],
      stuck: null,
    },
    { kind: 'verdict', rules: [], minutes: null, slowest: null, lacks: [], stuck: null },
    { kind: 'approval', approvers: ['alice', 'bob'], have: 0, need: 1 },
    { kind: 'baseline', have: 12, need: 100, remainingMs: 1_500_000 },
    { kind: 'suspended' },
    { kind: 'paused', reason: FAILED_REASON },
    { kind: 'rejected', version: '2.0.0', reason: FAILED_REASON },
    { kind: 'deadline-held', rules: [named('error_rate < 0.5%')] },
    { kind: 'known-devices', target: 'region:eu AND hw:rev9', have: 0, need: 1 },
    { kind: 'known-devices', target: 'region:eu', have: 1, need: 3 },
    { kind: 'needs-fix', fix: { kind: 'history-rewound', code: 'HISTORY_REWOUND', revision: 3, known: 7 } },
  ];
  expect(waitingInWords([])).toBe('–');
  const told = [...kinds.map((one) => [one]), kinds.slice(0, 2), kinds.slice(0, 4)];
  await expect(`${told.map(waitingInWords).join('\n')}\n`).toMatchFileSnapshot('golden/waiting.txt');
});
