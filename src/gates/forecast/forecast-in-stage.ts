// Owns the forecast of a rule in its stage: with few devices, or few on stable, it can't fail, or nobody can say when.
import { isAgainstStable } from '../against-stable.ts';
import { metricKind } from '../metric-kind.ts';
import type { StageRule } from '../stage-rule.ts';
import { type ForecastQuestion, forecastRule, type RuleForecast } from './rule-forecast.ts';

/** So few devices keep stable that a rule against it can't fail (decision 0032). */
export type Baseless = 'nobody-on-stable' | 'one-on-stable';

/**
 * Why a fail has no time. `not-applicable`: nobody is left whose reports it compares with. `few-devices`: too few fall silent to prove it, so
 * it holds the stage. `silent` and `not-answering`: it depends on how many devices do so.
 */
export type OpenFail = Baseless | 'not-applicable' | 'few-devices' | 'silent' | 'not-answering';

export type StageForecast = RuleForecast & { readonly openFail?: OpenFail };

export interface StageForecastQuestion extends ForecastQuestion {
  /** Absent where enough devices keep stable, or nobody knows how many. */
  readonly baseless?: Baseless;
}

/** Fewer devices than this prove hardly ever that a version silences them (verdicts.md, table 12). */
export const FEW_DEVICES = 10;

/** What the rule can tell of the stage, and why a fail has no time. */
export function forecastInStage(asked: StageRule, question: StageForecastQuestion): StageForecast {
  const { baseless, devices } = question;
  const forecast = forecastRule(asked, question);
  const kind = metricKind(asked.rule.metric);
  if (kind.kind === 'heard') {
    if (baseless === 'nobody-on-stable') return { kind: 'sustained', minutes: 0, openFail: 'not-applicable' };
    const open = kind.of === 'answers' ? 'not-answering' : 'silent';
    return { ...forecast, openFail: baseless ?? (devices < FEW_DEVICES ? 'few-devices' : open) };
  }
  // What a manifest states of its accuracy is there without stable.
  if (baseless === undefined || !isAgainstStable(asked.rule) || kind.kind === 'success') return forecast;
  if (forecast.kind !== 'sampled' && forecast.kind !== 'any-device') return { ...forecast, openFail: baseless };
  return { ...forecast, fail: { ...forecast.fail, inferences: null, minutes: null }, openFail: baseless };
}
