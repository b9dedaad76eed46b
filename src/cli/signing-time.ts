// Owns the time for what is signed with an end: a clock that was set back would make it end before devices get it.
import { Option } from 'commander';
import { SystemClock, toIsoSeconds } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { readPointer } from '../distribution/pointer.ts';
import { DEFAULT_LIFETIMES } from '../distribution/tuf-metadata.ts';
import { newestRoot, rootExpiresAtMs } from '../distribution/tuf-roots.ts';

/** Clocks of two machines differ by minutes. */
const CLOCKS_DIFFER_MS = 5 * 60_000;

export interface ClockOptions {
  readonly clockIsRight?: boolean;
}

/** A thief of the online keys can date the pointer ahead: what replaces these keys must not wait for that day. */
export function clockOption(): Option {
  return new Option('--clock-is-right', 'go on although the publication was signed at a later time than now');
}

/** Now, milliseconds since 1970. Throws CLOCK_BEHIND where the publication was signed later than that. */
export async function signingTime(publication: string, { clockIsRight = false }: ClockOptions): Promise<number> {
  const nowMs = new SystemClock().now();
  const [last] = await signedNewestFirst(publication);
  if (clockIsRight || last === undefined || last.atMs <= nowMs + CLOCKS_DIFFER_MS) return nowMs;
  throw new CodedError({
    code: 'CLOCK_BEHIND',
    message: `The clock says ${toIsoSeconds(nowMs)}, but ${last.what} in ${publication} was signed at ${toIsoSeconds(last.atMs)}. Nothing was changed.`,
    remedy:
      'Set the clock, then run it again: what is signed now would end too early. If the clock is right, pass --clock-is-right.',
  });
}

/** By their ends: each kind is signed for the same time. A root that is missing or damaged is for the command to refuse. */
async function signedNewestFirst(publication: string) {
  const { rootMs, timestampMs } = DEFAULT_LIFETIMES;
  const root = await newestRoot(publication).catch(() => undefined);
  const pointer = await readPointer(publication);
  const signed = [
    { what: `root ${root?.version}`, atMs: root && rootExpiresAtMs(root) - rootMs },
    { what: 'the pointer (timestamp.json)', atMs: pointer && pointer.timestamp.expiresAtMs - timestampMs },
  ];
  return signed
    .flatMap(({ what, atMs }) => (atMs === undefined ? [] : [{ what, atMs }]))
    .sort((a, b) => b.atMs - a.atMs);
}
