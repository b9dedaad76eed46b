// Owns what of an admitted report a store counts, and under which labels: the service's own word on where the device belongs, not the device's.
import { contradictedLabel, isSameLabels, type Labels } from '../contract/bound-labels.ts';
import { type Followed, mustKeepLabels } from '../contract/label-change.ts';
import type { DeviceReport } from '../contract/report.ts';
import type { DeviceFacts } from '../contract/selector.ts';
import { attribute, type FalseClaim, type PublishedEntries } from '../telemetry/attribution.ts';
import { onTrialOf } from '../telemetry/on-trial.ts';
import type { DeviceRecord } from './device-register.ts';

export type KnownDevice = Pick<
  DeviceRecord,
  'id' | 'labels' | 'bound' | 'stated' | 'properties' | 'models' | 'tookCandidate' | 'relabelled'
>;

/** What is known of a device's labels after a report. */
export type LabelFacts = Pick<DeviceRecord, 'labels' | 'stated' | 'relabelled'>;

export interface Vetted {
  /** What counts of it, under the labels that count. */
  readonly report: DeviceReport;
  readonly claim: FalseClaim | null;
  readonly labelFacts: LabelFacts;
}

/** The models on the device that a rollout brought, with what that rollout says now. */
function followedBy({ models, tookCandidate }: KnownDevice, published: PublishedEntries): Followed[] {
  return [...tookCandidate].flatMap(([rollout, taken]): Followed[] => {
    const entry = published.newest(rollout);
    const state = entry && models.get(entry.model);
    const running = state?.running?.digest;
    if (entry === undefined || running === undefined || !taken.some(({ digest }) => digest === running)) return [];
    const failed = state?.state === 'failed' ? (state.subject?.digest ?? null) : null;
    return [{ entry, running, failed }];
  });
}

/** `change` numbers the transaction, for devices whose labels change. */
export function labelsAfter(
  before: KnownDevice,
  stated: Labels,
  published: PublishedEntries,
  change: number,
): LabelFacts {
  const { id, labels, bound, properties, relabelled } = before;
  const wanted = { ...stated, ...bound };
  if (isSameLabels(wanted, labels)) return { labels, stated, relabelled };
  const isHeld = mustKeepLabels({ id, labels, properties }, followedBy(before, published));
  return isHeld ? { labels, stated, relabelled } : { labels: wanted, stated, relabelled: change };
}

export function vetReport(
  before: KnownDevice,
  { report, isNewest, change }: { readonly report: DeviceReport; readonly isNewest: boolean; readonly change: number },
  published: PublishedEntries,
): Vetted {
  const labelFacts = isNewest ? labelsAfter(before, report.labels, published, change) : before;
  const { labels } = labelFacts;
  const own: DeviceReport = { ...report, labels };
  if (contradictedLabel(report.labels, before.bound, labels) !== null)
    return { report: { ...own, intervals: [], outcomes: [] }, claim: null, labelFacts };
  const facts = [report.properties, before.properties].map((properties): DeviceFacts => {
    return { id: before.id, labels, properties };
  });
  return { ...attribute(own, facts, published, onTrialOf(before)), labelFacts };
}
