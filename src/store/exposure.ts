// Owns what a store promises about exposure: which device ran which version of a model, from when until when, by the service's clock.
import type { Digest } from '../contract/digest.ts';

/**
 * How the service knows. `declared`: by a signed report, of a version that a published directive names. `claimed`: by a signed report, of a
 * version that none names. `plain`: by a report that nothing signs.
 */
export type ExposureHow = 'declared' | 'claimed' | 'plain';
export const EXPOSURE_HOWS: readonly ExposureHow[] = ['declared', 'claimed', 'plain'];

/** A device ran a version from some time after `afterMs`. */
export interface ExposureRow {
  readonly device: string;
  readonly model: string;
  readonly version: string;
  /** Null where only a plain report names the version. */
  readonly digest: Digest | null;
  /** When the device was heard last before, without the version. */
  readonly afterMs: number;
  /** When the report came that showed it first. */
  readonly fromMs: number;
  /** When the report came that showed another; null while none did. */
  readonly untilMs: number | null;
  readonly how: ExposureHow;
}

/** Rows whose time touches the span from `fromMs` until before `untilMs`. */
export interface ExposureQuestion {
  readonly digest?: string;
  readonly model?: string;
  readonly version?: string;
  /** Instead of a version: all that one device ran. */
  readonly device?: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** `next` of the page before. */
  readonly cursor?: string;
  readonly most: number;
}

export interface ExposurePage {
  readonly rows: readonly ExposureRow[];
  /** Null when there are no more. */
  readonly next: string | null;
}

/** How many devices had run a version by then, and how many of them had left it for good. */
export interface PatchingPoint {
  readonly atMs: number;
  readonly exposed: number;
  readonly left: number;
}

export interface ExposureLog {
  /** A page, by version and in the order in which the rows were written, which later changes leave as it is. One device's: the newest first, without a cursor. */
  readExposure(question: ExposureQuestion): Promise<ExposurePage>;
  /** How the devices left the versions of the question, at these instants. */
  readPatching(
    question: Pick<ExposureQuestion, 'digest' | 'model' | 'version'>,
    atMs: readonly number[],
  ): Promise<readonly PatchingPoint[]>;
  /** Forgets rows that ended before then; gives their number. */
  forgetExposure(beforeMs: number): Promise<number>;
}

/** Rows of one device that are kept; the oldest that ended go first. A device that changes all the time fills no disk. */
export const MOST_OF_DEVICE = 1_000;

/** The points of a curve, from when each device was first shown with the version and from when it was with none, or null. */
export function patchingPoints(
  devices: readonly { readonly fromMs: number; readonly untilMs: number | null }[],
  atMs: readonly number[],
): PatchingPoint[] {
  const begun = Float64Array.from(devices, ({ fromMs }) => fromMs).sort();
  const ended = Float64Array.from(devices, ({ untilMs }) => untilMs ?? Number.POSITIVE_INFINITY).sort();
  return atMs.map((at) => ({ atMs: at, exposed: countUpTo(begun, at), left: countUpTo(ended, at) }));
}

/** Of rising values: how many are at most this one. */
function countUpTo(values: Float64Array, most: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) <= most) low = middle + 1;
    else high = middle;
  }
  return low;
}
