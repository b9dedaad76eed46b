// Owns one device in a line of a list.
import { toIsoSeconds } from '../../base/clock.ts';
import { clipped, oneLine } from '../../base/plain-text.ts';
import type { WordsOfFleet } from '../../measurement/fleet-words.ts';
import { outdatedAgent } from '../../measurement/known-fleet.ts';
import type { RecentPoint } from '../../store/recent-reports.ts';
import { declaredModels, stagesOf, standingOf } from './device-standing.ts';
import type { IndexedDevice } from './fleet-index.ts';
import type { DeviceRow, DeviceState } from './types.generated.ts';

const MOST_TEXT = 300;
const HOUR_MS = 60 * 60_000;

export interface RowFindings {
  readonly recent: readonly RecentPoint[];
  readonly words: WordsOfFleet | undefined;
  /** Why the service refuses its reports; undefined where it takes them. */
  readonly refusedWhy: string | undefined;
  readonly nowMs: number;
}

/** Shared by the list and the page of one device. `state` is the one with silence. */
export function deviceRow(
  device: IndexedDevice,
  state: DeviceState,
  { recent, words, refusedWhy, nowMs }: RowFindings,
): DeviceRow {
  const { id, source, record, assignments, labels, asDeclared, declared } = device;
  const models = record === null ? [] : declaredModels(assignments, record);
  return {
    ...{ device: id, state, asDeclared, declared, labels, isSigned: record !== null },
    text: allText(),
    in: stagesOf(models),
    lastSeenAtMs: source.lastSeenAtMs,
    errorShare: errorShare(recent, nowMs),
    runs: [...device.models].flatMap(([model, { running }]) =>
      running === null ? [] : [{ model, version: running.version, digest: running.digest }],
    ),
  };

  /** How it stands, and what keeps the two programs apart. */
  function allText(): string | null {
    const refused = refusedWhy === undefined ? null : `the service refuses its reports: ${refusedWhy}`;
    const agent = record === null || words === undefined ? null : outdatedAgent(record, words);
    const texts = [textOf(), refused, agent].filter((one) => one !== null);
    return texts.length === 0 ? null : clipped(oneLine(texts.join('; ')), MOST_TEXT);
  }

  function textOf(): string | null {
    const heard = `last report ${toIsoSeconds(source.lastSeenAtMs)}`;
    if (state === 'silent') return heard;
    if (state === 'unreachable') return `never seen taking what is declared; ${heard}`;
    if (record === null)
      return state === 'denied'
        ? 'the fleet documents turn it away'
        : 'reports without an agent: nothing is signed, nothing of it is judged';
    return standingOf(record, models, { isDenied: words?.isDenied(id) ?? false }).text;
  }
}

function errorShare(recent: readonly RecentPoint[], nowMs: number): number | null {
  const hour = recent.filter(({ atMs }) => atMs > nowMs - HOUR_MS);
  const inferences = hour.reduce((sum, one) => sum + one.inferences, 0);
  const errors = hour.reduce((sum, one) => sum + one.errors, 0);
  return inferences === 0 ? null : Math.min(1, errors / inferences);
}
