// Owns the words about rules of a plan that can't fail, or fail at a time that nobody can say.
import { oneLine } from '../base/plain-text.ts';
import { FEW_DEVICES, type OpenFail } from '../gates/forecast/forecast-in-stage.ts';
import type { PlannedRule } from '../rollout/stage-plan.ts';
import { listed } from './amounts.ts';

/** In place of the time of a fail. */
export const OPEN_FAIL: Readonly<Record<OpenFail, string>> = {
  'nobody-on-stable': 'never: it holds the stage',
  'one-on-stable': 'never: it holds the stage',
  'few-devices': 'rarely: it holds the stage',
  silent: 'depends on how many fall silent',
  'not-answering': 'depends on how many stop answering',
  'not-applicable': '',
};

const WHY: Partial<Record<OpenFail, string>> = {
  'nobody-on-stable': "can't fail here: nobody is left on stable. Over the limit it holds the stage",
  'one-on-stable': "can't fail here: one device alone is left on stable. Over the limit it holds the stage",
  'few-devices': `hardly ever fails on fewer than ${FEW_DEVICES} devices. Over the limit it holds the stage`,
};

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

/** For each rule that can't fail: why, and what it does instead. */
export function openFailSentences(rules: readonly PlannedRule[]): string[] {
  return rules.flatMap((one) => {
    const open = one.dryRun ? undefined : openFailOf(one);
    const why = open && WHY[open];
    return why === undefined ? [] : [`${rulesNamed([one])} ${why}.`];
  });
}
