// Owns which windows a report belongs to: the open one of each rollout counts it, a closed one keeps it as late.
import type { DeviceReport, ModelInterval } from '../contract/report.ts';
import { armOf, type FoldedInterval, foldReport } from '../telemetry/fold-report.ts';
import type { WindowSpec } from '../telemetry/window.ts';
import type { LateReport } from './window-store.ts';

/** Late reports of a window that are kept; all are counted. */
export const MOST_LATE_REPORTS = 100;

export interface PlacedWindow {
  readonly spec: WindowSpec;
  readonly isOpen: boolean;
}

export interface PlacedReport<Window> {
  readonly counted: { readonly window: Window; readonly folded: FoldedInterval }[];
  readonly late: { readonly window: Window; readonly report: LateReport }[];
}

interface Received {
  readonly report: DeviceReport;
  readonly receivedAtMs: number;
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
    for (const folded of foldReport(open.spec, report, receivedAtMs)) placed.counted.push({ window: open, folded });
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
