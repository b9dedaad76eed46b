// Owns what of a policy a rehearsal leaves out, and why: nobody may take a rule for rehearsed that never was.
import { assertNever } from '../base/errors.ts';
import type { RolloutPolicy } from '../documents/types.generated.ts';
import { stagesOf } from '../rollout/stages-of-policy.ts';
import { listed } from '../wording/amounts.ts';

export interface LeftOutRule {
  readonly rule: string;
  /** Whom it asks, as `prometheus main`; null when it asks nobody. */
  readonly asks: string | null;
  /** The stages that it is a rule of; none for what is watched later. */
  readonly stages: readonly string[];
  /** `outside-signal`: nobody outside can be asked. `watch`: it holds the version that is fully out, and a rehearsal ends there. */
  readonly reason: 'outside-signal' | 'watch';
}

/** The rules that are left out, in the order of the policy; each once, however many stages have it. */
export function leftOutOf(policy: RolloutPolicy): readonly LeftOutRule[] {
  const signals = stagesOf(policy).flatMap(({ name, signals }) =>
    signals.map(({ source, from }) => ({ stage: name, rule: source, asks: `${from.kind} ${from.provider}` })),
  );
  const once = new Map(signals.map(({ rule, asks }) => [`${rule} ${asks}`, { rule, asks }]));
  const outside = [...once.values()].map(({ rule, asks }): LeftOutRule => {
    const stages = signals.filter((one) => one.rule === rule && one.asks === asks).map((one) => one.stage);
    return { rule, asks, stages, reason: 'outside-signal' };
  });
  const watched = (policy.spec.watch?.rules ?? []).map((rule): LeftOutRule => {
    return { rule, asks: null, stages: [], reason: 'watch' };
  });
  return [...outside, ...watched];
}

function sentenceOf(reason: LeftOutRule['reason'], rules: readonly LeftOutRule[]): string {
  const names = rules.map(({ rule, asks }) => (asks === null ? rule : `${rule} (${asks})`));
  const all = listed(names, 'and', names.length);
  switch (reason) {
    case 'outside-signal':
      return `Not rehearsed, because a rehearsal queries no provider: ${all}. Stages advance without these rules.`;
    case 'watch':
      return `Not rehearsed, because a rehearsal ends once the version is stable: the watch rules ${all}.`;
    default:
      return assertNever(reason);
  }
}

/** A sentence for each reason. */
export function leftOutInWords(policy: RolloutPolicy): readonly string[] {
  return [...Map.groupBy(leftOutOf(policy), (one) => one.reason)].map(([reason, rules]) => sentenceOf(reason, rules));
}
