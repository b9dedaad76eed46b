// Owns target selectors such as `region:eu-west AND hw:rev2`: the same parser and matcher on server and device.
import { compareVersions } from './model-version.ts';
import { type Comparison, type Selector, SelectorParser, type ValueTest } from './selector-parser.ts';

export type { Selector } from './selector-parser.ts';

/** What a selector is held against: labels first, then reported properties; `id` is the device's id. */
export interface DeviceFacts {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string | number>>;
}

/** Bounded: whoever sends many different selectors must not fill the memory. */
const MOST_REMEMBERED = 1024;
const remembered = new Map<string, Selector>();

/**
 * Parses a selector. Terms are `field:value`, joined by AND, OR, NOT and parentheses (NOT binds tightest, then AND). A value is a word or
 * "quoted text", a word ending in `*` (prefix; `*` alone: the field is present), `(a OR b)`, `>=5` (also `>`, `<`, `<=`), or
 * `[2.1 TO 3.0]` (`{` and `}` leave the end out, `*` leaves it open). `*` alone is every device. Throws SELECTOR_SYNTAX (a TextError).
 */
export function parseSelector(text: string): Selector {
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const selector = new SelectorParser(text).parse();
  if (remembered.size >= MOST_REMEMBERED) {
    const [oldest] = remembered.keys();
    if (oldest !== undefined) remembered.delete(oldest);
  }
  remembered.set(text, selector);
  return selector;
}

/** Throws SELECTOR_SYNTAX for what can't be read, and for a range with nothing in it. For documents: devices understand such a range, too. */
export function checkWrittenSelector(text: string): void {
  new SelectorParser(text, 'refused').parse();
}

/** Does the selector match the device? A field that the device doesn't have passes no test, so `NOT hw:rev2` matches it. */
export function matchesSelector(selector: Selector, facts: DeviceFacts): boolean {
  switch (selector.kind) {
    case 'all':
      return true;
    case 'and':
      return selector.parts.every((part) => matchesSelector(part, facts));
    case 'or':
      return selector.parts.some((part) => matchesSelector(part, facts));
    case 'not':
      return !matchesSelector(selector.part, facts);
    case 'term': {
      const value = findValue(selector.field, facts);
      return value !== undefined && selector.tests.some((test) => passes(value, test));
    }
  }
}

function findValue(field: string, facts: DeviceFacts): string | number | undefined {
  if (field === 'id') return facts.id;
  if (Object.hasOwn(facts.labels, field)) return facts.labels[field];
  return Object.hasOwn(facts.properties, field) ? facts.properties[field] : undefined;
}

function passes(value: string | number, test: ValueTest): boolean {
  switch (test.kind) {
    case 'present':
      return true;
    case 'equals':
      return typeof value === 'number' ? value === numberOf(test.text) : value === test.text;
    case 'prefix':
      return String(value).startsWith(test.text);
    case 'compare':
      return isOnSide(value, test.comparison, test.value);
    case 'range': {
      const { least, most } = test;
      return (
        isOrdered(value) &&
        (least === null || isOnSide(value, least.inclusive ? '>=' : '>', least.value)) &&
        (most === null || isOnSide(value, most.inclusive ? '<=' : '<', most.value))
      );
    }
  }
}

function numberOf(text: string): number {
  return text === '' ? Number.NaN : Number(text);
}

/** A value that can be more or less: a number, or text that starts like a version. `unknown` is not a high version. */
function isOrdered(value: string | number): boolean {
  return typeof value === 'number' ? Number.isFinite(value) : /^v?\d/.test(value);
}

/** Numbers as numbers, text as versions. */
function isOnSide(value: string | number, comparison: Comparison, limit: string): boolean {
  if (!isOrdered(value)) return false;
  const order = typeof value === 'number' ? value - numberOf(limit) : compareVersions(value.slice(0, 256), limit);
  switch (comparison) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}
