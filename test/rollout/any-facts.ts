// Owns any facts of a rollout at all, coherent or not, for laws that hold whatever they are.
import fc from 'fast-check';
import { type Digest, digestOf } from '../../src/contract/digest.ts';
import { BUCKETS } from '../../src/contract/membership.ts';
import type { RolloutPolicy, RolloutRequest, RolloutStatus } from '../../src/documents/types.generated.ts';
import type { RuleReason } from '../../src/gates/rule-reason.ts';
import { METHOD_VERSION, type StageVerdict } from '../../src/gates/rule-verdict.ts';
import { knownTarget } from '../../src/rollout/known-target.ts';
import type { RolloutFacts, Standing, StatusClaim } from '../../src/rollout/rollout-facts.ts';
import { ADMITTED, baselineOf, ENDED, NONCE, policyOf, REVOKED, ruleVerdict, T0, UNSIGNED } from './false-world.ts';

const POLICIES: readonly RolloutPolicy[] = [
  policyOf(
    '- { name: canary, size: 1%, soak: 5m, rules: ["latency_p95 < 2x baseline"] }\n- { name: full, size: 100% }',
  ),
  policyOf('- { name: full, size: 100%, onFailure: ask, deadline: 1h, onDeadline: promote }', '  rollbackWindow: 1d\n'),
  policyOf('- { name: canary, select: "ring:canary", approval: { approvers: [alice] } }'),
  policyOf(
    '- { name: canary, size: 1%, onGroupFailure: rollback, rules: [{ rule: error_rate < 1%, by: hw }] }\n- { name: full, size: 100%, onGroupFailure: hold }',
  ),
];

const digest: fc.Arbitrary<Digest> = fc.constantFrom('a', 'b', 'c', 'd').map((name) => digestOf(name));
const name = fc.constantFrom('1.0.0', '2.0.0', '2.0.0+build', '2026.01.10-rc1');
const desired = fc.oneof(name, fc.constantFrom('latest', '>=1', '^2', '<1'));
const ABORTED = { kind: 'aborted' } as const;
const GONE = { kind: 'evidence-missing', evidence: 'evidence/eu/1.json' } as const;
const stage = fc.constantFrom('canary', 'full', 'elsewhere');
const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 700 });
const instant = fc.constantFrom('2026-11-20T10:00:00Z', '2036-01-01T00:00:00+02:00', '1999-12-31T23:59:59.5Z');
const parameters = fc.constantFrom({}, { threshold: 0.5 }, { threshold: 0.5, mode: 'x' });
const target = fc.constantFrom('*', 'region:eu', 'region:eu AND NOT ring:canary');
const attempt = fc.integer({ min: 1, max: 9 });
const revision = fc.integer({ min: 0, max: 12 });
const evidence = fc.constant('evidence/eu/1-start-canary.json');

const standing = fc.oneof(
  fc.constantFrom<Standing>(ADMITTED, ADMITTED, UNSIGNED, ENDED, REVOKED),
  text.map((detail): Standing => {
    return { kind: 'broken', code: 'DOCUMENT_SYNTAX', file: 'a.yaml', line: 1, column: null, more: 0, detail };
  }),
);

const group = fc.constantFrom('hw:rev1', 'hw:rev2', 'hw:(others)', 'region:a:b');
const anyCohort = fc.record({
  cut: fc.constantFrom(0, 5, 2 ** 47, BUCKETS),
  select: fc.constantFrom(null, 'ring:canary'),
  devices: fc.constant([]),
});
const stable = fc.option(fc.record({ version: name, digest, parameters, target }));
const exception = fc.record({
  group,
  kind: fc.constantFrom('rolled-back', 'held', 'behind'),
  cohort: fc.option(anyCohort),
  stable,
  reason: fc.constant(ABORTED),
  evidence,
  since: instant,
});

const status: fc.Arbitrary<RolloutStatus> = fc
  .record({
    revision,
    opened: revision,
    state: fc.constantFrom('rolling', 'paused', 'idle'),
    stage: fc.option(stage),
    since: instant,
    candidate: fc.option(fc.record({ version: name, digest, attempt, parameters })),
    stable,
    target,
    policy: fc.option(digest),
    salt: fc.option(fc.string({ maxLength: 20 })),
    cohort: anyCohort,
    limits: fc.constant([]),
    rejected: fc.array(
      fc.record({ digest, version: name, attempt, reason: fc.constant(ABORTED), evidence, at: instant }),
      {
        maxLength: 3,
      },
    ),
    paused: fc.option(fc.record({ reason: fc.constant(ABORTED), since: instant })),
    evidence,
    previous: fc.array(fc.record({ version: name, digest, until: instant }), { maxLength: 3 }),
    attempts: fc.array(fc.record({ digest, attempt }), { maxLength: 3 }),
    exceptions: fc.option(fc.uniqueArray(exception, { selector: (one) => one.group, minLength: 1, maxLength: 3 })),
  })
  .map(({ exceptions, ...more }) => (exceptions === null ? more : { ...more, exceptions }));

const request: fc.Arbitrary<RolloutRequest> = fc
  .record({
    act: fc.constantFrom('approve', 'promote', 'skip', 'abort', 'retry', 'adopt'),
    digest,
    stage: fc.option(stage, { nil: undefined }),
    group: fc.option(group, { nil: undefined, freq: 3 }),
    by: fc.option(fc.constantFrom('alice', 'mallory'), { nil: undefined }),
    reason: fc.option(text, { nil: undefined }),
  })
  .map((one) => JSON.parse(JSON.stringify(one)) as RolloutRequest);

const reason: fc.Arbitrary<RuleReason> = fc.oneof(
  fc.constantFrom<RuleReason>({ kind: 'no-data' }, { kind: 'one-device' }, { kind: 'too-little', within: true }),
  text.map((said) => ({ kind: 'provider-said', text: said }) as const),
);

const verdict: fc.Arbitrary<StageVerdict> = fc.record({
  kind: fc.constantFrom('pass', 'fail', 'undecided'),
  rules: fc.array(
    fc
      .record({
        verdict: fc.constantFrom('pass', 'fail', 'undecided', 'not-applicable'),
        within: fc.boolean(),
        dryRun: fc.boolean(),
        estimate: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
        reasons: fc.array(reason, { maxLength: 2 }),
        worstDevice: fc.option(text),
        groups: fc
          .option(
            fc.array(fc.record({ name: group, verdict: fc.constantFrom('pass', 'fail'), devices: fc.nat(9) }), {
              maxLength: 4,
            }),
            { nil: undefined },
          )
          .map((groups) => groups ?? []),
        needs: fc.option(
          fc.record({ trials: fc.nat(), minutes: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })) }),
        ),
      })
      .map(({ verdict: kind, ...more }) => ruleVerdict('error_rate < 1%', kind, more as object)),
    { maxLength: 3 },
  ),
  because: fc.array(
    fc.oneof(
      text.map((rule) => ({ kind: 'rule', rule }) as const),
      fc.record({ kind: fc.constantFrom('minimum-devices', 'minimum-inferences'), have: fc.nat(), need: fc.nat() }),
    ),
    { maxLength: 3 },
  ),
  measured: fc.record({ devices: fc.nat(), inferences: fc.nat() }),
  method: fc.constant(METHOD_VERSION),
});

const count = fc.nat(20);
const cohort = fc.record({
  ...{
    matching: count,
    wanted: count,
    ready: count,
    trying: count,
    failed: count,
    refused: count,
    incompatible: count,
  },
  ...{ silent: count, unreachable: count, pending: count, conflicted: count, undelivered: count },
  ...{ apart: count, onTrial: count },
  troubled: fc.array(fc.record({ device: text, kind: fc.constant('failed' as const), reason: fc.constant(null) }), {
    maxLength: 3,
  }),
});

const claim: fc.Arbitrary<StatusClaim> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<StatusClaim>({ kind: 'none' }) },
  { weight: 6, arbitrary: status.map((one): StatusClaim => ({ kind: 'authentic', status: one })) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('forged' as const),
      problem: fc.constant(GONE),
      lastAuthentic: fc.option(status),
    }),
  },
);

export const facts: fc.Arbitrary<RolloutFacts> = fc
  .record({
    name: fc.constant('invoice-ocr-eu'),
    spec: fc.record({
      model: fc.constantFrom('ocr', 'other'),
      version: desired,
      target,
      parameters,
      suspend: fc.boolean(),
      requests: fc.array(request, { maxLength: 4 }),
    }),
    claim,
    seen: fc.option(fc.record({ revision, status: fc.option(status) })),
    publishedRevision: revision,
    continues: fc.boolean(),
    versions: fc.uniqueArray(fc.record({ version: name, digest, standing }), { selector: (one) => one.version }),
    policy: fc.option(fc.record({ digest, policy: fc.constantFrom(...POLICIES), standing })),
    policyProblem: fc.constant(null),
    policyInForce: fc.option(fc.constantFrom(...POLICIES)),
    devices: fc.nat(12),
    cohort: fc.option(cohort),
    verdict: fc.option(verdict),
    window: fc.option(fc.record({ listenedMs: fc.nat(1e8), readyMs: fc.nat(1e8) })),
    baseline: fc.option(fc.constantFrom(baselineOf(5), baselineOf(500))),
    now: fc.constantFrom(T0, T0 + 1e9),
  })
  .map(({ devices, seen, ...rest }) => ({
    ...rest,
    // The store remembers a status with its own revision.
    seen: seen && { revision: seen.revision, status: seen.status && { ...seen.status, revision: seen.revision } },
    known: knownTarget(() => Array.from({ length: devices }, (_, i) => `d${i}`)),
    nonce: NONCE,
  }));
