// Owns what one try to bring a version into a slot is given, and how it can end.
import type { Clock } from '../../../src/base/clock.ts';
import type { DeviceFacts } from '../../../src/contract/selector.ts';
import type { DocumentVerifier } from '../../../src/contract/trust/verifier.ts';
import type { DownloadPart, Failed, Goal, SlotName } from '../record/model-record.ts';
import type { Slots } from '../record/slots.ts';

/** The same for all tries on a device. */
export interface SupplyOptions {
  /** Address of the published folder, where manifests and artifacts are. */
  readonly distributionUrl: string;
  readonly verifier: Pick<DocumentVerifier, 'verifyModel'>;
  /** Left free beside the model's files, in bytes. */
  readonly reserveBytes: number;
  readonly bytesPerSecondMost: number | null;
  readonly clock: Clock;
  /** Wall-clock time that never goes back, in milliseconds since 1970. */
  readonly nowMs: () => number;
}

export interface SupplyRequest {
  readonly model: string;
  readonly goal: Goal;
  readonly slot: SlotName;
  readonly slots: Slots;
  readonly part: DownloadPart | null;
  readonly facts: DeviceFacts;
  /** Names the circumstances under which a refusal holds. */
  readonly fingerprint: string;
  readonly onFlushed: (part: DownloadPart) => Promise<void>;
  readonly signal: AbortSignal;
}

export type SupplyProblem = Failed | Later;

/** Nothing is wrong with the version: try again. `afterMs` is what the server asked for. */
export interface Later {
  readonly kind: 'later';
  readonly reason: 'network' | 'timeout' | 'corrupt';
  readonly message: string;
  readonly afterMs: number | null;
}

export function later(message: string, afterMs: number | null = null, reason: Later['reason'] = 'network'): Later {
  return { kind: 'later', reason, message, afterMs };
}
