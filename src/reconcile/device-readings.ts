// Owns what metrics say of devices: how many there are, how they stand, and which model versions they run.
import type { MetricLabels, Reading } from '../base/metric-text.ts';
import type { Metrics } from '../base/metrics.ts';
import { type Directive, type DirectiveEntry, isOnCandidate } from '../contract/directive.ts';
import type { ModelState } from '../contract/report.ts';
import type { KnownFleet } from '../measurement/known-fleet.ts';
import type { DeviceRecord } from '../store/device-register.ts';
import { SILENT_INTERVALS } from '../telemetry/window.ts';
import type { ServiceView } from './service-view.ts';

/** What devices were seen at, and what they were told. */
export interface DeviceLook {
  readonly fleet: KnownFleet;
  readonly published: Directive | null;
}

export interface DeviceReadingParts {
  /** Undefined before the first cycle. */
  readonly look: () => DeviceLook | undefined;
  readonly view: () => ServiceView;
  readonly now: () => number;
  /** How often devices report. */
  readonly reportMs: number;
}

interface Counts {
  readonly look: DeviceLook;
  readonly atMs: number;
  readonly running: readonly Reading[];
  readonly silent: number;
}

/** Silence comes with time alone, so an unchanged fleet is counted again after this. */
const COUNT_AGAIN_MS = 5_000;
/** And a changed one after this, however often somebody scrapes. */
const LEAST_APART_MS = 1_000;

/** 100,000 devices are walked at most once a scrape, and not at all while nothing changed. */
export function meterDevices(metrics: Metrics, parts: DeviceReadingParts): void {
  let last: Counts | undefined;
  const counts = (): Counts | undefined => {
    const [look, atMs] = [parts.look(), parts.now()];
    if (look === undefined) return undefined;
    const { fleet, published } = last?.look ?? {};
    const isSame = fleet === look.fleet && published === look.published;
    const apartMs = isSame ? COUNT_AGAIN_MS : LEAST_APART_MS;
    if (last !== undefined && Math.abs(atMs - last.atMs) < apartMs) return last;
    const silentBefore = atMs - SILENT_INTERVALS * parts.reportMs;
    let silent = 0;
    for (const { lastSeenAtMs } of look.fleet.devices) if (lastSeenAtMs < silentBefore) silent += 1;
    last = { look, atMs, silent, running: runningOf(look) };
    return last;
  };
  const one = (name: string, help: string, read: (view: ServiceView, fleet: KnownFleet) => number): void =>
    metrics.reading(name, help, () => {
      const look = parts.look();
      return look === undefined ? [] : [{ value: read(parts.view(), look.fleet) }];
    });
  metrics.reading(
    'slipway_model_devices',
    'Devices by model, version that they run, arm of the rollout, and state of its update; version and arm are empty where there is none.',
    () => counts()?.running ?? [],
  );
  one(
    'slipway_devices_enrolled',
    'Devices that are enrolled and not denied.',
    (_, { devices, contradicting }) => devices.length + contradicting.length,
  );
  metrics.reading('slipway_devices_silent', 'Devices that were not heard for several report intervals.', () => [
    { value: counts()?.silent ?? null },
  ]);
  one('slipway_devices_denied', 'Enrolled devices that the fleet documents turn away.', (_, fleet) => fleet.denied);
  one(
    'slipway_devices_refusing',
    'Devices that do not believe the directive, or a model that it names.',
    ({ refusing }) => refusing.count,
  );
  one(
    'slipway_devices_contradicting',
    'Devices that state other labels than their token or the fleet documents give them.',
    ({ contradicting }) => contradicting.length,
  );
  one(
    'slipway_devices_claiming',
    'Devices that report for an arm or a version that the directive did not give them.',
    ({ claiming }) => claiming.count,
  );
  one(
    'slipway_devices_on_revoked',
    'Devices that serve a version whose signer is revoked.',
    ({ onRevoked }) => onRevoked.count,
  );
  one(
    'slipway_devices_agent_outdated',
    'Devices whose agent is older than slipway.yaml declares (`fleet.agentVersion`).',
    ({ outdated }) => outdated.count,
  );
  one(
    'slipway_devices_reports_refused',
    'Devices whose reports this process refuses.',
    ({ refusedReports }) => refusedReports.count,
  );
}

interface Group {
  readonly labels: MetricLabels;
  value: number;
}

/** The most frequent first, so that what a scrape leaves out is the rarest. No text is made for a device: there may be 100,000. */
function runningOf({ fleet, published }: DeviceLook): Reading[] {
  const entries = new Map((published?.entries ?? []).map((entry) => [entry.rollout, entry]));
  const groups: Group[] = [];
  const byModel = new Map<string, Map<string, Map<string, Map<string, Group>>>>();
  for (const device of fleet.devices) {
    for (const one of device.models.values()) {
      const { model, state, rollout } = one;
      const version = one.running?.version ?? '';
      const arm = armOf(device, one, rollout === null ? undefined : entries.get(rollout));
      const byState = inner(inner(inner(byModel, model), version), arm);
      const known = byState.get(state);
      if (known !== undefined) {
        known.value += 1;
        continue;
      }
      const group = { labels: { model, version, arm, state }, value: 1 };
      byState.set(state, group);
      groups.push(group);
    }
  }
  return groups.sort((a, b) => b.value - a.value);
}

function inner<T>(maps: Map<string, Map<string, T>>, key: string): Map<string, T> {
  const known = maps.get(key);
  if (known !== undefined) return known;
  const made = new Map<string, T>();
  maps.set(key, made);
  return made;
}

function armOf(device: DeviceRecord, { running }: ModelState, entry: DirectiveEntry | undefined): string {
  if (running === null || entry === undefined) return '';
  const { candidate, stable } = entry;
  if (candidate?.digest === stable?.digest) return isOnCandidate(entry, device) ? 'candidate' : 'stable';
  if (running.digest === candidate?.digest) return 'candidate';
  return running.digest === stable?.digest ? 'stable' : 'other';
}
