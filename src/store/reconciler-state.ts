// Owns what a store promises to the reconciler: statuses seen, emergency rollbacks, the publication record, and small values by name.

import { CodedError } from '../base/errors.ts';
import { canonicalJson, type JsonValue } from '../contract/digest.ts';
import type { Directive } from '../contract/directive.ts';
import type { StepReason } from '../rollout/reasons.ts';

export interface SeenStatus {
  readonly revision: number;
  /** Head commit on which the status was seen. */
  readonly commit: string;
  readonly status: JsonValue;
}

/** A rollback that is decided and not on the branch. */
export interface EmergencyRollback {
  readonly rollout: string;
  /** On the branch: a higher one ends it. */
  readonly revision: number;
  readonly reason: StepReason;
  readonly waitsSinceMs: number;
  /** When devices got it without the commit; null while it may still land in time. */
  readonly inForceSinceMs: number | null;
}

export interface Publication {
  /** Counts publications; 0 before the first. */
  readonly sequence: number;
  readonly directive: Directive | null;
  /** TUF metadata version of the newest publication. */
  readonly metadataVersion: number;
}

export interface PublicationOrder {
  readonly lease: string;
  /** Fencing token from `acquireLease`. */
  readonly token: number;
  readonly expectedSequence: number;
  readonly directive: Directive;
  readonly metadataVersion: number;
  /**
   * Makes the publication visible (a rename). It runs when lease and sequence hold, and until it has ended nobody else can take the lease or
   * publish: a process that stalls here can't put an older publication over a newer one.
   */
  readonly swap: () => Promise<void>;
}

/** Small values that outlive the process. */
export interface NamedValues {
  /** Keeps a value by name, at most 64 KiB. Throws STORE_VALUE_SIZE. */
  putValue(name: string, value: JsonValue): Promise<void>;
  readValue(name: string): Promise<JsonValue | undefined>;
}

export interface ReconcilerState extends NamedValues {
  /** `stale`: below the highest seen; `conflict`: another status was seen at this revision. Neither changes anything. */
  recordSeen(rollout: string, seen: SeenStatus): Promise<'recorded' | 'stale' | 'conflict'>;
  readSeen(): Promise<ReadonlyMap<string, SeenStatus>>;

  setEmergencyRollback(rollback: EmergencyRollback): Promise<void>;
  clearEmergencyRollback(rollout: string): Promise<void>;
  readEmergencyRollbacks(): Promise<ReadonlyMap<string, EmergencyRollback>>;

  readPublication(): Promise<Publication>;
  /** A metadata version that was never given out before, above every published one and above the given one (what lies in the publication folder). */
  reserveMetadataVersion(above?: number): Promise<number>;
  /** `lost`: another holds the lease, or published meanwhile; nothing changed and `swap` did not run. */
  commitPublication(order: PublicationOrder): Promise<'published' | 'lost'>;
}

/** Is a status to be recorded? Statuses are compared as canonical JSON. */
export function compareSeen(
  known: { readonly revision: number; readonly status: string } | undefined,
  seen: { readonly revision: number; readonly status: string },
): 'recorded' | 'stale' | 'conflict' {
  if (known === undefined || known.revision < seen.revision) return 'recorded';
  if (known.revision > seen.revision) return 'stale';
  return known.status === seen.status ? 'recorded' : 'conflict';
}

/** As long as a named value may be. */
export const MOST_VALUE_BYTES = 65_536;

/** A named value as text. Throws STORE_VALUE_SIZE. */
export function encodeValue(name: string, value: JsonValue): string {
  const text = canonicalJson(value);
  if (Buffer.byteLength(text) <= MOST_VALUE_BYTES) return text;
  throw new CodedError({
    code: 'STORE_VALUE_SIZE',
    kind: 'bug',
    message: `The value "${name}" exceeds ${MOST_VALUE_BYTES} bytes.`,
  });
}
