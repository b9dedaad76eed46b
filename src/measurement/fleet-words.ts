// Owns what the fleet documents say of devices: who is admitted, by which key, with which labels and groups.
import { CodedError } from '../base/errors.ts';
import { type BoundLabels, bindLabels, type Labels } from '../contract/bound-labels.ts';
import type { Directive } from '../contract/directive.ts';
import { MOST_LABEL } from '../contract/report-reader.ts';
import { parsePublicKey } from '../contract/trust/keys.ts';
import { SETTINGS_FILE } from '../documents/repository-layout.ts';
import type { DeviceGroup } from '../documents/types.generated.ts';

/** A fleet document and the object that it was read from. */
export interface ReadGroup {
  readonly kind: 'group';
  readonly group: DeviceGroup;
  readonly oid: string;
}

/** Fleet documents by path, and whether only listed devices are admitted. */
export interface FleetDocuments {
  readonly groups: ReadonlyMap<string, ReadGroup | { readonly kind: 'broken' }>;
  /** Null while nobody can tell: then nobody new is admitted. */
  readonly admitsListedOnly: boolean | null;
  /** The agent that devices should have at least, as the settings say; null or absent where they say none. */
  readonly agentVersion?: string | null;
  /** Object id of the settings that say so; null where the defaults do. */
  readonly settingsFrom: string | null;
}

export interface WordsOfFleet {
  /** Named by a deny list, or by no group where only listed devices are admitted. */
  readonly isDenied: (device: string) => boolean;
  /** May it enrol? Where only listed devices are admitted nobody else may, also while a list can't be read. */
  readonly mayEnrol: (device: string) => boolean;
  /** By device; among them `groups`, the names of the groups that list it. */
  readonly labels: ReadonlyMap<string, Labels>;
  /** The only key with which the device may enrol, in the form of enrolment requests; undefined when any will do. */
  readonly keyOf: (device: string) => string | undefined;
  /** The labels as they travel to the devices. */
  readonly bound: readonly BoundLabels[];
  /** The agent that devices should have at least; null where none is declared. */
  readonly agentVersion: string | null;
  /** The object ids, by path, of the documents that say it. */
  readonly readFrom: Readonly<Record<string, string>>;
  /** Documents that are read no more and may lie elsewhere: what they said holds until they are deleted. */
  readonly misplaced: readonly { readonly path: string; readonly now: string }[];
  /** Listed devices whose labels do not travel: the directive has no room for more. */
  readonly untold: number;
}

/** Label that names the groups of a device, as `compatibility.groups` asks for them. */
const GROUPS_LABEL = 'groups';

/** Reads the documents when they change. A document that is broken for now says what it said before. */
export class FleetWords {
  #groups: FleetDocuments['groups'] | undefined;
  #admitsListedOnly: boolean | null = false;
  #settingsFrom: string | null = null;
  #words: WordsOfFleet | undefined;
  readonly #readable = new Map<string, ReadGroup>();

  /** Takes what a document that is broken now said before this process began. */
  recall(path: string, read: ReadGroup): void {
    this.#readable.set(path, read);
    this.#words = undefined;
  }

  /** `findNow` says where a document that is gone from its place lies now, if it was not deleted. */
  of(
    { groups, admitsListedOnly, agentVersion = null, settingsFrom }: FleetDocuments,
    findNow: (path: string) => string | undefined = () => undefined,
  ): WordsOfFleet {
    const isSame =
      this.#groups === groups && this.#admitsListedOnly === admitsListedOnly && this.#settingsFrom === settingsFrom;
    if (isSame && this.#words?.misplaced.length === 0) return this.#words;
    const gone = [...this.#readable.keys()].filter((path) => !groups.has(path));
    const misplaced = gone.flatMap((path) => {
      const now = findNow(path);
      return now === undefined ? [] : [{ path, now }];
    });
    if (this.#words !== undefined && isSame && gone.length === misplaced.length) return this.#words;
    const kept = new Set(misplaced.map(({ path }) => path));
    for (const path of gone) if (!kept.has(path)) this.#readable.delete(path);
    for (const [path, one] of groups) if (one.kind === 'group') this.#readable.set(path, one);
    this.#groups = groups;
    this.#admitsListedOnly = admitsListedOnly;
    this.#settingsFrom = settingsFrom;
    const areAllRead = admitsListedOnly !== null && this.#readable.size === groups.size;
    const reading = { admitsListedOnly: admitsListedOnly ?? true, areAllRead, agentVersion, settingsFrom, misplaced };
    this.#words = wordsOf(this.#readable, reading);
    return this.#words;
  }
}

interface Reading extends Pick<FleetDocuments, 'settingsFrom'>, Pick<WordsOfFleet, 'agentVersion' | 'misplaced'> {
  readonly admitsListedOnly: boolean;
  readonly areAllRead: boolean;
}

function wordsOf(
  groups: ReadonlyMap<string, ReadGroup>,
  { admitsListedOnly, areAllRead, agentVersion, settingsFrom, misplaced }: Reading,
): WordsOfFleet {
  const denied = new Set<string>();
  const keys = new Map<string, string>();
  const labels = new Map<string, Labels>();
  for (const { group } of groups.values()) {
    const { metadata, spec } = group;
    for (const device of spec.deny ?? []) denied.add(device);
    for (const { id, labels: own, publicKey } of spec.devices ?? []) {
      const before = labels.get(id);
      labels.set(id, { ...before, ...spec.labels, ...own, ...groupsLabel(before?.[GROUPS_LABEL], metadata.name) });
      if (publicKey !== undefined) keys.set(id, pemOf(publicKey, id));
    }
  }
  const isUnlisted = (device: string): boolean => admitsListedOnly && !labels.has(device);
  const bound = bindLabels(labels);
  return {
    // A list that was never read must not shut out those of its devices that are enrolled.
    isDenied: (device) => denied.has(device) || (areAllRead && isUnlisted(device)),
    mayEnrol: (device) => !denied.has(device) && !isUnlisted(device),
    labels,
    keyOf: (device) => keys.get(device),
    bound,
    agentVersion,
    misplaced,
    untold: labels.size - bound.reduce((told, { devices }) => told + devices.length, 0),
    readFrom: {
      ...(settingsFrom === null ? {} : { [SETTINGS_FILE]: settingsFrom }),
      ...Object.fromEntries([...groups].map(([path, { oid }]) => [path, oid])),
    },
  };
}

/** What is wrong with the fleet documents as a whole. */
export function fleetErrors({ untold, labels, misplaced }: WordsOfFleet): readonly CodedError[] {
  const elsewhere = misplaced.map(({ path, now }) => {
    const message = `${path} is not read any more; it may be what lies at ${now} now. What it said still holds.`;
    const remedy = 'Move it back to its place; to take back what it said, delete it there as well.';
    return new CodedError({ code: 'FLEET_DOCUMENT_MISPLACED', message, remedy });
  });
  if (untold === 0) return elsewhere;
  const message = `The fleet documents label ${labels.size} devices; the directive has no room for ${untold} of them, which never hear of their labels.`;
  const remedy = 'Bind their labels by `slipway token --label`, or give more of them the same labels.';
  return [...elsewhere, new CodedError({ code: 'FLEET_LABELS_TOO_MANY', message, remedy })];
}

/** The directive with the labels that the fleet documents give to devices, and the agent that they declare. */
export function withBound(directive: Directive, { bound, agentVersion }: WordsOfFleet): Directive {
  const declared = agentVersion === null ? {} : { agentVersion };
  return bound.length === 0 ? { ...directive, ...declared } : { ...directive, bound, ...declared };
}

/** No longer than a label may be: what does not fit is left out. */
function groupsLabel(before: string | undefined, name: string): Labels {
  const all = before === undefined ? name : `${before},${name}`;
  return { [GROUPS_LABEL]: all.length > MOST_LABEL ? (before ?? '') : all };
}

function pemOf(publicKey: string, device: string): string {
  return parsePublicKey(publicKey, `The key of ${device}`).export({ type: 'spki', format: 'pem' }).toString();
}
