// Owns what one try to bring a version into a slot is given, and how it can end.
import type { Clock } from '../../../src/base/clock.ts';
import type { Parameters } from '../../../src/contract/directive.ts';
import type { DeviceFacts } from '../../../src/contract/selector.ts';
import type { DocumentVerifier } from '../../../src/contract/trust/verifier.ts';
import type { CredentialsFor } from '../link/artifact-credentials.ts';
import type { ArtifactLocator } from '../link/artifact-locator.ts';
import type { Throttle } from '../link/throttle.ts';
import type { DownloadPart, Failed, Goal, Height, SlotName } from '../record/model-record.ts';
import type { Slots } from '../record/slots.ts';

/** The same for all tries on a device. */
export interface SupplyOptions {
  /** Addresses of the published folder, where manifests and artifacts are; the first is asked unless it fails. */
  readonly sources: readonly [string, ...string[]];
  /** Where files in private buckets can be had. */
  readonly locator: Pick<ArtifactLocator, 'locate'>;
  /** What this device shows to the hosts that manifests name; null = nothing. */
  readonly credentials: CredentialsFor | null;
  readonly verifier: Pick<DocumentVerifier, 'verifyModel'>;
  /** Left free beside the model's files, in bytes. */
  readonly reserveBytes: number;
  /** Shared by all downloads of the device; null = no cap. */
  readonly throttle: Throttle | null;
  readonly clock: Clock;
  /** Wall-clock time that never goes back, in milliseconds since 1970. */
  readonly nowMs: () => number;
}

export interface SupplyRequest {
  readonly model: string;
  readonly goal: Goal;
  /** What the directive sets the version's parameters to. */
  readonly parameters: Parameters;
  /** The highest sequence that was committed here. */
  readonly height: Height | null;
  readonly slot: SlotName;
  readonly slots: Slots;
  readonly part: DownloadPart | null;
  /** Which of the sources to ask; counts on for each try that brought nothing. */
  readonly turn: number;
  /** Wrong answers for this version so far. */
  readonly wrongAnswers: number;
  readonly facts: DeviceFacts;
  /** Names the circumstances under which a refusal holds. */
  readonly fingerprint: string;
  readonly onFlushed: (part: DownloadPart) => Promise<void>;
  readonly signal: AbortSignal;
}

export type SupplyProblem = Failed | Later;

/**
 * Nothing is known to be wrong with the version: try again. `afterMs` is what the server asked for. `corrupt` and
 * `signature`: a whole answer with the wrong bytes, which says something of the host.
 */
export interface Later {
  readonly kind: 'later';
  readonly reason: 'network' | 'timeout' | 'corrupt' | 'signature';
  readonly message: string;
  readonly afterMs: number | null;
}

export function later(message: string, afterMs: number | null = null, reason: Later['reason'] = 'network'): Later {
  return { kind: 'later', reason, message, afterMs };
}

/** The source whose turn it is; of several, the next after one that brought nothing. */
export function sourceOf<T>(sources: readonly [T, ...T[]], turn: number): T {
  return sources[turn % sources.length] ?? sources[0];
}
