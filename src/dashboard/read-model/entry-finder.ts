// Owns finding the entries that may be for a device without asking each: most targets require a label, such as `site:112`.
import type { Directive, DirectiveEntry, OnTrial } from '../../contract/directive.ts';
import { type DeviceFacts, parseSelector, type Selector } from '../../contract/selector.ts';

/** A field, and the values of which a device must have one. */
interface Required {
  readonly field: string;
  readonly values: readonly string[];
}

/** What no device without it matches; undefined where no such thing is seen. */
function requiredBy(selector: Selector): Required | undefined {
  if (selector.kind === 'and') return selector.parts.map(requiredBy).find((one) => one !== undefined);
  if (selector.kind !== 'term' || selector.field === 'id') return undefined;
  const values = selector.tests.flatMap((test) => (test.kind === 'equals' ? [test.text] : []));
  return values.length === selector.tests.length ? { field: selector.field, values } : undefined;
}

export class EntryFinder {
  readonly #order: ReadonlyMap<DirectiveEntry, number>;
  readonly #byRollout: ReadonlyMap<string, DirectiveEntry>;
  readonly #everywhere: DirectiveEntry[] = [];
  /** By field, then value. */
  readonly #byField = new Map<string, Map<string, DirectiveEntry[]>>();

  constructor({ entries }: Directive) {
    this.#order = new Map(entries.map((entry, i) => [entry, i]));
    this.#byRollout = new Map(entries.map((entry) => [entry.rollout, entry]));
    for (const entry of entries) {
      const stables = [entry.stable, ...(entry.exceptions ?? []).map((one) => one.stable)];
      const targets = new Set([entry.target, ...stables.flatMap((stable) => stable?.target ?? [])]);
      const required = [...targets].map((target) => requiredBy(parseSelector(target)));
      if (required.includes(undefined)) this.#everywhere.push(entry);
      else for (const one of required) if (one !== undefined) this.#put(one, entry);
    }
  }

  #put({ field, values }: Required, entry: DirectiveEntry): void {
    const byValue = this.#byField.get(field) ?? new Map<string, DirectiveEntry[]>();
    this.#byField.set(field, byValue);
    for (const value of values) byValue.set(value, [...(byValue.get(value) ?? []), entry]);
  }

  /** In the order of the directive; others are not for the device. */
  entriesFor({ labels, properties }: DeviceFacts, onTrial: OnTrial): readonly DirectiveEntry[] {
    const found = new Set(this.#everywhere);
    for (const [field, byValue] of this.#byField) {
      const from = Object.hasOwn(labels, field) ? labels : properties;
      const value = Object.hasOwn(from, field) ? from[field] : undefined;
      if (value === undefined) continue;
      // `5` and `5.0` are one number.
      if (typeof value === 'number') for (const entry of [...byValue.values()].flat()) found.add(entry);
      else for (const entry of byValue.get(value) ?? []) found.add(entry);
    }
    for (const rollout of onTrial) {
      const entry = this.#byRollout.get(rollout);
      if (entry !== undefined) found.add(entry);
    }
    return [...found].sort((a, b) => (this.#order.get(a) ?? 0) - (this.#order.get(b) ?? 0));
  }
}
