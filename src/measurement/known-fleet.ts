// Owns which devices count: enrolled, not denied, and not contradicting what the fleet documents say of them.

import { CodedError } from '../base/errors.ts';
import { contradictedLabel, isSameLabels, type Labels } from '../contract/bound-labels.ts';
import type { Digest } from '../contract/digest.ts';
import { isInAnyGroup } from '../contract/group-exception.ts';
import { compareVersions } from '../contract/model-version.ts';
import { DIRECTIVE_REFUSED, outcomeKey, SERVES_REVOKED } from '../contract/report.ts';
import { type DeviceFacts, matchesSelector, parseSelector } from '../contract/selector.ts';
import type { DeviceRecord, FleetPicture } from '../store/device-register.ts';
import type { FalseClaim } from '../telemetry/attribution.ts';
import { type FleetDocuments, FleetWords, type WordsOfFleet } from './fleet-words.ts';

export interface KnownFleet {
  readonly devices: readonly DeviceRecord[];
  /** Ids of the devices that match a target, without those of groups that stand apart. */
  readonly matching: (target: string, apart?: readonly string[], version?: VersionFit) => readonly string[];
  /** What the fleet documents say. */
  readonly words: WordsOfFleet;
  /** Devices that state other labels than their token or the fleet documents give them: shown, and in neither arm. */
  readonly contradicting: readonly { readonly device: string; readonly what: string }[];
  readonly refusing: OddDevices;
  /** They serve a version whose signer is revoked, because no other one is there. */
  readonly onRevoked: OddDevices;
  readonly claiming: ClaimingDevices;
  /** Their agent is older than the fleet declares. */
  readonly outdated: OddDevices;
  /** Enrolled devices that the fleet documents turn away. */
  readonly denied: number;
}

/** A version, and which devices can run it. */
export interface VersionFit {
  readonly digest: Digest;
  readonly fits: (device: DeviceFacts) => boolean;
}

/** Devices that report for an arm, or about a version, that the directive did not give them: nothing of that is counted. */
export interface ClaimingDevices {
  readonly count: number;
  /** At most MOST_SHOWN of them, for people. */
  readonly first: readonly { readonly device: string; readonly claim: FalseClaim }[];
}

/** Devices that are not as they should be, and what they say of it. */
export interface OddDevices {
  readonly count: number;
  /** At most MOST_SHOWN, for people. */
  readonly first: readonly { readonly device: string; readonly what: string }[];
}

const MOST_SHOWN = 20;

/** What the device does not believe, as tampered with or signed by the wrong one: the directive, or a model that it names. It keeps what it runs. */
export function refusals(device: DeviceRecord): string[] {
  const directive = device.properties[DIRECTIVE_REFUSED];
  const found = directive === undefined ? [] : [`the directive: ${directive}`];
  for (const { model, rollout, state, subject } of device.models.values()) {
    if (state !== 'failed' || subject === null || rollout === null) continue;
    const outcome = device.outcomes.get(outcomeKey(rollout, subject.digest));
    if (outcome?.reason === 'signature' || outcome?.reason === 'corrupt')
      found.push(`${model} ${subject.digest.slice(0, 19)}…: ${outcome.message}`);
  }
  return found;
}

/** What the fleet documents say. Throws FLEET_NOT_READ before any commit was looked at: nobody new is let in on a guess. */
export function wordsOfObserved(fleet: Pick<KnownFleet, 'words'> | undefined): WordsOfFleet {
  if (fleet !== undefined) return fleet.words;
  throw new CodedError({
    code: 'FLEET_NOT_READ',
    kind: 'retry-later',
    message: 'The service has not read the fleet documents yet, so it cannot tell who may enrol.',
    remedy: 'Try again. If it persists, see in `slipway status` why the repository is not read.',
  });
}

/** The fleet of one picture and one set of fleet documents; made anew only when either changed. */
export class KnownFleets {
  #picture: FleetPicture | undefined;
  #fleet: KnownFleet | undefined;
  readonly words = new FleetWords();

  of(picture: FleetPicture, documents: FleetDocuments, findNow?: (path: string) => string | undefined): KnownFleet {
    const words = this.words.of(documents, findNow);
    const isSame = this.#picture?.version === picture.version && this.#fleet?.words === words;
    if (this.#fleet !== undefined && isSame) return this.#fleet;
    this.#picture = picture;
    this.#fleet = knownFleet(picture, words);
    return this.#fleet;
  }
}

/** `agent 0.1.0 is older than the declared 0.2.0`, by what the device reports, also where its agent is too old to say so; else null. */
export function outdatedAgent({ properties }: DeviceRecord, words: Pick<WordsOfFleet, 'agentVersion'>): string | null {
  const { agent } = properties;
  const declared = words.agentVersion;
  if (declared === null || typeof agent !== 'string' || compareVersions(agent, declared) >= 0) return null;
  return `agent ${agent} is older than the declared ${declared}`;
}

/** As the store will have it once it knows of the documents. */
export function withLabels(device: DeviceRecord, documented: Labels | undefined): DeviceRecord {
  if (documented === undefined || isSameLabels({ ...device.bound, ...documented }, device.bound)) return device;
  const bound = { ...device.bound, ...documented };
  return { ...device, bound, labels: { ...device.labels, ...bound } };
}

/** A bound label that the device states otherwise. One that it does not state it has not heard of yet. */
export function contradiction({ bound, stated, labels }: DeviceRecord): string | null {
  const name = contradictedLabel(stated, bound, labels);
  return name === null
    ? null
    : `says ${name}:${stated[name]}, its token or the fleet documents say ${name}:${bound[name]}`;
}

function knownFleet(picture: FleetPicture, words: WordsOfFleet): KnownFleet {
  const devices: DeviceRecord[] = [];
  const contradicting: { device: string; what: string }[] = [];
  const refusing: { device: string; what: string }[] = [];
  const onRevoked: { device: string; what: string }[] = [];
  const claiming: { device: string; claim: FalseClaim }[] = [];
  const outdated: { device: string; what: string }[] = [];
  let refusingCount = 0;
  let denied = 0;
  for (const one of picture.devices.values()) {
    if (words.isDenied(one.id)) {
      denied += 1;
      continue;
    }
    const device = withLabels(one, words.labels.get(one.id));
    const what = contradiction(device);
    if (what === null) devices.push(device);
    else contradicting.push({ device: device.id, what });
    if (device.claim !== null) claiming.push({ device: device.id, claim: device.claim });
    const revoked = device.properties[SERVES_REVOKED];
    if (revoked !== undefined) onRevoked.push({ device: device.id, what: String(revoked) });
    const agent = outdatedAgent(device, words);
    if (agent !== null) outdated.push({ device: device.id, what: agent });
    const refused = refusals(device);
    if (refused.length > 0) refusingCount++;
    for (const what of refused.slice(0, MOST_SHOWN - refusing.length)) refusing.push({ device: device.id, what });
  }
  const byTarget = new Map<string, readonly string[]>();
  const matching: KnownFleet['matching'] = (target, apart = [], version = undefined) => {
    const key = JSON.stringify([target, version?.digest ?? null, ...apart]);
    const known = byTarget.get(key);
    if (known !== undefined) return known;
    const selector = parseSelector(target);
    const ids = devices
      .filter((device) => matchesSelector(selector, device) && !isInAnyGroup(apart, device.labels))
      .filter((device) => version?.fits(device) ?? true)
      .map((device) => device.id);
    byTarget.set(key, ids);
    return ids;
  };
  return {
    ...{ devices, matching, words, contradicting, denied },
    refusing: { count: refusingCount, first: refusing },
    onRevoked: { count: onRevoked.length, first: onRevoked.slice(0, MOST_SHOWN) },
    claiming: { count: claiming.length, first: claiming.slice(0, MOST_SHOWN) },
    outdated: { count: outdated.length, first: outdated.slice(0, MOST_SHOWN) },
  };
}
