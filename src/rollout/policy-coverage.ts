// Owns which known stories of bad models a policy's rules can't see: what nobody measures goes out to the whole fleet without a word.
import type { RuleMetric } from '../documents/rules/metric-catalogue.ts';
import type { RolloutPolicy } from '../documents/types.generated.ts';
import { type Stage, stagesOf } from './stages-of-policy.ts';

export type FaultStory = 'errors' | 'resources' | 'classes' | 'confidence' | 'silence' | 'delivery';

interface StoryFacts {
  /** Metrics that move when it happens; a rule on one of them sees it. */
  readonly moves: readonly RuleMetric[];
  /** The rule to add. */
  readonly rule: string;
}

/** Each is rehearsed in a test: with its rule the candidate is taken back, without it every device gets it. */
export const FAULT_STORIES: Readonly<Record<FaultStory, StoryFacts>> = {
  errors: { moves: ['error_rate'], rule: 'error_rate < 0.5%' },
  resources: {
    moves: ['cpu', 'memory', 'temperature', 'battery', 'battery_drain'],
    rule: 'cpu < 90% for 5m',
  },
  classes: { moves: ['vanished_classes', 'class_share', 'class_drift'], rule: 'vanished_classes == 0' },
  confidence: { moves: ['confidence_loss', 'confidence_drift'], rule: 'confidence_loss < 10%' },
  silence: {
    moves: ['failed_devices', 'reporting_devices', 'answering_devices'],
    rule: 'failed_devices < 5%, floor 2 devices',
  },
  delivery: { moves: ['undelivered_devices'], rule: 'undelivered_devices < 5% after 30m' },
};

/** Only a model without classes has such rules, in dry run or not: it has no story of classes and confidences. */
const OF_OUTPUTS: readonly RuleMetric[] = [
  ...(['output_drift', 'embedding_drift', 'detections_drift', 'length_drift'] as const),
];
const OF_CLASSES: readonly FaultStory[] = ['classes', 'confidence'];

/** Stages that leave devices out, where it is not too late; all stages of a policy that has no other. */
function watchedStages(policy: RolloutPolicy): readonly Stage[] {
  const stages = stagesOf(policy);
  const early = stages.filter(({ size }) => size?.kind !== 'share' || size.share < 1);
  return early.length === 0 ? stages : early;
}

/** The stories that no deciding rule sees before all devices have the version. */
export function unseenStories(policy: RolloutPolicy): readonly FaultStory[] {
  const rules = watchedStages(policy).flatMap((stage) => stage.rules);
  const deciding = rules.filter(({ dryRun }) => !dryRun);
  const isWithoutClasses = rules.some(({ rule }) => OF_OUTPUTS.includes(rule.metric));
  // A rule on one kind of errors sees no others.
  const whole = deciding.filter(({ rule }) => rule.metric !== 'error_rate' || rule.ofClass === undefined);
  const seen = new Set(whole.map(({ rule }) => rule.metric));
  const stories = Object.keys(FAULT_STORIES) as FaultStory[];
  const possible = isWithoutClasses ? stories.filter((story) => !OF_CLASSES.includes(story)) : stories;
  return possible.filter((story) => !FAULT_STORIES[story].moves.some((metric) => seen.has(metric)));
}
