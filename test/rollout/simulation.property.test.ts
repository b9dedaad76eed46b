// Laws of whole walks: whatever people, devices and histories do, every step is legal by an independent judge, and due steps are taken.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import type { RolloutRequest, RolloutStatus } from '../../src/documents/types.generated.ts';
import type { RuleVerdict } from '../../src/gates/rule-verdict.ts';
import type { Transition } from '../../src/rollout/transition.ts';
import {
  ADMITTED,
  cohort,
  devices,
  ENDED,
  FalseWorld,
  MINUTE,
  policyOf,
  REVOKED,
  stageVerdict,
  UNSIGNED,
  version,
} from './false-world.ts';
import { type Before, judgeDue, judgeStep } from './legal-step.ts';

const POLICIES = [
  `- { name: canary, size: 1%, soak: 30m, deadline: 2h, rules: [error_rate < 0.5%, "latency_p95 < 2x baseline"] }
- { name: ramp, size: 25%, soak: 1h, select: "ring:canary" }
- { name: full, size: 100% }`,
  `- { name: ring, select: "ring:canary", onFailure: pause, rules: [error_rate < 0.5%, { rule: cpu < 90% for 5m, onFailure: rollback }, { rule: unknown_rate < 9%, onFailure: ask }] }
- { name: half, size: 50%, deadline: 1h, onDeadline: promote, approval: { approvers: [alice, bob], count: 2 } }
- { name: full, size: 100%, onFailure: ask, deadline: 1h, onDeadline: rollback }`,
  `- { name: canary, size: 10%, onGroupFailure: rollback, rules: [{ rule: "error_rate < 0.5%", by: hw }] }
- { name: full, size: 100%, onGroupFailure: hold }`,
  '- { name: one, size: { devices: 1 } }\n- { name: ten, size: { devices: 10 }, approval: { approvers: [alice] } }',
].map((stages, i) => policyOf(stages, i === 0 ? '  rollbackWindow: 1d\n' : ''));

const NAMES = ['1.0.0', '1.1.0', '2.0.0', '3.0.0-rc1'] as const;
const STANDINGS = [UNSIGNED, ENDED, REVOKED] as const;
const STAGES = ['canary', 'ramp', 'ring', 'full', 'full-rest', 'one'] as const;

interface Act {
  readonly apply: (world: FalseWorld, truths: readonly RolloutStatus[]) => void;
}

/** An act that a counterexample shows by what it is made of. */
function told(apply: Act['apply'], ...of: readonly unknown[]): Act {
  const text = of.map((one) => JSON.stringify(one)).join(' ');
  return { apply, [fc.toStringMethod]: () => text } as Act;
}

const measure = fc
  .record({
    kind: fc.constantFrom('pass', 'pass', 'undecided', 'fail', 'fail' as const),
    ready: fc.constantFrom(0, 2, 11, 11),
    minutes: fc.constantFrom(0, 29, 61, 121),
    within: fc.boolean(),
    faulty: fc.subarray(['hw:rev1', 'hw:rev2', 'hw:rev3']),
    only: fc.constantFrom(0, 0, 0, 1, 2, null),
    isBack: fc.boolean(),
  })
  .map((measured) =>
    told((world) => {
      const { kind, ready, minutes, within, faulty, only, isBack } = measured;
      const groups = ['hw:rev1', 'hw:rev2', 'hw:rev3'].map((name) => ({
        ...{ name, within, estimate: null, lower: null, upper: null, limit: null, trials: 9, devices: 4, reasons: [] },
        verdict: kind === 'fail' && !faulty.includes(name) ? ('pass' as const) : kind,
      }));
      const isJudged = world.status?.candidate && world.pinned.has(world.status.policy ?? '');
      if (!isJudged) return;
      const verdict = stageVerdict(world.stage, kind, {
        ...{ within, by: 'hw', groups },
        ...(kind === 'fail' && isBack ? { recovered: true } : {}),
      });
      const isOne = kind === 'fail' && only !== null && only < verdict.rules.length;
      const rules = verdict.rules.map((rule, i): RuleVerdict => {
        const { recovered: _, ...passed } = rule;
        return isOne && i !== only ? { ...passed, verdict: 'pass' } : rule;
      });
      world.measured = {
        verdict: { ...verdict, rules },
        cohort: cohort(11, { ready, unreachable: 11 - ready }),
        window: { listenedMs: minutes * MINUTE, readyMs: minutes * MINUTE },
      };
    }, measured),
  );

const request = fc
  .record({
    act: fc.constantFrom<RolloutRequest['act']>(
      'approve',
      'approve',
      'approve',
      'promote',
      'skip',
      'abort',
      'retry',
      'adopt',
    ),
    name: fc.constantFrom(null, null, ...NAMES),
    stage: fc.option(fc.constantFrom(...STAGES), { nil: undefined }),
    by: fc.option(fc.constantFrom('alice', 'bob', 'mallory'), { nil: undefined }),
    group: fc.option(fc.constantFrom('hw:rev1', 'hw:rev2'), { nil: undefined, freq: 2 }),
  })
  .map(({ act, name, stage, by, group }) =>
    told(
      (world) =>
        world.ask({
          act,
          ...(name === null ? {} : { digest: digestOf(name) }),
          ...(stage === undefined ? {} : { stage }),
          ...(by === undefined ? {} : { by }),
          ...(group === undefined ? {} : { group }),
        }),
      { act, name, stage, by, group },
    ),
  );

const edit = fc
  .oneof(
    fc.constantFrom(...NAMES, 'latest', '>=1 <2').map((desired) => ({ version: desired })),
    fc.constantFrom('region:eu', 'region:eu AND ring:rest', 'region:nowhere').map((target) => ({ target })),
    fc.constantFrom({}, { threshold: 0.7 }).map((parameters) => ({ parameters })),
    fc.boolean().map((suspend) => ({ suspend })),
  )
  .map((change) => told((world) => Object.assign(world.spec, change), change));

const repository = fc.oneof(
  fc
    .record({ name: fc.constantFrom(...NAMES), standing: fc.constantFrom(ADMITTED, ADMITTED, ...STANDINGS, null) })
    .map((one) =>
      told((world) => {
        const others = world.versions.filter((known) => known.version !== one.name);
        world.versions = one.standing === null ? others : [...others, version(one.name, one.standing)];
      }, one),
    ),
  fc.constantFrom(0, 1, 2, 3, null).map((policy) =>
    told(
      (world) => {
        world.policy = policy === null ? null : POLICIES[policy]!;
      },
      { policy },
    ),
  ),
  fc.constantFrom(ADMITTED, ADMITTED, REVOKED).map((standing) =>
    told(
      (world) => {
        world.policyStanding = standing;
      },
      { policy: standing },
    ),
  ),
  fc.integer({ min: 0, max: 120 }).map((fleet) =>
    told(
      (world) => {
        world.fleet = devices(fleet);
      },
      { fleet },
    ),
  ),
);

/** An older status on top of the history, none, a forged one, or a branch that was rewritten. */
const history = fc
  .record({ how: fc.constantFrom('revert', 'remove', 'forge', 'rewrite', 'lose-policy'), back: fc.nat(5) })
  .map(({ how, back }) =>
    told(
      (world, truths) => {
        const older = truths.at(-1 - back) ?? null;
        if (how === 'lose-policy') world.pinned.clear();
        else if (how === 'forge')
          world.claim = { kind: 'forged', problem: { kind: 'evidence-of-other-status' }, lastAuthentic: older };
        else if (how === 'remove' || older === null) world.claim = { kind: 'none' };
        else world.claim = { kind: 'authentic', status: older };
        if (how === 'rewrite') world.continues = false;
        if (how === 'rewrite' && back < 3) world.ask({ act: 'adopt' });
      },
      { how, back },
    ),
  );

/** All that a stage wants: measured well, approved by all who may. */
const diligence = fc.constant(
  told((world) => {
    if (!world.status?.candidate || !world.pinned.has(world.status.policy ?? '')) return;
    world.measure('pass');
    for (const by of world.stage.approval?.approvers ?? []) world.ask({ act: 'approve', by });
  }, 'diligence'),
);

const publish = fc.constant(told((world) => world.publish(), 'publish'));

const act = fc.oneof(
  { weight: 8, arbitrary: diligence },
  { weight: 6, arbitrary: measure },
  { weight: 3, arbitrary: request },
  { weight: 2, arbitrary: edit },
  { weight: 2, arbitrary: repository },
  { weight: 1, arbitrary: history },
  { weight: 2, arbitrary: publish },
);

type Seen = Map<Transition['kind'] | 'recovered', number>;

function run(policy: number, acts: readonly Act[], seen: Seen): void {
  const world = new FalseWorld();
  world.policy = POLICIES[policy]!;
  world.fleet = devices(60);
  world.versions = [version('1.0.0')];
  const truths: RolloutStatus[] = [];
  const attempts = new Map<string, number>();
  const evidence = new Set<string>();
  for (const [i, one] of acts.entries()) {
    one.apply(world, truths);
    world.now += 7 * MINUTE;
    const published = world.published?.entries[0];
    for (let cycle = 0; cycle < 4; cycle++) {
      const truth = truths.at(-1) ?? null;
      const claimed = world.facts().claim;
      const headIsTruth =
        truth === null
          ? claimed.kind === 'none'
          : claimed.kind === 'authentic' && claimed.status.revision === truth.revision;
      const floor = Math.max(truth?.revision ?? 0, world.published?.entries[0]?.revision ?? 0);
      const before: Before = { world, truth, headIsTruth, floor, attempts, evidence };
      const decision = world.decide();
      expect(world.decide(), 'the same facts have the same answer').toEqual(decision);
      const { step } = decision;
      const where = `act ${i}: ${step?.kind} ${step?.reason}`;
      expect(judgeDue(before, step), where).toEqual([]);
      if (step === null) break;
      expect(judgeStep(before, step), where).toEqual([]);
      const kind = step.reason.kind === 'recovered' ? 'recovered' : step.kind;
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      world.carryOut(step);
      world.continues = true;
      truths.push(step.next);
      evidence.add(step.next.evidence);
      if (step.kind === 'start') attempts.set(step.next.candidate!.digest, step.next.candidate!.attempt);
    }
    if (published === undefined) continue;
    const entry = world.publish().entries[0]!;
    expect(entry.revision).toBeGreaterThanOrEqual(published.revision);
    if (entry.revision === published.revision) expect(entry).toEqual(published);
  }
}

const life = [fc.integer({ min: 0, max: 3 }), fc.array(act, { minLength: 10, maxLength: 50, size: 'max' })] as const;

describe('a rollout over its whole life', () => {
  it('takes only legal steps, takes the due ones, and never lowers or changes a published revision', () => {
    fc.assert(
      fc.property(...life, (policy, acts) => run(policy, acts, new Map())),
      { numRuns: 60 },
    );
  });

  it('takes every kind of step under the judge’s eyes: one who is never asked proves nothing', () => {
    const seen: Seen = new Map();
    fc.assert(
      fc.property(...life, (policy, acts) => run(policy, acts, seen)),
      { numRuns: 200, seed: 1 },
    );
    const kinds: Transition['kind'][] = ['start', 'advance', 'complete', 'roll-back', 'supersede'];
    const more = ['pause', 'reopen', 'recovered', 'except', 'answer', 'restore', 'adopt'] as const;
    for (const kind of [...kinds, ...more]) expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(0);
  });
});
