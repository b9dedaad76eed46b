// Owns what of a policy a rehearsal leaves out, and why: nobody may take a rule for rehearsed that never was.
import { assertNever } from '../base/errors.ts';
import { declaredOutputs } from '../contract/declared-outputs.ts';
import { ANSWER_ENDS } from '../contract/output-counts.ts';
import type { RuleMetric } from '../documents/rules/metric-catalogue.ts';
import { type ParsedRule, parseRule } from '../documents/rules/rule-text.ts';
import type { RolloutPolicy } from '../documents/types.generated.ts';
import { rulesWithin, stagesOf } from '../rollout/stages-of-policy.ts';
import { listed } from '../wording/amounts.ts';
import { type Answers, USUAL_ANSWERS } from './behaviour.ts';
import { INPUT } from './virtual-inputs.ts';

export interface LeftOutRule {
  readonly rule: string;
  /** Whom it asks, as `prometheus main`; null when it asks nobody. */
  readonly asks: string | null;
  /** The stages that it is a rule of; none for what is watched later. */
  readonly stages: readonly string[];
  /**
   * `outside-signal`: nobody outside can be asked. `not-reported`: virtual devices report nothing of the kind. `watch`: it holds the version
   * that is fully out, and a rehearsal ends there.
   */
  readonly reason: 'outside-signal' | 'not-reported' | 'watch';
}

/** What virtual devices report nothing about: a rule on it would hold its stage for ever. */
const NOT_REPORTED: ReadonlySet<RuleMetric> = new Set<RuleMetric>([
  ...(['accuracy', 'precision', 'recall', 'f1', 'anomaly_rate', 'user_reports', 'rejected_rate'] as const),
  ...(['battery', 'load_time', 'throughput', 'gauge', 'counter', 'npu', 'restarts'] as const),
]);

/** What only answers with classes have, and what only those with confidences. */
const OF_CLASSES: ReadonlySet<RuleMetric> = new Set<RuleMetric>(['vanished_classes', 'class_share', 'class_drift']);
const OF_CONFIDENCE: ReadonlySet<RuleMetric> = new Set<RuleMetric>([
  ...(['unknown_rate', 'confidence_loss', 'confidence_drift'] as const),
]);

/** What only models have whose manifests declare other outputs than classes. */
const OF_OUTPUTS: ReadonlySet<RuleMetric> = new Set<RuleMetric>([
  ...(['output_drift', 'odd_outputs', 'embedding_drift', 'detections_drift', 'length_drift', 'empty_answers'] as const),
]);

/** Is the policy made for models with classes, and has no rule on other outputs? */
export function isForClasses(policy: RolloutPolicy): boolean {
  const metrics = stagesOf(policy).flatMap(({ rules }) => rules.map(({ rule }) => rule.metric));
  const hasAny = (some: ReadonlySet<RuleMetric>): boolean => metrics.some((metric) => some.has(metric));
  return (hasAny(OF_CLASSES) || hasAny(OF_CONFIDENCE)) && !hasAny(OF_OUTPUTS);
}

function isReported(
  { metric, ofClass }: Pick<ParsedRule, 'metric' | 'ofClass'>,
  { classes, outputs = [] }: Answers,
): boolean {
  const { scalars, embedding, detections, text } = declaredOutputs(outputs);
  // How texts end counts as classes do; it has no confidence.
  const named = [...classes.map(([name]) => name), ...(text === null ? [] : ANSWER_ENDS)];
  const isOfClasses = OF_CONFIDENCE.has(metric) || (OF_CLASSES.has(metric) && text === null);
  switch (metric) {
    case 'input':
      return ofClass === INPUT;
    case 'class_share':
      return named.some((name) => name === ofClass);
    case 'output_drift':
      return scalars.some(({ name }) => name === ofClass);
    case 'odd_outputs':
      return scalars.length > 0;
    case 'embedding_drift':
      return embedding !== null && embedding.space !== null;
    case 'detections_drift':
      return detections !== null;
    case 'length_drift':
    case 'empty_answers':
      return text !== null;
    default:
      return !NOT_REPORTED.has(metric) && (classes.length > 0 || !isOfClasses);
  }
}

/** The rules that are left out, in the order of the policy; each once, however many stages have it. */
export function leftOutOf(policy: RolloutPolicy, answers: Answers = USUAL_ANSWERS): readonly LeftOutRule[] {
  const found = stagesOf(policy)
    .filter(({ isRest }) => !isRest)
    .flatMap(({ name, rules, signals }) => [
      ...signals.map(({ source, from }) => {
        return { stage: name, rule: source, asks: `${from.kind} ${from.provider}`, reason: 'outside-signal' as const };
      }),
      ...rules
        .filter((one) => !rulesWithin(one).every((rule) => isReported(rule, answers)))
        .map(({ rule }) => ({ stage: name, rule: rule.source, asks: null, reason: 'not-reported' as const })),
    ]);
  const once = Map.groupBy(found, ({ rule, asks }) => `${rule} ${asks}`);
  const ofStages = [...once.values()].flatMap((all): LeftOutRule[] => {
    const [first] = all;
    if (first === undefined) return [];
    const { stage: _, ...rule } = first;
    return [{ ...rule, stages: all.map(({ stage }) => stage) }];
  });
  const watched = (policy.spec.watch?.rules ?? []).map((rule): LeftOutRule => {
    return { rule, asks: null, stages: [], reason: 'watch' };
  });
  return [...ofStages, ...watched];
}

/** The policy without the rules on what is not reported. */
export function rehearsablePolicy(policy: RolloutPolicy, answers: Answers = USUAL_ANSWERS): RolloutPolicy {
  const stages = policy.spec.stages.map((stage) => {
    return stage.rules === undefined
      ? stage
      : { ...stage, rules: stage.rules.filter((rule) => isRehearsable(rule, answers)) };
  });
  return { ...policy, spec: { ...policy.spec, stages } };
}

type WrittenRule = NonNullable<RolloutPolicy['spec']['stages'][number]['rules']>[number];

function isRehearsable(rule: WrittenRule, answers: Answers): boolean {
  if (typeof rule === 'string') return isReported(parseRule(rule), answers);
  return 'prometheus' in rule || 'webhook' in rule || isReported(parseRule(rule.rule), answers);
}

function sentenceOf(reason: LeftOutRule['reason'], rules: readonly LeftOutRule[]): string {
  const names = rules.map(({ rule, asks }) => (asks === null ? rule : `${rule} (${asks})`));
  const all = listed(names, 'and', names.length);
  switch (reason) {
    case 'outside-signal':
      return `Not rehearsed, because a rehearsal queries no provider: ${all}. Stages advance without these rules.`;
    case 'not-reported':
      return `Not rehearsed, because virtual devices report nothing of the kind: ${all}. Stages advance without these rules.`;
    case 'watch':
      return `Not rehearsed, because a rehearsal ends once the version is stable: the watch rules ${all}.`;
    default:
      return assertNever(reason);
  }
}

/** A sentence for each reason. */
export function leftOutInWords(policy: RolloutPolicy, answers: Answers = USUAL_ANSWERS): readonly string[] {
  return [...Map.groupBy(leftOutOf(policy, answers), (one) => one.reason)].map(([reason, rules]) =>
    sentenceOf(reason, rules),
  );
}
