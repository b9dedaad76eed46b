// Owns the text of rules such as `latency_p95 < 2x baseline, floor 5ms`: their grammar and the values of their limits.
import { parseDurationMs } from '../../contract/duration.ts';
import { isGaugeName } from '../../contract/gauges.ts';
import { TextError } from '../../contract/source/text-error.ts';
import { findClosestMetric } from './closest-metric.ts';
import { metricFacts, metricName, RULE_METRICS, type RuleMetric } from './metric-catalogue.ts';
import { asIn } from './metric-examples.ts';
import type { MetricFacts, RuleComparison, RuleUnit } from './metric-facts.ts';
import { findMeantRule, type RulePart, RuleSlip, readOrHint, readParts, type Written } from './rule-grammar.ts';
import { isRepeatable, readSubject } from './rule-subject.ts';
import { findValue, meantValues, UNITS } from './rule-value.ts';

export type RuleLimit =
  /** `value`, or the share that `floor` devices are where that is higher: `5%, floor 2 devices`. */
  | { readonly kind: 'absolute'; readonly value: number; readonly unit: RuleUnit; readonly floor?: number }
  /** `factor` times the baseline, or `floor` (in the metric's unit) where that is higher. */
  | { readonly kind: 'baseline'; readonly factor: number; readonly floor?: number };

/** The side of the limit on which a rule holds. */
export type GoodSide = 'below' | 'above';

export interface ParsedRule {
  readonly metric: RuleMetric;
  /** What the rule is about: a class, as in `class_share[receipt]`, a gauge, as in `gauge[queue_depth]`, an input, as in `input[x[3]]`. */
  readonly ofClass?: string;
  readonly comparison: RuleComparison;
  /** `below` also for `==`, which only 0 can follow. */
  readonly goodSide: GoodSide;
  readonly limit: RuleLimit;
  /** A divergence on the scale of Kullback and Leibler instead of the population stability index. */
  readonly scale?: 'kl';
  /** The rule is broken only when its limit is, without a pause, for this long. */
  readonly sustainedMs?: number;
  /** A device has so long before it counts as bad. */
  readonly afterMs?: number;
  /** The rule as written, by the present name of its metric. */
  readonly source: string;
}

type PartName = 'metric' | 'subject' | 'comparison' | 'limit' | 'floor' | 'sustained' | 'after' | 'end';

const PARTS: readonly RulePart<PartName>[] = [
  { name: 'metric', pattern: /\s*([A-Za-z_][\w-]*)/dy, what: 'a metric' },
  { name: 'subject', pattern: /(?:\[((?:[^\][\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\[\d{1,4}\]){1,128})\])?/duy, what: '' },
  { name: 'comparison', pattern: /\s*(<=|>=|==|<|>)/dy, what: '`<`, `<=`, `>`, `>=` or `==`' },
  {
    name: 'limit',
    pattern: /\s*(\d+(?:\.\d+)?(?:x|% *of)\s+baseline|-?[\d.]+(?: ?(?!(?:for|after)\b)[A-Za-z%°/]+)?)/dy,
    what: 'a limit',
  },
  { name: 'floor', pattern: /(?:\s*,\s*floor\s+(-?[\d.]+(?: ?(?!(?:for|after)\b)[A-Za-z%°/]+)?))?/dy, what: '' },
  { name: 'sustained', pattern: /(?:\s+for\s+(\w[\w.]*))?/dy, what: '' },
  { name: 'after', pattern: /(?:\s+after\s+(\w[\w.]*))?/dy, what: '' },
  { name: 'end', pattern: /\s*$/dy, what: 'the end, `, floor …`, `for …` or `after …`' },
];
/** Beyond this a factor is a typing error. */
const LARGEST_FACTOR = 1000;
const FLIPPED: Readonly<Record<string, RuleComparison>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
type Texts = { readonly [name in PartName]?: string | undefined };

/** The parts of a rule about a metric that there is; each is read by itself, and throws a RuleSlip. */
class Draft {
  readonly metric: RuleMetric;
  readonly facts: MetricFacts;
  readonly texts: Texts;
  readonly #written: Written<PartName>;

  constructor(metric: RuleMetric, written: Written<PartName>) {
    this.metric = metric;
    this.facts = metricFacts(metric);
    this.#written = written;
    this.texts = Object.fromEntries(Object.entries(written).map(([name, { text }]) => [name, text]));
  }

  get factor(): number | undefined {
    const [, number, sign] = /^([\d.]+)(x|% *of)\s/.exec(this.texts.limit ?? '') ?? [];
    return number === undefined ? undefined : Number((Number(number) / (sign === 'x' ? 1 : 100)).toPrecision(12));
  }

  get isAbove(): boolean {
    return this.texts.comparison?.startsWith('>') ?? false;
  }

  /** A slip in a part, and other parts that make it right. */
  slip(part: PartName, code: string, message: string, ...instead: readonly Texts[]): RuleSlip {
    const { metric, texts } = this;
    const remedy = asIn(metric, isRepeatable(metric, texts.subject ?? '') ? texts.subject : undefined);
    const others = instead.map((other) => textOf({ ...texts, ...other }));
    return new RuleSlip({ code, message, column: this.#written[part]?.column ?? 1, remedy, instead: others });
  }

  readSubject(): string | undefined {
    const { metric, facts, texts } = this;
    if (texts.subject === undefined && !facts.ofClass) return undefined;
    const read = readSubject(metric, texts.subject?.trim() ?? '');
    if ('name' in read) return read.name;
    throw this.slip(texts.subject === undefined ? 'metric' : 'subject', 'RULE_CLASS', read.message, {
      subject: read.instead,
    });
  }

  readComparison(): RuleComparison {
    const { comparisons } = this.facts;
    const { comparison = '' } = this.texts;
    const known = comparisons.find((one) => one === comparison);
    if (known !== undefined) return known;
    const meant = comparisons.find((one) => one === FLIPPED[comparison]) ?? comparisons[0];
    const allowed = comparisons.map((one) => `\`${one}\``).join(' or ');
    const message = `\`${this.metric}\` takes ${allowed}, not \`${comparison}\`: a rule says what must hold.`;
    throw this.slip('comparison', 'RULE_COMPARISON', message, { comparison: meant });
  }

  readSustainedMs(): number | undefined {
    const { metric, facts, texts, factor } = this;
    if (texts.sustained === undefined) return undefined;
    if (!facts.sustained || factor !== undefined) {
      const what = facts.sustained ? 'A limit relative to the baseline' : `\`${metric}\``;
      const how = metric === 'load_time' ? 'measured once per version' : 'judged over the whole stage';
      const message = `${what} is ${how}, so it takes no \`for\`.`;
      throw this.slip('sustained', 'RULE_SUSTAINED', message, { sustained: undefined });
    }
    return this.#readDurationMs('sustained', texts.sustained, '5m');
  }

  readAfterMs(): number | undefined {
    const { metric, facts, texts } = this;
    const { after, sustained = after } = texts;
    const needless = `\`${metric}\` takes no \`after\`.`;
    if (facts.timed !== true && after === undefined) return undefined;
    if (facts.timed !== true) throw this.slip('after', 'RULE_AFTER', needless, { after: undefined, sustained });
    const afterMs = after === undefined ? 0 : this.#readDurationMs('after', after, '30m');
    if (afterMs > 0) return afterMs;
    const message = `\`${metric}\` needs the time that a device has to get the version.`;
    throw this.slip(after === undefined ? 'limit' : 'after', 'RULE_AFTER', message, { after: '30m' });
  }

  #readDurationMs(part: 'sustained' | 'after', text: string, instead: string): number {
    try {
      return parseDurationMs(text);
    } catch (error) {
      if (!(error instanceof TextError)) throw error;
      throw this.slip(part, error.code, error.message, { [part]: instead });
    }
  }

  #readValue(part: 'limit' | 'floor'): number {
    const { metric, facts } = this;
    const text = this.texts[part] ?? '';
    const named = part === 'floor' ? `The floor of \`${metric}\`` : `\`${metric}\``;
    const value = findValue(text, facts.unit);
    if (value === undefined) {
      const meant = part === 'floor' && text.endsWith('x') ? [] : meantValues(text, facts.unit);
      const values = meant.length === 0 && part === 'floor' ? [UNITS[facts.unit].floor] : meant;
      const message = `${named} is ${UNITS[facts.unit].words}, and "${text}" is not.`;
      throw this.slip(part, 'RULE_UNIT', message, ...values.map((one) => ({ [part]: one })));
    }
    if (value >= 0 || (facts.signed && part === 'limit')) return value;
    throw this.slip(part, 'RULE_LIMIT', `${named} is never below zero.`, { [part]: text.slice(1) });
  }

  readLimit(): RuleLimit {
    const { factor } = this;
    if (factor !== undefined) return this.#readBaseline(factor);
    if (this.texts.floor === undefined) return this.#readAbsolute();
    if (this.facts.judge.kind === 'share')
      return { ...this.#readAbsolute(), floor: this.#readDevices(this.texts.floor) };
    const message = 'Only a limit relative to the baseline, or on a share of devices, has a floor.';
    throw this.slip('floor', 'RULE_FLOOR', message, { floor: undefined });
  }

  #readDevices(text: string): number {
    const [, number] = /^(\d{1,6}) ?devices$/.exec(text) ?? [];
    if (Number(number) >= 2) return Number(number);
    const message = `The floor of \`${this.metric}\` is a number of devices, two or more, and "${text}" is not.`;
    throw this.slip('floor', 'RULE_FLOOR', message, { floor: '2 devices' });
  }

  #readBaseline(factor: number): RuleLimit {
    const { metric, facts, isAbove, texts } = this;
    if (facts.baseline === 'no') {
      const why = facts.judge.kind === 'drift' ? 'is already a distance from stable' : 'has no baseline';
      throw this.slip('limit', 'RULE_BASELINE', `\`${metric}\` ${why}, so it needs an absolute limit.`);
    }
    const most = facts.baseline === 'only' ? 1 : LARGEST_FACTOR;
    if (!(factor > 0 && factor <= most)) {
      const message = `A factor is above 0 and at most ${most}, and ${factor} is not.`;
      throw this.slip('limit', 'RULE_BASELINE', message, { limit: most === 1 ? facts.example : '2x baseline' });
    }
    const floor = texts.floor === undefined ? undefined : this.#readValue('floor');
    if (isAbove && floor !== undefined)
      throw this.slip('limit', 'RULE_FLOOR', 'Only an upper limit has a floor.', { floor: undefined });
    if (facts.baseline === 'with-floor' && !isAbove && floor === undefined) {
      const message = `\`${metric}\` relative to the baseline needs a floor: with no event on either side it could never pass.`;
      const absolute = (factor < 0.1 && /^[\d.]+%/.exec(texts.limit ?? '')) || [];
      throw this.slip('limit', 'RULE_FLOOR', message, ...absolute.map((limit) => ({ limit })), {
        floor: UNITS[facts.unit].floor,
      });
    }
    return { kind: 'baseline', factor, ...(floor === undefined ? {} : { floor }) };
  }

  #readAbsolute(): Extract<RuleLimit, { kind: 'absolute' }> {
    const { metric, facts, isAbove } = this;
    const { comparison, limit } = this.texts;
    const wrong = (message: string, ...instead: readonly Texts[]): RuleSlip =>
      this.slip('limit', 'RULE_LIMIT', message, ...instead);
    const relative = `\`${metric}\` needs a limit relative to the baseline.`;
    if (facts.baseline === 'only') throw wrong(relative, { limit: `${limit} of baseline` });
    const value = this.#readValue('limit');
    if (comparison === '==' && value !== 0) throw wrong(`\`${metric}\` can only be compared with 0.`, { limit: '0' });
    if (facts.unit === 'ratio' && value >= 1 && isAbove)
      throw wrong('No number of answers proves a share of 100%: write a limit below 100%.', { limit: '99%' });
    if (facts.unit === 'ratio' && facts.judge.kind !== 'gauge' && value >= 1 && !isAbove)
      throw wrong('A share is never above 100%, so the rule always holds: write a limit below 100%.', { limit: '99%' });
    const never = `\`${metric}\` is never below zero, so the rule`;
    if (!facts.signed && value === 0 && comparison === '<')
      throw wrong(`${never} can never hold.`, { comparison: '<=' });
    if (!facts.signed && value === 0 && isAbove) throw wrong(`${never} always holds: write a limit above zero.`);
    return { kind: 'absolute', value, unit: facts.unit };
  }
}

function textOf({ metric = '', subject, comparison, limit, floor, sustained, after }: Texts): string {
  const name = subject === undefined ? metric : `${metric}[${subject}]`;
  const least = floor === undefined ? '' : `, floor ${floor}`;
  const time = sustained === undefined ? '' : ` for ${sustained}`;
  return `${name} ${comparison} ${limit}${least}${time}${after === undefined ? '' : ` after ${after}`}`;
}

/** Names that rules may still have, and what they are now. */
const OLD_NAMES: ReadonlyMap<string, RuleMetric> = new Map([['download_success', 'download_tries']]);

/** The old name in a rule and its present one; undefined where it has none. */
export function oldNameIn(text: string): readonly [was: string, now: RuleMetric] | undefined {
  const name = /^\s*(\w+)/.exec(text)?.[1] ?? '';
  const now = OLD_NAMES.get(name);
  return now === undefined ? undefined : [name, now];
}

/** The metric of a text. Throws RULE_METRIC where there is none of that name. */
function readMetric(text: string, name: string): RuleMetric {
  const known = OLD_NAMES.get(name) ?? RULE_METRICS.find((metric) => metric === name);
  if (known !== undefined) return known;
  const close = findClosestMetric(name);
  const own = ` For a gauge of your own write \`gauge[${name}]\`, for an input of the model \`input[${name}]\`, for events that your application counts \`counter[${name}]\`.`;
  const list = `Known metrics: ${RULE_METRICS.join(', ')}.${isGaugeName(name) ? own : ''}`;
  throw new RuleSlip({
    ...{ code: 'RULE_METRIC', column: text.indexOf(name) + 1, message: `There is no metric \`${name}\`.` },
    ...(close === undefined ? { remedy: list } : { remedy: asIn(close), instead: [text.replace(name, close)] }),
  });
}

/** The remedy for a text that has not the form of a rule. Throws where another slip says more. */
function explain(text: string): string {
  const [, word, passes] = /^\s*([A-Za-z_][\w-]*)(\s+passes\b)?/.exec(text) ?? [];
  if (word === undefined)
    return 'Write `<metric> < <limit>`, such as `error_rate < 0.5%` or `latency_p95 < 2x baseline, floor 5ms`.';
  if (passes === undefined) return asIn(readMetric(text, word));
  const message = `\`${word} passes\` is about an outside signal, and names no webhook to ask.`;
  const remedy = `Name the webhook: \`{ rule: ${word} passes, webhook: ${word.toLowerCase().replaceAll('_', '-')} }\`.`;
  throw new RuleSlip({ code: 'RULE_SYNTAX', column: 1, message, remedy });
}

function readRule(text: string): ParsedRule {
  const written = readParts(text, PARTS, explain);
  const metric = readMetric(text, written.metric?.text ?? '');
  const draft = new Draft(metric, written);
  const [ofClass, comparison] = [draft.readSubject(), draft.readComparison()];
  const [limit, sustainedMs, afterMs] = [draft.readLimit(), draft.readSustainedMs(), draft.readAfterMs()];
  return {
    metric,
    ...(ofClass === undefined ? {} : { ofClass }),
    ...{ comparison, goodSide: draft.isAbove ? 'above' : 'below', limit },
    ...(draft.facts.unit === 'divergence' && draft.texts.limit?.endsWith('KL') ? { scale: 'kl' } : {}),
    ...(sustainedMs === undefined ? {} : { sustainedMs }),
    ...(afterMs === undefined ? {} : { afterMs }),
    source: text.trim().replace(/^\w+/, metric),
  };
}

/**
 * Parses a rule: `<metric> < <limit>`, with a limit such as `0.5%`, `150ms` or `2x baseline`, and `, floor 0.1%` after a relative one.
 * A rule says what must hold. Throws RULE_SYNTAX, RULE_METRIC, RULE_UNIT, RULE_LIMIT, RULE_CLASS, RULE_BASELINE, RULE_FLOOR, RULE_SUSTAINED, RULE_AFTER,
 * RULE_COMPARISON or DURATION_SYNTAX (TextErrors); a rule that their remedy holds is one that parses.
 */
export function parseRule(text: string): ParsedRule {
  return readOrHint(text, readRule);
}

/** The rule that a text stands for: itself, or what its error says to write; undefined where that is no rule. */
export function ruleMeantBy(text: string): string | undefined {
  return findMeantRule(text, readRule);
}

/** The same rule with another limit, such as `200ms` or `3x baseline`. Throws as `parseRule` does. */
export function ruleWithLimit({ metric, ofClass, comparison }: ParsedRule, limit: string): ParsedRule {
  return readOrHint(limit, readRule, `${metricName(metric, ofClass)} ${comparison} `);
}
