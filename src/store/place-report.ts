// Owns which windows a report belongs to: the open one of each rollout counts it, a closed one keeps it as late.
import type { DeviceReport, ModelInterval } from '../contract/report.ts';
import { hasSay } from '../rollout/count-cohort.ts';
import { armOf, type FoldedInterval, foldReport } from '../telemetry/fold-report.ts';
import type { WindowSpec } from '../telemetry/window.ts';
import { hasSwitched } from './device-memory.ts';
import type { DeviceRecord } from './device-register.ts';
import type { LateReport } from './window-store.ts';

/** Late reports of a window that are kept; all are counted. */
export const MOST_LATE_REPORTS = 100;

export interface PlacedWindow extends Opened {
  readonly spec: WindowSpec;
  readonly isOpen: boolean;
}

/** When a window was opened, and the attempt that it belongs to began, as numbers of changes in the store. */
export interface Opened {
  readonly openedChange: number;
  readonly attemptChange: number;
}

/**
 * `before` is the window that was open before, `change` the newest change in the store. Of a stage that was under way before this store
 * was there nobody can tell any more who came later: all count.
 */
export function openedAfter(
  before: (Opened & { readonly spec: WindowSpec }) | undefined,
  { candidateDigest, candidateAttempt }: WindowSpec,
  { change, isUnderWay }: { readonly change: number; readonly isUnderWay: boolean },
): Opened {
  if (isUnderWay && before === undefined) return EVERYONE;
  const isSameAttempt =
    before?.spec.candidateDigest === candidateDigest && before.spec.candidateAttempt === candidateAttempt;
  return { openedChange: change, attemptChange: isSameAttempt ? before.attemptChange : change };
}

const EVERYONE: Opened = { openedChange: Number.MAX_SAFE_INTEGER, attemptChange: Number.MAX_SAFE_INTEGER };

export type Joined = Pick<DeviceRecord, 'joined' | 'relabelled'>;

export interface PlacedReport<Window> {
  readonly counted: { readonly window: Window; readonly folded: FoldedInterval }[];
  readonly late: { readonly window: Window; readonly report: LateReport }[];
}

export interface Received {
  /** What counts of it. */
  readonly report: DeviceReport;
  readonly receivedAtMs: number;
  /** The device as it was before. */
  readonly device: Joined & Pick<DeviceRecord, 'models'>;
}

/** `windowsOf` gives the windows of a rollout, newest first. */
export function placeReport<Window extends PlacedWindow>(
  received: Received,
  windowsOf: (rollout: string) => readonly Window[],
): PlacedReport<Window> {
  const { report, receivedAtMs } = received;
  const placed: PlacedReport<Window> = { counted: [], late: [] };
  report.intervals.forEach((interval, i) => {
    const { rollout } = interval;
    if (rollout === null) return;
    const windows = windowsOf(rollout);
    const window = lateWindow(windows, interval);
    if (window !== undefined) placed.late.push({ window, report: lateReport(received, interval) });
    const open = windows.find((one) => one.isOpen);
    // All intervals of one rollout are counted together, at the first of them.
    if (open === undefined || report.intervals.findIndex((one) => one.rollout === rollout) < i) return;
    if (open.spec.candidateDigest !== null && !hasSay(received.device, open)) return;
    const counted = foldReport(open.spec, report, receivedAtMs);
    // Only a device that switched meanwhile can tell of both arms; from any other those are two stories.
    if (counted.length > 1 && !hasSwitched(report, received.device.models, interval.model)) return;
    for (const folded of counted) placed.counted.push({ window: open, folded });
  });
  return placed;
}

/** An interval belongs to the newest window that was open at its revision; when that one is closed, the interval is late. */
function lateWindow<Window extends PlacedWindow>(
  windows: readonly Window[],
  interval: ModelInterval,
): Window | undefined {
  const { revision } = interval;
  if (revision === null) return undefined;
  const window = windows.find(({ spec }) => spec.openedRevision <= revision);
  return window === undefined || window.isOpen || armOf(window.spec, interval) === undefined ? undefined : window;
}

function lateReport({ report, receivedAtMs }: Received, { digest, inferences }: ModelInterval): LateReport {
  const { device, epoch, sequence } = report;
  return { device, epoch, sequence, digest, inferences, receivedAtMs: Math.floor(receivedAtMs) };
}
