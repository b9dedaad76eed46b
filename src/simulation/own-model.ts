// Owns rehearsing with what is one's own: the model's classes, size, platforms and limits, the fleet's labels, and its traffic.
import { assertInvariant } from '../base/errors.ts';
import { declaredOutputs } from '../contract/declared-outputs.ts';
import { REST_CLASS } from '../contract/report.ts';
import type { ModelManifest } from '../contract/types.generated.ts';
import type { DeviceGroup } from '../documents/types.generated.ts';
import { FleetWords } from '../measurement/fleet-words.ts';
import { listed } from '../wording/amounts.ts';
import { type Answers, LEAST_CONFIDENCE, USUAL_ANSWERS } from './behaviour.ts';
import type { PopulationShape, SpecialDevice } from './population.ts';
import type { Scenario } from './scenario.ts';

export interface OwnFacts {
  readonly manifest?: ModelManifest;
  /** Fleet documents: the first virtual devices have the labels of those that they list, one each. */
  readonly groups?: readonly DeviceGroup[];
  /** Devices by value, by label. */
  readonly labels?: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Inferences a minute of a device. */
  readonly perMinute?: number;
}

/** A report names no more classes; the others are one. */
const MOST_CLASSES = 64;
/** Share of the rarest class, where there are few; each is half as common as the one before, as far as that goes. */
const LEAST_SHARE = 0.01;

/** The scenario with what is one's own in place of what it has, but for what it is about. */
export function withOwn(scenario: Scenario, own: OwnFacts): Scenario {
  const population = populationOf(scenario.population, own);
  const { spec } = own.manifest ?? {};
  if (spec === undefined) return { ...scenario, population };
  const health = scenario.health ?? spec.health;
  const { framework, interface: ports, variants, confidence } = spec;
  return {
    ...scenario,
    population,
    answers: answersOf(spec),
    modelBytes: scenario.modelBytes ?? Math.max(...variants.map(bytesOf)),
    ...(health === undefined ? {} : { health }),
    manifest: { framework, interface: ports, variants, ...(confidence === undefined ? {} : { confidence }) },
  };
}

/** Why the model can't be rehearsed with the scenario, as it has none of the outputs that this is about; null where it can. */
export function unfitInWords({ name, needs, answers = USUAL_ANSWERS }: Scenario, model: string): string | null {
  const { scalars, embedding, detections, text } = declaredOutputs(answers.outputs ?? []);
  const has = {
    ...{ classes: answers.classes.length > 0, scalar: scalars.some(({ isNorm }) => !isNorm) },
    ...{ embedding: embedding !== null, detections: detections !== null, text: text !== null },
  };
  if (needs === undefined || needs.some((kind) => has[kind])) return null;
  return `${name} needs an output of kind ${listed(needs, 'or')}; ${model} has none. Not rehearsed.`;
}

type Variant = ModelManifest['spec']['variants'][number];

function bytesOf({ files }: Variant): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function answersOf({ interface: { outputs }, confidence }: ModelManifest['spec']): Answers {
  const names = outputs.find(({ classes }) => classes !== undefined)?.classes ?? [];
  const kept = names.length > MOST_CLASSES ? [...names.slice(0, MOST_CLASSES - 1), REST_CLASS] : names;
  const shares = sharesOf(kept.length);
  const classes = kept.map((name, i) => [name, shares[i] ?? 0] as const);
  return { classes, rarest: kept.at(-1) ?? '', leastConfidence: confidence?.least ?? LEAST_CONFIDENCE, outputs };
}

function sharesOf(count: number): readonly number[] {
  const least = Math.min(LEAST_SHARE, 1 / Math.max(1, 2 * count));
  const rest = 1 - least * count;
  const weights = Array.from({ length: Math.max(1, count - 1) }, (_, i) => 2 ** -i);
  const sum = weights.reduce((one, other) => one + other, 0);
  return Array.from({ length: count }, (_, i) => least + (rest * (weights[i] ?? 0)) / sum);
}

function populationOf(shape: PopulationShape, { manifest, groups = [], labels, perMinute }: OwnFacts): PopulationShape {
  const documents = groups.map((group) => [group.metadata.name, { kind: 'group', group, oid: '' }] as const);
  const words = new FleetWords().of({ groups: new Map(documents), admitsListedOnly: false, settingsFrom: null });
  const listed = [...words.labels.values()];
  const variants = manifest?.spec.variants ?? [];
  const special = (index: number, count: number): SpecialDevice => {
    const known = shape.special?.(index, count) ?? {};
    const chosen = [...(labels ?? [])].map(([label, values]) => [label, valueAt(values, index, count)] as const);
    return {
      ...known,
      labels: { ...known.labels, ...listed[index], ...Object.fromEntries(chosen) },
      properties: { ...known.properties, ...propertiesOf(variants[index % variants.length]) },
    };
  };
  return { ...shape, special, ...(perMinute === undefined ? {} : { trafficPerMinute: perMinute }) };
}

/** What a device has that the variant is for. */
function propertiesOf(variant: Variant | undefined): Readonly<Record<string, string>> {
  if (variant === undefined) return {};
  const { platform, capabilities = [] } = variant;
  return {
    ...(platform === 'any' ? {} : { platform }),
    ...(capabilities.length === 0 ? {} : { capabilities: capabilities.join(',') }),
  };
}

/** A step that visits each of so many places once, far apart: it has no factor in common with them. */
function stepThrough(count: number): number {
  let step = Math.max(1, Math.floor(count * 0.618));
  while (commonFactor(step, count) > 1) step--;
  return step;
}

function commonFactor(a: number, b: number): number {
  return b === 0 ? a : commonFactor(b, a % b);
}

/** Each value as often as it was said, spread over the fleet. */
function valueAt(values: ReadonlyMap<string, number>, index: number, count: number): string {
  const all = [...values].reduce((sum, [, devices]) => sum + devices, 0);
  let place = (((index * stepThrough(count)) % count) / count) * all;
  for (const [value, devices] of values) {
    if (place < devices) return value;
    place -= devices;
  }
  const [first] = [...values.keys()];
  assertInvariant(first !== undefined, 'a label has values');
  return first;
}
