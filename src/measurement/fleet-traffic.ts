// Owns the question how much traffic a rollout's devices have, and in which groups, for plans: out of the window that is open now.
import type { DeviceFacts } from '../contract/selector.ts';
import type { KnownGroup, LabelGroups } from '../rollout/reckoned-groups.ts';
import type { NamedValues } from '../store/reconciler-state.ts';
import type { WindowReader, WindowReading } from '../store/window-store.ts';
import { type GroupSpec, groupName, groupOf, OTHER_VALUES } from '../telemetry/groups.ts';
import { openedWindowName } from './window-measurement.ts';

export interface FleetTraffic {
  /** Known devices of the target. */
  readonly devices: number;
  /** Inferences of one of them in a minute, on the average; null while too little was heard. */
  readonly perMinute: number | null;
  /** The devices by the labels that the policy in force makes groups by. */
  readonly groups: readonly LabelGroups[];
}

/** Less listening says nothing of a minute. */
const LEAST_LISTENED_MS = 60_000;

/** Inferences of one of so many devices in a minute; null while too little was heard. */
function perMinuteOf(inferences: number, devices: number, { listenedMs }: WindowReading): number | null {
  if (listenedMs < LEAST_LISTENED_MS || devices === 0 || inferences === 0) return null;
  return inferences / (listenedMs / 60_000) / devices;
}

function groupsOf(spec: GroupSpec, devices: readonly DeviceFacts[], reading: WindowReading): LabelGroups {
  const { candidate, stable } = reading.tallies;
  const counts = new Map<string, number>();
  for (const device of devices) {
    const name = groupOf(spec, device);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const groups = [...spec.values, OTHER_VALUES].map((value): KnownGroup => {
    const name = groupName(spec.by, value);
    const own = counts.get(name) ?? 0;
    const heard = [candidate, stable].reduce((sum, arm) => sum + (arm.groups.get(name)?.summary.inferences ?? 0), 0);
    return { value, devices: own, perMinute: perMinuteOf(heard, own, reading) };
  });
  return { by: spec.by, groups };
}

/** `devices` are those of the target. */
export async function readTraffic(
  store: NamedValues & WindowReader,
  rollout: string,
  devices: readonly DeviceFacts[],
): Promise<FleetTraffic> {
  const opened = await store.readValue(openedWindowName(rollout));
  const reading = typeof opened === 'number' ? await store.readWindow(rollout, opened) : undefined;
  if (reading === undefined) return { devices: devices.length, perMinute: null, groups: [] };
  const { candidate, stable } = reading.tallies;
  const inferences = candidate.summary.inferences + stable.summary.inferences;
  return {
    devices: devices.length,
    perMinute: perMinuteOf(inferences, devices.length, reading),
    groups: reading.spec.groups.map((spec) => groupsOf(spec, devices, reading)),
  };
}
