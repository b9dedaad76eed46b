// Owns what a window counts beyond rates: the classes, histograms, events and gauges that rules ask for.

import { MOST_CLASSES, REST_CLASS } from '../contract/report.ts';
import type { DeclaredByArm } from '../documents/comparable-outputs.ts';
import type { ParsedRule } from '../documents/rules/rule-text.ts';
import { gaugeTermsOf } from '../gates/gauge-terms.ts';
import { badOutcomesOf } from '../gates/judge-success.ts';
import { measureOf, metricKind } from '../gates/metric-kind.ts';
import type { EventMeasure } from '../telemetry/event-counts.ts';
import type { GaugeSpec } from '../telemetry/gauge-readings.ts';
import { histogramKey, MOST_HISTOGRAM_CLASSES } from '../telemetry/histogram-sums.ts';
import type { WindowSpec } from '../telemetry/window.ts';
import { outputHistogramsOf, type ShownBefore } from './window-outputs.ts';

export type WindowCounts = Pick<WindowSpec, 'classes' | 'histograms' | 'events' | 'gauges'>;

/** What the manifests say of answers. */
export interface ModelAnswers {
  readonly classes: readonly string[];
  readonly outputs?: DeclaredByArm;
}

/**
 * `classes` are those of the manifest, `shown` what stable showed before. A manifest whose classes stand in a labels file names none: those
 * that stable shows are counted then.
 */
export function countsOf(
  rules: readonly ParsedRule[],
  { classes, outputs = {} }: ModelAnswers,
  shown: ShownBefore,
): WindowCounts {
  const kinds = rules.map((rule) => metricKind(rule.metric));
  const isAboutClasses = kinds.some(({ kind }) => kind === 'class-share' || kind === 'vanished-classes');
  const drifting = new Set<string>(kinds.flatMap((one) => (one.kind === 'drift' ? [one.histogram] : [])));
  const known = classes.length > 0 ? classes : [...shown.classes.keys()].filter((name) => name !== REST_CLASS);
  const names = mostShown(known, shown.classes, MOST_HISTOGRAM_CLASSES);
  const ofOutputs = rules.flatMap((rule) => outputHistogramsOf(rule, outputs, shown));
  const events = [...new Set(rules.flatMap(eventsOf))];
  const gauges = rules.flatMap((rule) => gaugeTermsOf(rule) ?? []);
  return {
    ...(events.length > 0 ? { events } : {}),
    ...(gauges.length > 0 ? { gauges: distinct(gauges) } : {}),
    classes: isAboutClasses ? mostShown(known, shown.classes, MOST_CLASSES) : [],
    histograms: [
      ...(drifting.has('confidence') ? [{ kind: 'confidence' } as const] : []),
      ...(drifting.has('class') ? [{ kind: 'class', names } as const] : []),
      ...new Map(ofOutputs.map((one) => [histogramKey(one), one])).values(),
    ],
  };
}

function eventsOf(rule: ParsedRule): EventMeasure[] {
  const kind = metricKind(rule.metric);
  if (kind.kind === 'success') return [badOutcomesOf(kind.measure, rule.ofClass) as EventMeasure];
  const measure = measureOf(rule);
  return measure === undefined || measure === 'error' || measure === 'unknown' ? [] : [measure as EventMeasure];
}

function distinct(gauges: readonly GaugeSpec[]): GaugeSpec[] {
  return [...new Map(gauges.map((one) => [JSON.stringify(one), one])).values()];
}

/** Of too many classes those that stable shows most. */
function mostShown(classes: readonly string[], shown: ReadonlyMap<string, number>, most: number): readonly string[] {
  const known = [...new Set(classes)];
  if (known.length <= most) return known;
  return known.sort((a, b) => (shown.get(b) ?? 0) - (shown.get(a) ?? 0)).slice(0, most);
}
