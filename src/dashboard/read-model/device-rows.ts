// Owns one device in a line of a list.
import { toIsoSeconds } from '../../base/clock.ts';
import { clipped, oneLine } from '../../base/plain-text.ts';
import type { RecentPoint } from '../../store/recent-reports.ts';
import { declaredModels, stagesOf, standingOf } from './device-standing.ts';
import type { IndexedDevice } from './fleet-index.ts';
import type { DeviceRow, DeviceState } from './types.generated.ts';

const MOST_TEXT = 300;
const HOUR_MS = 60 * 60_000;

/** Shared by the list and the page of one device. `state` is the one with silence. */
export function deviceRow(
  device: IndexedDevice,
  state: DeviceState,
  {
    recent,
    isDenied,
    nowMs,
  }: { readonly recent: readonly RecentPoint[]; readonly isDenied: boolean; readonly nowMs: number },
): DeviceRow {
  const { id, source, record, assignments, labels, asDeclared, declared } = device;
  const models = record === null ? [] : declaredModels(assignments, record);
  return {
    ...{ device: id, state, asDeclared, declared, labels, isSigned: record !== null },
    text: textOf(),
    in: stagesOf(models),
    lastSeenAtMs: source.lastSeenAtMs,
    errorShare: errorShare(recent, nowMs),
    runs: [...device.models].flatMap(([model, { running }]) =>
      running === null ? [] : [{ model, version: running.version, digest: running.digest }],
    ),
  };

  function textOf(): string | null {
    const heard = `last report ${toIsoSeconds(source.lastSeenAtMs)}`;
    if (state === 'silent') return heard;
    if (state === 'unreachable') return `never seen taking what is declared; ${heard}`;
    if (record === null)
      return state === 'denied'
        ? 'the fleet documents turn it away'
        : 'reports without an agent: nothing is signed, nothing of it is judged';
    const { text } = standingOf(record, models, { isDenied });
    return text === null ? null : clipped(oneLine(text), MOST_TEXT);
  }
}

function errorShare(recent: readonly RecentPoint[], nowMs: number): number | null {
  const hour = recent.filter(({ atMs }) => atMs > nowMs - HOUR_MS);
  const inferences = hour.reduce((sum, one) => sum + one.inferences, 0);
  const errors = hour.reduce((sum, one) => sum + one.errors, 0);
  return inferences === 0 ? null : Math.min(1, errors / inferences);
}
