// Owns a made-up world for tests of decisions: a repository, a fleet and measurements, as facts; a step is carried out by taking its word.
import { toIsoSeconds } from '../../src/base/clock.ts';
import { type Digest, digestOf } from '../../src/contract/digest.ts';
import type { Directive } from '../../src/contract/directive.ts';
import { isInAnyGroup } from '../../src/contract/group-exception.ts';
import { type DeviceFacts, matchesSelector, parseSelector } from '../../src/contract/selector.ts';
import { addToSketch, emptySketch } from '../../src/contract/sketch.ts';
import { spliceSpec, spliceStatus } from '../../src/documents/edit-rollout.ts';
import { parseDocument } from '../../src/documents/parse-document.ts';
import { parseRule } from '../../src/documents/rules/rule-text.ts';
import type { Rollout, RolloutPolicy, RolloutRequest, RolloutStatus } from '../../src/documents/types.generated.ts';
import { metricKind } from '../../src/gates/metric-kind.ts';
import { METHOD_VERSION, type RuleVerdict, ruleName, type StageVerdict } from '../../src/gates/rule-verdict.ts';
import { goodSideOf } from '../../src/gates/stage-rule.ts';
import type { CohortCounts } from '../../src/rollout/count-cohort.ts';
import { decide } from '../../src/rollout/decide.ts';
import { decideRollout, type RolloutDecision } from '../../src/rollout/decide-rollout.ts';
import { knownTarget } from '../../src/rollout/known-target.ts';
import type { Fix } from '../../src/rollout/reasons.ts';
import type {
  BaselineFacts,
  KnownVersion,
  RolloutFacts,
  SeenStatus,
  Standing,
  StatusClaim,
  WindowTime,
} from '../../src/rollout/rollout-facts.ts';
import { type Stage, stagesOf } from '../../src/rollout/stages-of-policy.ts';
import type { Transition } from '../../src/rollout/transition.ts';
import { stepReasonInWords } from '../../src/wording/step-reason-in-words.ts';

export const T0 = Date.parse('2026-11-20T10:00:00Z');
export const MINUTE = 60_000;
export const NONCE = '1'.repeat(32);
export const ADMITTED: Standing = { kind: 'admitted', signer: 'ci' };
export const UNSIGNED: Standing = {
  kind: 'refused',
  code: 'SIGNATURE_MISSING',
  signer: null,
  detail: 'there is no signature beside it',
  revoked: false,
};
export const ENDED: Standing = {
  kind: 'refused',
  code: 'SIGNER_ENDED',
  signer: 'ci',
  detail: 'its key ended in 2025',
  revoked: false,
};
export const REVOKED: Standing = {
  kind: 'refused',
  code: 'SIGNER_REVOKED',
  signer: 'ci',
  detail: 'ci is revoked',
  revoked: true,
};

/** A policy out of the YAML of its stages, through the parser that people's policies go through. */
export function policyOf(stages: string, more = ''): RolloutPolicy {
  const text = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: careful }
spec:
  appliesTo: { rollouts: ["*"] }
${more}  stages:
${stages.replace(/^/gm, '    ')}
`;
  const parsed = parseDocument('policies/careful.yaml', Buffer.from(text));
  if (parsed.kind === 'broken') throw parsed.errors[0]!;
  return parsed.document as RolloutPolicy;
}

export const CAREFUL = policyOf(`- name: canary
  size: 1%
  soak: 30m
  deadline: 2h
  rules: [error_rate < 0.5%, failed_devices < 5%]
- { name: ramp, size: 25%, soak: 1h }
- { name: full, size: 100%, soak: 1h }`);

export function version(name: string, standing: Standing = ADMITTED): KnownVersion {
  return { version: name, digest: digestOf(name), standing };
}

export function devices(count: number, labels: Readonly<Record<string, string>> = {}): DeviceFacts[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `dev-${String(i).padStart(4, '0')}`,
    labels: { region: 'eu', ring: i % 50 === 0 ? 'canary' : 'rest', ...labels },
    properties: {},
  }));
}

export function ruleVerdict(
  text: string,
  verdict: RuleVerdict['verdict'],
  more: Partial<RuleVerdict> = {},
): RuleVerdict {
  const rule = parseRule(text);
  return {
    rule: rule.source,
    metric: rule.metric,
    verdict,
    within: verdict !== 'fail',
    estimate: 0.0021,
    lower: 0.0014,
    upper: 0.0031,
    limit: rule.limit.kind === 'absolute' ? rule.limit.value : null,
    unit: metricKind(rule.metric).kind === 'quantile' ? 'ms' : 'ratio',
    baseline: null,
    trials: 12480,
    devices: 10,
    worstDevice: null,
    reasons: [],
    dryRun: false,
    needs: null,
    kind: 'blank',
    goodSide: goodSideOf(rule),
    isRelative: rule.limit.kind === 'baseline',
    ...{ scope: 'stage', share: null, by: null, groups: [], group: null, groupRule: null },
    ...more,
  } as RuleVerdict;
}

/** What rules alone say of a stage. */
export function verdictOf(kind: StageVerdict['kind'], ...rules: readonly RuleVerdict[]): StageVerdict {
  const open = rules.filter((rule) => !rule.dryRun && rule.verdict !== 'pass');
  const because = open.map((rule) => ({ kind: 'rule', rule: ruleName(rule) }) as const);
  return { kind, rules, because, measured: { devices: 10, inferences: 12480 }, method: METHOD_VERSION };
}

/** All deciding rules of a stage alike. */
export function stageVerdict(stage: Stage, kind: StageVerdict['kind'], more: Partial<RuleVerdict> = {}): StageVerdict {
  const rules = stage.rules.map(({ rule, dryRun, onFailure }) =>
    ruleVerdict(rule.source, kind, { dryRun, ...(onFailure === undefined ? {} : { onFailure }), ...more }),
  );
  return verdictOf(kind, ...rules);
}

export function cohort(wanted: number, more: Partial<CohortCounts> = {}): CohortCounts {
  const none = {
    apart: 0,
    onTrial: 0,
    trying: 0,
    failed: 0,
    refused: 0,
    incompatible: 0,
    silent: 0,
    unreachable: 0,
    pending: 0,
    conflicted: 0,
    undelivered: 0,
  };
  return { matching: wanted, wanted, ready: wanted, ...none, troubled: [], ...more };
}

export function baselineOf(inferences: number, ms = 100, listenedMs = 0): BaselineFacts {
  const latencyMs = emptySketch();
  addToSketch(latencyMs, ms, inferences);
  return { inferences, devices: 10, latencyMs, listenedMs };
}

type Spec = { -readonly [Name in keyof Rollout['spec']]: Rollout['spec'][Name] };

export interface Measured {
  readonly verdict?: StageVerdict | null;
  readonly cohort?: CohortCounts | null;
  readonly window?: WindowTime | null;
}

/** One rollout with all around it. Everything may be changed between decisions. */
export class FalseWorld {
  name = 'invoice-ocr-eu';
  now = T0;
  spec: Spec = { model: 'invoice-ocr', version: '1.0.0', policy: 'careful', target: 'region:eu' };
  versions: KnownVersion[] = [version('1.0.0')];
  fleet: readonly DeviceFacts[] = devices(1003);
  policy: RolloutPolicy | null = CAREFUL;
  policyStanding: Standing = ADMITTED;
  /** Pinned copies by digest. */
  readonly pinned = new Map<string, RolloutPolicy>();
  status: RolloutStatus | null = null;
  claim: StatusClaim | null = null;
  seen: SeenStatus | null = null;
  published: Directive | null = null;
  continues = true;
  /** Why HEAD has no document. */
  lost: Fix | null = null;
  baseline: BaselineFacts | null = baselineOf(1000);
  measured: Measured = {};
  readonly steps: Transition[] = [];

  get policyDigest(): Digest {
    return digestOf(JSON.stringify(this.policy));
  }

  /** What the status at HEAD says; set at least once. */
  get at(): RolloutStatus {
    return this.status!;
  }

  get stage(): Stage {
    return stagesOf(this.pinned.get(this.at.policy!)!).find((stage) => stage.name === this.at.stage)!;
  }

  facts(): RolloutFacts {
    const { status, policy } = this;
    const claim: StatusClaim = this.claim ?? (status === null ? { kind: 'none' } : { kind: 'authentic', status });
    const published = this.published?.entries.find((entry) => entry.rollout === this.name);
    const rolling = claim.kind === 'authentic' && claim.status.candidate !== null;
    return {
      name: this.name,
      spec: this.spec,
      claim,
      seen: this.seen,
      publishedRevision: published?.revision ?? 0,
      continues: this.continues,
      ...(this.lost === null ? {} : { lost: this.lost }),
      versions: this.versions,
      policy: policy === null ? null : { digest: this.policyDigest, policy, standing: this.policyStanding },
      policyProblem: null,
      policyInForce: claim.kind === 'authentic' ? (this.pinned.get(claim.status.policy ?? '') ?? null) : null,
      nonce: NONCE,
      known: knownTarget((target, apart = []) => {
        const selector = parseSelector(target);
        const meant = this.fleet.filter((device) => matchesSelector(selector, device));
        return meant.filter((device) => !isInAnyGroup(apart, device.labels)).map((device) => device.id);
      }),
      cohort: rolling ? (this.measured.cohort ?? null) : null,
      verdict: rolling ? (this.measured.verdict ?? null) : null,
      window: rolling ? (this.measured.window ?? { listenedMs: 0, readyMs: 0 }) : null,
      baseline: this.baseline,
      now: this.now,
    };
  }

  decide(): RolloutDecision {
    return decideRollout(this.facts());
  }

  /** Decides, and takes the step if there is one, as the reconciler would. */
  take(): Transition | null {
    const { step } = this.decide();
    if (step === null) return null;
    this.carryOut(step);
    return step;
  }

  /** The step of this kind; fails when another one, or none, is decided. */
  mustTake(kind: Transition['kind']): Transition {
    const step = this.take();
    if (step?.kind !== kind)
      throw new Error(`expected ${kind}, got ${step?.kind}: ${JSON.stringify(this.decide().outlook.waitingOn)}`);
    return step;
  }

  carryOut(step: Transition): void {
    this.steps.push(step);
    if (step.policy !== null && this.policy !== null && step.policy === this.policyDigest) {
      this.pinned.set(step.policy, this.policy);
    }
    const edited = readRollout(writeRollout(this.spec, step));
    this.spec = { ...edited.spec };
    this.status = step.next;
    this.claim = null;
    this.seen = { revision: step.next.revision, status: step.next };
    this.measured = {};
  }

  publish(): Directive {
    this.published = decide({ rollouts: [this.facts()], broken: [], published: this.published }).directive;
    return this.published;
  }

  ask(request: Partial<RolloutRequest> & Pick<RolloutRequest, 'act'>): void {
    const digest = this.status?.candidate?.digest ?? this.versions[0]?.digest ?? digestOf('nothing');
    this.spec.requests = [...(this.spec.requests ?? []), { digest, ...request }];
  }

  /** The stage soaked, its devices run the candidate; verdict as given. */
  measure(kind: StageVerdict['kind'], more: Measured & { readonly rule?: Partial<RuleVerdict> } = {}): void {
    const { rule, ...measured } = more;
    this.measured = {
      verdict: stageVerdict(this.stage, kind, rule),
      cohort: cohort(11),
      window: { listenedMs: this.stage.soakMs + MINUTE, readyMs: this.stage.soakMs },
      ...measured,
    };
  }

  /** Through the present stage on good measurements. */
  pass(): Transition {
    this.measure('pass');
    this.now += this.stage.soakMs;
    return this.take()!;
  }

  /** From a start to rest. */
  complete(): void {
    this.mustTake('start');
    for (let i = 0; i < 50 && this.at.candidate !== null; i++) this.pass();
  }

  /** A world whose `1.0.0` is stable, and whose spec asks for `2.0.0`. */
  static rolling(stages: RolloutPolicy = CAREFUL): FalseWorld {
    const world = FalseWorld.stable(stages);
    world.versions.push(version('2.0.0'));
    world.spec.version = '2.0.0';
    world.mustTake('start');
    return world;
  }

  static stable(stages: RolloutPolicy = CAREFUL): FalseWorld {
    const world = new FalseWorld();
    world.complete();
    world.policy = stages;
    return world;
  }
}

/** The document after a step, by the same edits that the reconciler makes. */
export function writeRollout(spec: Rollout['spec'], step: Transition): string {
  const text = JSON.stringify({
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'Rollout',
    metadata: { name: step.rollout },
    spec,
  });
  return spliceStatus(spliceSpec(text, step.spec), step.next);
}

/** Reads a rollout's document by the parser; throws its first problem. */
export function readRollout(text: string, name = 'invoice-ocr-eu'): Rollout {
  const parsed = parseDocument(`rollouts/${name}.json`, Buffer.from(text));
  if (parsed.kind === 'broken') throw parsed.errors[0]!;
  return parsed.document as Rollout;
}

/** Why a step was taken, as people read it. */
export const why = (step: Transition): string => stepReasonInWords(step);
export const waits = (decision: RolloutDecision): string[] => decision.outlook.waitingOn.map((one) => one.kind);
export const iso = toIsoSeconds;
