// Owns the fleet as lists of devices are made of it: every device with what is declared for it, made anew only for what changed.
import type { Assignment, Directive } from '../../contract/directive.ts';
import { assignmentsFor } from '../../contract/directive.ts';
import type { DeviceFacts } from '../../contract/selector.ts';
import type { WordsOfFleet } from '../../measurement/fleet-words.ts';
import { withLabels } from '../../measurement/known-fleet.ts';
import type { DeviceRecord, FleetPicture } from '../../store/device-register.ts';
import type { PlainDevice, PlainFleet } from '../../store/plain-reports.ts';
import { onTrialOf } from '../../telemetry/on-trial.ts';
import { declaredModels, isAsDeclared, outlastsSilence, silentStanding, standingOf } from './device-standing.ts';
import { EntryFinder } from './entry-finder.ts';
import type { DeviceState } from './types.generated.ts';

interface Running {
  readonly running: { readonly version: string; readonly digest: string | null } | null;
}

/** A device as it stands, apart from silence. */
export interface IndexedDevice extends DeviceFacts {
  /** The record that it was made of. */
  readonly source: DeviceRecord | PlainDevice;
  /** With the labels that the fleet documents give it; null of a device that nothing vouches for. */
  readonly record: DeviceRecord | null;
  /** Devices for which the same is declared share one list. */
  readonly assignments: readonly Assignment[];
  readonly models: ReadonlyMap<string, Running>;
  readonly state: DeviceState;
  /** How it stands while it is silent. */
  readonly silentState: DeviceState;
  readonly asDeclared: number;
  readonly declared: number;
}

/** What the fleet is to be held against. */
export interface FleetLook {
  readonly picture: FleetPicture;
  readonly plain: PlainFleet;
  readonly directive: Directive | null;
  readonly words: WordsOfFleet | undefined;
  /** Listening time of the store now. */
  readonly listenedMs: number;
}

/** The devices by id, and how each stands now. */
export interface FleetList {
  /** Changes whenever anything below does. */
  readonly version: number;
  readonly devices: readonly IndexedDevice[];
  /** By place in `devices`. */
  readonly states: readonly DeviceState[];
  /** In listening time: who was heard last before that is silent. */
  readonly silentBefore: number;
}

const NOTHING: Directive = { kind: 'Directive', entries: [] };
const NONE: readonly Assignment[] = [];
/** Devices of which the standing is worked out at a stretch: then others of the process have their turn. */
const AT_A_STRETCH = 2_000;

export class FleetIndex {
  readonly #silenceMs: number;
  readonly #rest: () => Promise<void>;
  #byId = new Map<string, IndexedDevice>();
  #sorted: IndexedDevice[] = [];
  #shared = new Map<string, readonly Assignment[]>();
  #directive = NOTHING;
  #finder = new EntryFinder(NOTHING);
  #words: WordsOfFleet | undefined;
  #seen = { picture: -1, plain: -1, listenedMs: Number.NEGATIVE_INFINITY };
  #list: FleetList = { version: 0, devices: [], states: [], silentBefore: 0 };
  #updating: Promise<FleetList> | undefined;

  /** `silenceMs`: a device that was not heard for longer is silent. `rest` lets other work of the process go on. */
  constructor({ silenceMs, rest }: { readonly silenceMs: number; readonly rest: () => Promise<void> }) {
    this.#silenceMs = silenceMs;
    this.#rest = rest;
  }

  /** Those that ask while it is made share it. */
  update(look: FleetLook): Promise<FleetList> {
    this.#updating ??= this.#update(look).finally(() => {
      this.#updating = undefined;
    });
    return this.#updating;
  }

  async #update({ picture, plain, directive, words, listenedMs }: FleetLook): Promise<FleetList> {
    const isRedeclared = (directive ?? NOTHING) !== this.#directive;
    const isSame = !isRedeclared && words === this.#words;
    const isKnown = isSame && picture.version === this.#seen.picture && plain.version === this.#seen.plain;
    if (isKnown && listenedMs === this.#seen.listenedMs) return this.#list;
    if (!isKnown) {
      if (isRedeclared) [this.#shared, this.#finder] = [new Map(), new EntryFinder(directive ?? NOTHING)];
      [this.#directive, this.#words] = [directive ?? NOTHING, words];
      await this.#look(picture, plain, isSame);
    }
    this.#seen = { picture: picture.version, plain: plain.version, listenedMs };
    const silentBefore = listenedMs - this.#silenceMs;
    const states = this.#sorted.map((one) =>
      one.source.lastSeenListenedMs < silentBefore ? one.silentState : one.state,
    );
    const { devices, states: before, version } = this.#list;
    // Time alone changes nothing, as long as nobody falls silent.
    if (devices === this.#sorted && states.every((state, place) => state === before[place])) return this.#list;
    this.#list = { version: version + 1, devices: this.#sorted, states, silentBefore };
    return this.#list;
  }

  async #look({ devices }: FleetPicture, plain: PlainFleet, isSame: boolean): Promise<void> {
    const sources = [...devices.values(), ...[...plain.devices.values()].filter(({ id }) => !devices.has(id))];
    const before = this.#byId;
    const byId = new Map<string, IndexedDevice>();
    let worked = 0;
    let isMoved = false;
    for (const source of sources) {
      const known = before.get(source.id);
      isMoved ||= known === undefined;
      if (known !== undefined && known.source === source && isSame) {
        byId.set(source.id, known);
        continue;
      }
      byId.set(
        source.id,
        'publicKey' in source ? this.#indexed(source, isSame ? known : undefined) : indexedPlain(source, this.#words),
      );
      if (++worked % AT_A_STRETCH === 0) await this.#rest();
    }
    this.#byId = byId;
    const all = [...byId.values()];
    if (isMoved || byId.size !== this.#sorted.length)
      this.#sorted = all.sort(({ id: a }, { id: b }) => (a < b ? -1 : 1));
    else this.#sorted = this.#sorted.map((one) => byId.get(one.id) ?? one);
  }

  #indexed(source: DeviceRecord, known: IndexedDevice | undefined): IndexedDevice {
    const record = withLabels(source, this.#words?.labels.get(source.id));
    const { id, labels, properties, models } = record;
    const isAlike =
      known?.record !== undefined &&
      known.record !== null &&
      known.labels === labels &&
      known.properties === properties &&
      known.models === models &&
      known.record.tookCandidate === record.tookCandidate;
    const assignments = isAlike ? known.assignments : this.#share(this.#assignmentsOf(record));
    const declared = declaredModels(assignments, record);
    const { state } = standingOf(record, declared, { isDenied: this.#words?.isDenied(id) ?? false });
    const same = declared.map(isAsDeclared).filter((one) => one !== null);
    return {
      ...{ id, labels, properties, source, record, assignments, models, state },
      silentState: outlastsSilence(state) ? state : silentStanding(declared, record),
      asDeclared: same.filter(Boolean).length,
      declared: same.length,
    };
  }

  #assignmentsOf(record: DeviceRecord): readonly Assignment[] {
    const onTrial = onTrialOf(record);
    const entries = this.#finder.entriesFor(record, onTrial);
    return assignmentsFor({ kind: 'Directive', entries }, record, onTrial);
  }

  #share(assignments: readonly Assignment[]): readonly Assignment[] {
    if (assignments.length === 0) return NONE;
    const key = assignments
      .map((one) => {
        if (one.kind === 'conflict') return `${one.model}\n${one.claims.map(nameOf).join('\n')}`;
        return nameOf(one);
      })
      .join('\n\n');
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    this.#shared.set(key, assignments);
    return assignments;
  }
}

function nameOf(claim: Exclude<Assignment, { kind: 'conflict' }>): string {
  const { entry } = claim;
  return claim.kind === 'run' ? `${entry.rollout}\n${claim.arm}\n${claim.choice.digest}` : `${entry.rollout}\nnone`;
}

const NO_FACTS = {};

function indexedPlain(source: PlainDevice, words: WordsOfFleet | undefined): IndexedDevice {
  const models = new Map([...source.models].map(([model, running]) => [model, { running }]));
  const state = words?.isDenied(source.id) === true ? 'denied' : 'not-managed';
  return {
    ...{ id: source.id, labels: words?.labels.get(source.id) ?? NO_FACTS, properties: NO_FACTS },
    ...{ source, record: null, assignments: NONE, models, state, declared: 0, asDeclared: 0 },
    silentState: state === 'denied' ? state : 'silent',
  };
}
