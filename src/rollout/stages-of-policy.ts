// Owns a policy as decisions use it: durations in milliseconds, shares as fractions, rules and selectors inherited and parsed.

import { parseDurationMs, parsePercent } from '../contract/duration.ts';
import { type HoldBackText, parseHoldBack } from '../documents/hold-back-text.ts';
import { parseQuery } from '../documents/rules/query-text.ts';
import { type ParsedRule, parseRule, ruleWithLimit } from '../documents/rules/rule-text.ts';
import { parseSignalLimit, parseSignalPass } from '../documents/rules/signal-rule-text.ts';
import type { PrometheusRule, RolloutPolicy, WebhookRule } from '../documents/types.generated.ts';
import { isAgainstStable } from '../gates/against-stable.ts';
import { metricKind } from '../gates/metric-kind.ts';
import type { SignalRule } from '../gates/signal-track.ts';
import { DEFAULT_ERROR_LEVEL } from '../gates/stage-question.ts';
import type { FailureAction, StageRule } from '../gates/stage-rule.ts';
import { heldBackCount } from '../gates/statistics/held-back.ts';

export interface Stage {
  readonly name: string;
  readonly size:
    | { readonly kind: 'share'; readonly share: number }
    | { readonly kind: 'devices'; readonly devices: number }
    | null;
  /** Devices that are in besides those by size: whom this stage or one before it selects; null when none does. */
  readonly select: string | null;
  /** The policy's, and as long as devices are to be held back. */
  readonly soakMs: number;
  /** How long confidences are followed for where they lead: the policy's soak alone. */
  readonly courseMs: number;
  /** Devices that keep stable while the stage is judged; null when it takes in all that its size says. */
  readonly holdBack: HoldBack | null;
  /** It gives the version to those whom the stage before held back, and follows it from there; the policy does not name it. */
  readonly isRest: boolean;
  /** As the policy says; null leaves it to the default of `leastDevices`. */
  readonly minimumDevices: number | null;
  readonly minimumInferences: number;
  readonly deadlineMs: number;
  /** The policy names no deadline; this one is worked out from soak and rules. */
  readonly hasDefaultDeadline: boolean;
  readonly onDeadline: 'hold' | 'rollback' | 'promote';
  /** What a failed rule does that does not say so itself. */
  readonly onFailure: FailureAction;
  /** For so long after a pause the stage goes on by itself when its rules hold again. */
  readonly resumeWithinMs: number;
  /** What a confidence does that is on course to break its limit within the soak. */
  readonly onCourse: 'hold' | 'rollback';
  /** What a failure in some groups alone does; `stage`: what `onFailure` says. */
  readonly onGroupFailure: 'stage' | 'rollback' | 'hold';
  /** Most that its verdict may err on either side, 0..1: its own, else the policy's. */
  readonly errorLevel: number;
  readonly approval: { readonly approvers: readonly string[]; readonly count: number } | null;
  readonly silenceMs: number;
  readonly rules: readonly StageRule[];
  /** Rules about outside signals. */
  readonly signals: readonly SignalRule[];
}

/** Null where the policy says nothing of how many. */
export type HoldBack = Pick<HoldBackText, 'forMs'> & { readonly share: number | null };

/** With fewer devices nobody can tell a bad device from a bad model (DESIGN §4). */
export const DEFAULT_LEAST_DEVICES = 3;
const DEFAULT_SILENCE_MS = 10 * 60_000;
const DEFAULT_RESUME_MS = 60 * 60_000;
/** A stage that does not say is over after a day at the earliest, so that nobody has to look at night. */
const LEAST_DEFAULT_DEADLINE_MS = 24 * 3_600_000;
/** How long absolute rules are followed once the last devices have the version too. */
const REST_MS = 10 * 60_000;
/** A status has room for 63 characters. */
const MOST_NAME = 55;

type PolicyStage = RolloutPolicy['spec']['stages'][number];

function sizeOf(size: PolicyStage['size']): Stage['size'] {
  if (size === undefined) return null;
  if (typeof size === 'string') return { kind: 'share', share: parsePercent(size) };
  if ('devices' in size && size.devices !== undefined) return { kind: 'devices', devices: size.devices };
  if ('percent' in size && size.percent !== undefined) return { kind: 'share', share: size.percent / 100 };
  return null;
}

type PolicyRule = NonNullable<PolicyStage['rules']>[number];
type OutsideRule = PrometheusRule | WebhookRule;
type ByLabel = Exclude<PolicyRule, OutsideRule | string>;

function isOutside(rule: PolicyRule): rule is OutsideRule {
  return typeof rule !== 'string' && ('prometheus' in rule || 'webhook' in rule);
}

function actionOf({ onFailure }: Exclude<PolicyRule, string>): Pick<StageRule, 'onFailure'> {
  return onFailure === undefined ? {} : { onFailure };
}

function signalOf(rule: OutsideRule): SignalRule {
  const about = { dryRun: rule.dryRun ?? false, ...actionOf(rule) };
  if ('webhook' in rule)
    return { ...parseSignalPass(rule.rule), from: { kind: 'webhook', provider: rule.webhook }, ...about };
  const from = { kind: 'prometheus', provider: rule.prometheus, query: parseQuery(rule.query) } as const;
  return { ...parseSignalLimit(rule.rule), from, ...about };
}

function groupingOf({ rule, by, limits = {} }: ByLabel): Pick<StageRule, 'grouping'> {
  if (by === undefined) return {};
  const parsed = parseRule(rule);
  const own = Object.entries(limits).map(([value, limit]) => [value, ruleWithLimit(parsed, limit)] as const);
  return { grouping: { by, limits: new Map(own) } };
}

function ruleOf(rule: Exclude<PolicyRule, OutsideRule>): StageRule {
  if (typeof rule === 'string') return { rule: parseRule(rule), dryRun: false };
  const parsed = parseRule(rule.rule);
  const share = rule.share === undefined ? {} : { share: parsePercent(rule.share) };
  // A share of devices is about each of them alone; gauges are so anyway.
  const isOfEach = rule.share !== undefined && metricKind(parsed.metric).kind !== 'gauge';
  const named = isOfEach ? 'any-device' : rule.scope;
  const scope = named === undefined ? {} : { scope: named };
  return { rule: parsed, ...scope, ...share, ...groupingOf(rule), dryRun: rule.dryRun ?? false, ...actionOf(rule) };
}

/** A rule and those of its groups with limits of their own. */
export function rulesWithin({ rule, grouping }: StageRule): ParsedRule[] {
  return [rule, ...(grouping?.limits.values() ?? [])];
}

function rulesOf(rules: readonly PolicyRule[], ofPolicy: string | undefined): Pick<Stage, 'rules' | 'signals'> {
  const runbookOf = (rule: PolicyRule): Pick<StageRule, 'runbook'> => {
    const runbook = (typeof rule === 'string' ? undefined : rule.runbook) ?? ofPolicy;
    return runbook === undefined ? {} : { runbook };
  };
  return {
    rules: rules.filter((rule) => !isOutside(rule)).map((rule) => ({ ...ruleOf(rule), ...runbookOf(rule) })),
    signals: rules.filter(isOutside).map((rule) => ({ ...signalOf(rule), ...runbookOf(rule) })),
  };
}

function anyOf(selectors: ReadonlySet<string>): string | null {
  const [first] = selectors;
  if (first === undefined) return null;
  return selectors.size === 1 ? first : [...selectors].map((one) => `(${one})`).join(' OR ');
}

function levelOf({ errorLevel }: { readonly errorLevel?: string }): number | undefined {
  return errorLevel === undefined ? undefined : parsePercent(errorLevel);
}

/** Long enough for four soaks, and for each rule to be decided twice over. */
function defaultDeadlineMs(soakMs: number, { rules, signals }: Pick<Stage, 'rules' | 'signals'>): number {
  const times = [
    ...rules.map(({ rule }) => rule.afterMs ?? rule.sustainedMs ?? 0),
    ...signals.map((one) => one.sustainedMs),
  ];
  return Math.max(LEAST_DEFAULT_DEADLINE_MS, 4 * soakMs, ...times.map((ms) => 2 * ms));
}

/** Is everyone in it, but for those held back? */
export function isOfAll({ size }: Pick<Stage, 'size'>): boolean {
  return size?.kind === 'share' && size.share >= 1;
}

function isHeldAgainstStable(asked: StageRule): boolean {
  return rulesWithin(asked).some(isAgainstStable);
}

/** The deciding rules of a stage that need devices on stable. */
export function heldRules({ rules }: Pick<Stage, 'rules'>): string[] {
  return rules.filter((asked) => !asked.dryRun && isHeldAgainstStable(asked)).map(({ rule }) => rule.source);
}

/** A stage of all devices whose rules need a baseline, unless the policy says 0. */
function holdBackOf(said: PolicyStage['holdBack'], { size, rules }: Pick<Stage, 'size' | 'rules'>): Stage['holdBack'] {
  if (!isOfAll({ size }) || heldRules({ rules }).length === 0) return null;
  return said === undefined ? { share: null, forMs: 0 } : parseHoldBack(said);
}

/** A name that no stage of the policy has, and that a status can hold. */
function restName(name: string, stages: readonly Stage[]): string {
  let free = `${name.slice(0, MOST_NAME)}-rest`;
  for (let i = 2; stages.some((one) => one.name === free); i++) free = `${name.slice(0, MOST_NAME)}-rest${i}`;
  return free;
}

/** The step after a last stage that holds devices back: nobody is left on stable, so rules against it are over. */
function restOf(last: Stage, stages: readonly Stage[]): Stage {
  const deadlineMs = last.deadlineMs - (last.holdBack?.forMs ?? 0);
  return {
    ...last,
    name: restName(last.name, stages),
    soakMs: REST_MS,
    courseMs: 0,
    holdBack: null,
    isRest: true,
    minimumInferences: 0,
    deadlineMs: Math.max(deadlineMs, 2 * REST_MS),
    // All rules have passed before: what is not seen again takes nothing back.
    onDeadline: 'promote',
    // Nobody need approve; whom the policy names may end a pause, and nobody else.
    approval: last.approval && { ...last.approval, count: 0 },
    rules: last.rules.filter((asked) => !isHeldAgainstStable(asked)),
  };
}

function readStages(policy: RolloutPolicy): readonly Stage[] {
  const stages = policyStages(policy);
  const last = stages.at(-1);
  return last === undefined || last.holdBack === null ? stages : [...stages, restOf(last, stages)];
}

function policyStages(policy: RolloutPolicy): readonly Stage[] {
  let inherited: Pick<Stage, 'rules' | 'signals'> = { rules: [], signals: [] };
  const selectors = new Set<string>();
  const { resumeWithin, runbook } = policy.spec;
  return policy.spec.stages.map((stage): Stage => {
    if (stage.rules !== undefined) inherited = rulesOf(stage.rules, runbook);
    if (stage.select !== undefined) selectors.add(stage.select);
    const size = sizeOf(stage.size);
    const courseMs = stage.soak === undefined ? 0 : parseDurationMs(stage.soak);
    const holdBack = holdBackOf(stage.holdBack ?? policy.spec.holdBack, { size, ...inherited });
    const heldMs = holdBack?.forMs ?? 0;
    const namedMs = stage.deadline === undefined ? null : parseDurationMs(stage.deadline);
    return {
      name: stage.name,
      size,
      select: anyOf(selectors),
      soakMs: Math.max(courseMs, heldMs),
      courseMs,
      holdBack,
      isRest: false,
      minimumDevices: stage.minimum?.devices ?? null,
      minimumInferences: stage.minimum?.inferences ?? 0,
      deadlineMs: (namedMs ?? defaultDeadlineMs(courseMs, inherited)) + heldMs,
      hasDefaultDeadline: namedMs === null,
      onDeadline: stage.onDeadline ?? 'hold',
      onFailure: stage.onFailure ?? 'rollback',
      resumeWithinMs: resumeWithin === undefined ? DEFAULT_RESUME_MS : parseDurationMs(resumeWithin),
      onCourse: stage.onCourse ?? policy.spec.onCourse ?? 'hold',
      onGroupFailure: stage.onGroupFailure ?? 'stage',
      errorLevel: levelOf(stage) ?? levelOf(policy.spec) ?? DEFAULT_ERROR_LEVEL,
      approval:
        stage.approval === undefined ? null : { approvers: stage.approval.approvers, count: stage.approval.count ?? 1 },
      silenceMs: stage.silence === undefined ? DEFAULT_SILENCE_MS : parseDurationMs(stage.silence),
      ...inherited,
    };
  });
}

const known = new WeakMap<RolloutPolicy, readonly Stage[]>();

/** The stages in order, and the one that gives the version to those held back by the last; a stage without rules of its own has those of the one before. Each policy is read once. */
export function stagesOf(policy: RolloutPolicy): readonly Stage[] {
  const before = known.get(policy);
  if (before !== undefined) return before;
  const stages = readStages(policy);
  known.set(policy, stages);
  return stages;
}

/** The fewest devices that must run the candidate: the policy's word, else three, or all of a smaller cohort. */
export function leastDevices(stage: Stage, wanted: number): number {
  return stage.minimumDevices ?? Math.min(DEFAULT_LEAST_DEVICES, wanted);
}

/** The same, and for no longer than without, where nobody is held back: nothing is stable yet, the version was stable before, or the fleet is small. */
export function withoutHoldBack(stage: Stage): Stage {
  const { holdBack, courseMs, deadlineMs } = stage;
  return holdBack === null
    ? stage
    : { ...stage, holdBack: null, soakMs: courseMs, deadlineMs: deadlineMs - holdBack.forMs };
}

/**
 * How many of the matching devices a stage keeps on stable: 2% or what the policy says, at least 10, at most a tenth unless the policy says
 * more; none where a tenth is no device (STATISTICS-2 D).
 */
export function heldBackBy({ holdBack }: Stage, matching: number): number {
  if (holdBack === null) return 0;
  const usual = heldBackCount(matching, holdBack.share ?? undefined);
  return usual === 0 ? 0 : Math.max(usual, Math.ceil((holdBack.share ?? 0) * matching - 1e-9));
}

/**
 * How many of the matching devices a stage wants by hash: a number as the policy says it; a share rounded up, and at least three unless the
 * policy's minimum says fewer. Never fewer than the policy's minimum.
 */
export function wantedDevices(stage: Stage, matching: number): number {
  if (stage.size === null) return 0;
  const wanted =
    stage.size.kind === 'devices'
      ? Math.max(stage.size.devices, stage.minimumDevices ?? 0)
      : Math.max(
          Math.ceil(stage.size.share * matching - 1e-9) - heldBackBy(stage, matching),
          stage.minimumDevices ?? DEFAULT_LEAST_DEVICES,
        );
  return Math.min(matching, wanted);
}
