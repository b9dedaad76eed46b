// Owns which devices count: enrolled, not denied, and not contradicting what the fleet documents say of them.

import { isInAnyGroup } from '../contract/group-exception.ts';
import { DIRECTIVE_REFUSED, outcomeKey, SERVES_REVOKED } from '../contract/report.ts';
import { matchesSelector, parseSelector } from '../contract/selector.ts';
import type { DeviceGroup } from '../documents/types.generated.ts';
import type { DeviceRecord, FleetPicture } from '../store/device-register.ts';

export interface KnownFleet {
  readonly devices: readonly DeviceRecord[];
  /** Ids of the devices that match a target, without those of groups that stand apart. */
  readonly matching: (target: string, apart?: readonly string[]) => readonly string[];
  readonly isDenied: (device: string) => boolean;
  /** Devices whose reported labels contradict the fleet documents: shown, and in neither arm. */
  readonly contradicting: readonly { readonly device: string; readonly what: string }[];
  readonly refusing: RefusingDevices;
}

/** Devices that don't believe what they are handed now: a directive, or a model that it names. They keep what they run. */
export interface RefusingDevices {
  readonly count: number;
  /** At most MOST_REFUSING of what they refuse, for people. */
  readonly first: readonly { readonly device: string; readonly what: string }[];
}

const MOST_REFUSING = 20;

interface Claims {
  readonly denied: ReadonlySet<string>;
  readonly labels: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

function claimsOf(groups: readonly DeviceGroup[]): Claims {
  const denied = new Set<string>();
  const labels = new Map<string, Readonly<Record<string, string>>>();
  for (const { spec } of groups) {
    for (const device of spec.deny ?? []) denied.add(device);
    for (const device of spec.devices ?? []) {
      labels.set(device.id, { ...labels.get(device.id), ...spec.labels, ...device.labels });
    }
  }
  return { denied, labels };
}

function contradiction(device: DeviceRecord, claims: Claims): string | null {
  for (const [name, wanted] of Object.entries(claims.labels.get(device.id) ?? {})) {
    const stated = device.labels[name];
    if (stated !== wanted) return `says ${name}:${stated ?? '(nothing)'}, the fleet documents say ${name}:${wanted}`;
  }
  return null;
}

/** What the device refuses as tampered with or signed by the wrong one. */
function refusals(device: DeviceRecord): string[] {
  const directive = device.properties[DIRECTIVE_REFUSED];
  const found = directive === undefined ? [] : [`the directive: ${directive}`];
  const revoked = device.properties[SERVES_REVOKED];
  if (revoked !== undefined) found.push(`${revoked} runs on: its signer is revoked, and no other version is there`);
  for (const { model, rollout, state, subject } of device.models.values()) {
    if (state !== 'failed' || subject === null || rollout === null) continue;
    const outcome = device.outcomes.get(outcomeKey(rollout, subject.digest));
    if (outcome?.reason === 'signature' || outcome?.reason === 'corrupt')
      found.push(`${model} ${subject.digest.slice(0, 19)}…: ${outcome.message}`);
  }
  return found;
}

/** Fleet documents by path; those that can't be read say nothing. */
export type FleetDocuments = ReadonlyMap<
  string,
  { readonly kind: 'group'; readonly group: DeviceGroup } | { readonly kind: 'broken' }
>;

/** The fleet of one picture and one set of fleet documents; made anew only when either changed. */
export class KnownFleets {
  #picture: FleetPicture | undefined;
  #groups: FleetDocuments | undefined;
  #fleet: KnownFleet | undefined;

  of(picture: FleetPicture, groups: FleetDocuments): KnownFleet {
    const isSame = this.#picture?.version === picture.version && this.#groups === groups;
    if (this.#fleet !== undefined && isSame) return this.#fleet;
    this.#picture = picture;
    this.#groups = groups;
    this.#fleet = knownFleet(
      picture,
      [...groups.values()].flatMap((one) => (one.kind === 'group' ? [one.group] : [])),
    );
    return this.#fleet;
  }
}

function knownFleet(picture: FleetPicture, groups: readonly DeviceGroup[]): KnownFleet {
  const claims = claimsOf(groups);
  const devices: DeviceRecord[] = [];
  const contradicting: { device: string; what: string }[] = [];
  const refusing: { device: string; what: string }[] = [];
  let refusingCount = 0;
  for (const device of picture.devices.values()) {
    if (claims.denied.has(device.id)) continue;
    const what = contradiction(device, claims);
    if (what === null) devices.push(device);
    else contradicting.push({ device: device.id, what });
    const refused = refusals(device);
    if (refused.length > 0) refusingCount++;
    for (const what of refused.slice(0, MOST_REFUSING - refusing.length)) refusing.push({ device: device.id, what });
  }
  const byTarget = new Map<string, readonly string[]>();
  const matching = (target: string, apart: readonly string[] = []): readonly string[] => {
    const key = JSON.stringify([target, ...apart]);
    const known = byTarget.get(key);
    if (known !== undefined) return known;
    const selector = parseSelector(target);
    const ids = devices
      .filter((device) => matchesSelector(selector, device) && !isInAnyGroup(apart, device.labels))
      .map((device) => device.id);
    byTarget.set(key, ids);
    return ids;
  };
  return {
    devices,
    matching,
    isDenied: (device) => claims.denied.has(device),
    contradicting,
    refusing: { count: refusingCount, first: refusing },
  };
}
