// Owns which rollout holds which devices of a model: two that hold the same one would pull it to and fro.
import type { DirectiveEntry } from '../contract/directive.ts';

/** Where something stands in a document; a file alone where its text can't be read. */
export interface Place {
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
}

/** What one rollout has devices run of a model, by its committed or published status. */
export interface Holding {
  readonly rollout: string;
  readonly model: string;
  /** Of candidate and stable; none when it has neither. */
  readonly targets: readonly string[];
  /** Where its target is written. */
  readonly at: () => Place;
}

/** A target that takes in devices of another rollout. */
export interface Overlap {
  readonly rollout: string;
  readonly at: Place;
  readonly other: Place;
  readonly devices: number;
}

/** Devices that two rollouts of one model hold. */
export interface SharedDevices {
  readonly model: string;
  readonly rollouts: readonly [string, string];
  readonly devices: number;
  /** Some of them. */
  readonly first: readonly string[];
}

const MOST_NAMED = 10;
const MOST_SHARED = 100;

/** The targets that an entry, or the status that it comes from, has devices of. */
export function targetsOf({
  candidate,
  stable,
  target,
}: {
  readonly candidate: object | null;
  readonly stable: Pick<NonNullable<DirectiveEntry['stable']>, 'target'> | null;
  readonly target: string;
}): readonly string[] {
  return [...new Set([...(candidate === null ? [] : [target]), ...(stable === null ? [] : [stable.target])])];
}

function pairsOf(names: readonly string[]): [string, string][] {
  return names.flatMap((one, i) => names.slice(i + 1).map((other): [string, string] => [one, other]));
}

type Matching = (target: string) => readonly string[];

export class Holdings {
  readonly #byModel: ReadonlyMap<string, readonly Holding[]>;
  readonly #matching: Matching;
  readonly #holders = new Map<string, ReadonlyMap<string, readonly Holding[]>>();

  constructor(holdings: readonly Holding[], matching: Matching) {
    this.#byModel = Map.groupBy(holdings, ({ model }) => model);
    this.#matching = matching;
  }

  /** The rollout that holds devices which this one would take in with the target, and does not hold yet; null when none does. */
  findOverlap(rollout: string, model: string, target: string): Overlap | null {
    const others = (this.#byModel.get(model) ?? []).filter((one) => one.rollout !== rollout && one.targets.length > 0);
    if (others.length === 0) return null;
    const holders = this.#holdersOf(model);
    const taken = this.#matching(target).flatMap((device) => {
      const found = holders.get(device) ?? [];
      return found.some((one) => one.rollout === rollout) ? [] : found;
    });
    const [first] = taken;
    const own = this.#byModel.get(model)?.find((one) => one.rollout === rollout);
    if (first === undefined || own === undefined) return null;
    const devices = taken.filter((one) => one === first).length;
    return { rollout: first.rollout, at: own.at(), other: first.at(), devices };
  }

  /** All that is held twice, pair by pair. */
  shared(): readonly SharedDevices[] {
    return [...this.#byModel].flatMap(([model, holdings]) => (holdings.length < 2 ? [] : this.#sharedOf(model)));
  }

  #sharedOf(model: string): readonly SharedDevices[] {
    const pairs = new Map<string, { rollouts: [string, string]; devices: string[] }>();
    for (const [device, holders] of this.#holdersOf(model)) {
      for (const rollouts of pairsOf(holders.map(({ rollout }) => rollout).sort())) {
        const key = JSON.stringify(rollouts);
        if (!pairs.has(key) && pairs.size >= MOST_SHARED) continue;
        const pair = pairs.get(key) ?? { rollouts, devices: [] };
        pair.devices.push(device);
        pairs.set(key, pair);
      }
    }
    return [...pairs.values()].map(({ rollouts, devices }) => {
      return { model, rollouts, devices: devices.length, first: devices.slice(0, MOST_NAMED) };
    });
  }

  #holdersOf(model: string): ReadonlyMap<string, readonly Holding[]> {
    const known = this.#holders.get(model);
    if (known !== undefined) return known;
    const holders = new Map<string, readonly Holding[]>();
    for (const holding of this.#byModel.get(model) ?? []) {
      for (const device of new Set(holding.targets.flatMap((target) => this.#matching(target))))
        holders.set(device, [...(holders.get(device) ?? []), holding]);
    }
    this.#holders.set(model, holders);
    return holders;
  }
}
