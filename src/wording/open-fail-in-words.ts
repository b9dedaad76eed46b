// Owns the words about rules of a plan that can't fail, or fail at a time that nobody can say.
import { oneLine } from '../base/plain-text.ts';
import { FEW_DEVICES, type OpenFail } from '../gates/forecast/forecast-in-stage.ts';
import type { PlannedRule } from '../rollout/stage-plan.ts';
import { listed } from './amounts.ts';

const TIMES: Readonly<Record<OpenFail, string>> = {
  'nobody-on-stable': 'never: it holds the stage',
  'one-on-stable': 'never: it holds the stage',
  'few-devices': 'rarely: it holds the stage',
  silent: 'depends on how many fall silent',
  'not-answering': 'depends on how many stop answering',
  'not-applicable': '',
};

const WHY: Partial<Record<OpenFail, string>> = {
  'nobody-on-stable': "can't fail here, since nobody is left on stable",
  'one-on-stable': "can't fail here, since one device alone is left on stable",
  'few-devices': `can hardly ever fail on fewer than ${FEW_DEVICES} devices`,
};

/** In place of the time of a fail; a dry run holds nothing. */
export function openFailInWords(open: OpenFail, { dryRun }: PlannedRule): string {
  return dryRun ? TIMES[open].replace(': it holds the stage', '') : TIMES[open];
}

export function openFailOf({ forecast }: PlannedRule): OpenFail | undefined {
  return forecast.kind === 'signal' ? undefined : forecast.openFail;
}

/** `error_rate < 1%` and `latency_p95 < 2x baseline`, in code quotes. */
export function rulesNamed(rules: readonly PlannedRule[]): string {
  return listed(
    rules.map(({ rule }) => `\`${oneLine(rule)}\``),
    'and',
    rules.length,
  );
}

/** Which rules can't fail and why, and what they do instead. */
export function openFailSentences(rules: readonly PlannedRule[]): string[] {
  return Object.entries(WHY).flatMap(([open, why]) => {
    const some = rules.filter((one) => !one.dryRun && openFailOf(one) === open);
    if (some.length === 0) return [];
    return [`${rulesNamed(some)} ${why}. Over the limit ${some.length === 1 ? 'it holds' : 'they hold'} the stage.`];
  });
}
