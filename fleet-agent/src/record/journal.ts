// Owns the record's file: written whole before each step, and read with doubt.
import { rename } from 'node:fs/promises';
import { readFileIfPresent, writeFileDurably } from '../../../src/base/durable-file.ts';
import { isDigest } from '../../../src/contract/digest.ts';
import type { DeviceFolder } from './device-folder.ts';
import { DiskReserve, isDiskFull } from './disk-reserve.ts';
import {
  type Failure,
  type Height,
  MOST_FAILURES,
  type ModelRecord,
  type Phase,
  type SlotContent,
  type SlotName,
} from './model-record.ts';

const FORMAT = 1;

/** What a journal that can't be used as a whole still says: what failed here, and how high it had come. */
export type Salvage = Pick<ModelRecord, 'failures' | 'height'>;

export type JournalReading =
  | { readonly kind: 'whole'; readonly record: ModelRecord }
  | { readonly kind: 'absent' }
  /** The disk does not give it now; what it says is unknown, and may be whole. */
  | { readonly kind: 'unreadable' }
  /** Torn, or of a newer agent. */
  | { readonly kind: 'corrupt'; readonly salvage: Salvage };

/** Called after each write; tests stop the process there. */
export type OnPersisted = (record: ModelRecord) => void;

export class Journal {
  readonly #folder: DeviceFolder;
  readonly #reserve: DiskReserve;
  readonly #onPersisted: OnPersisted;

  constructor(folder: DeviceFolder, onPersisted: OnPersisted = () => undefined) {
    this.#folder = folder;
    this.#reserve = new DiskReserve(folder.reserveFile);
    this.#onPersisted = onPersisted;
  }

  /** Durable when it resolves, unless that is only wished for: what is committed serves from a disk that can't be written. A full disk costs the reserve: a rollback must never fail for want of a few bytes. */
  async write(record: ModelRecord, durably: 'always' | 'if possible' = 'always'): Promise<void> {
    try {
      await this.#write(record);
    } catch (error) {
      if (durably === 'always') throw error;
    }
  }

  async #write(record: ModelRecord): Promise<void> {
    const file = this.#folder.recordFile(record.model);
    const text = JSON.stringify({ format: FORMAT, record });
    try {
      await writeFileDurably(file, text);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      await this.#reserve.release();
      await writeFileDurably(file, text);
    }
    this.#onPersisted(record);
  }

  /** A corrupt one is moved aside for people to look at, where that is possible. */
  async read(model: string): Promise<JournalReading> {
    const reading = await this.peek(model);
    const file = this.#folder.recordFile(model);
    if (reading.kind === 'corrupt') await rename(file, `${file}.corrupt`).catch(() => undefined);
    return reading;
  }

  /** The same, but touches nothing. */
  async peek(model: string): Promise<JournalReading> {
    let bytes: Buffer | undefined;
    try {
      bytes = await readFileIfPresent(this.#folder.recordFile(model));
    } catch (error) {
      const isOther = (error as NodeJS.ErrnoException).code === 'FILE_KIND';
      return isOther ? { kind: 'corrupt', salvage: NOTHING } : { kind: 'unreadable' };
    }
    if (bytes === undefined) return { kind: 'absent' };
    try {
      const { format, record } = JSON.parse(bytes.toString('utf8')) as { format?: unknown; record?: ModelRecord };
      if (format === FORMAT && isRecord(record, model)) return { kind: 'whole', record };
      return { kind: 'corrupt', salvage: salvageOf(record) };
    } catch {
      return { kind: 'corrupt', salvage: NOTHING };
    }
  }
}

const NOTHING: Salvage = { failures: [], height: null };

function salvageOf(record: Partial<ModelRecord> | null | undefined): Salvage {
  const { failures, height } = record ?? {};
  return {
    failures: Array.isArray(failures) ? failures.filter(isFailure).slice(-MOST_FAILURES) : [],
    height: isHeight(height) ? height : null,
  };
}

const PHASES: readonly Phase['kind'][] = [
  ...(['idle', 'fetching', 'verified', 'staged', 'selfTested', 'trial', 'committed', 'rollingBack', 'failed'] as const),
];

function isContent(value: unknown): value is SlotContent | null {
  if (value === null) return true;
  const content = value as Partial<SlotContent> | undefined;
  return (
    isDigest(content?.digest) &&
    typeof content.version === 'string' &&
    typeof content.isProven === 'boolean' &&
    (content.arm === 'candidate' || content.arm === 'stable') &&
    Number.isSafeInteger(content.sequence)
  );
}

function isSlot(value: unknown): value is SlotName {
  return value === 'A' || value === 'B';
}

function isFailure(failure: Failure | undefined): failure is Failure {
  const { digest, attempt, expiry, atMs } = failure ?? ({} as Partial<Failure>);
  return isDigest(digest) && Number.isSafeInteger(attempt) && typeof expiry?.kind === 'string' && Number.isFinite(atMs);
}

function isHeight(height: Height | null | undefined): height is Height | null {
  return height === null || (isDigest(height?.digest) && Number.isSafeInteger(height.sequence));
}

function isPhase(phase: Phase | undefined): phase is Phase {
  if (phase === undefined || phase === null || !PHASES.includes(phase.kind)) return false;
  if (phase.kind === 'failed') return isDigest(phase.digest) && Number.isSafeInteger(phase.attempt);
  if (!('goal' in phase)) return phase.kind === 'idle' || phase.kind === 'committed';
  const hasGoal = isDigest(phase.goal?.digest) && Number.isSafeInteger(phase.goal.revision);
  if (phase.kind === 'rollingBack') return hasGoal && isDigest(phase.failure?.digest);
  return hasGoal && isSlot(phase.slot) && (phase.kind !== 'trial' || Number.isFinite(phase.progress?.elapsedMs));
}

/** The agent's own file, held to its shape: a torn or foreign one is rebuilt, never half trusted. */
function isRecord(record: ModelRecord | undefined, model: string): record is ModelRecord {
  const { active, slots, phase, failures, height, outbox } = record ?? ({} as Partial<ModelRecord>);
  return (
    record?.model === model &&
    isContent(slots?.A) &&
    isContent(slots.B) &&
    (active === null || (isSlot(active) && slots[active] !== null)) &&
    isPhase(phase) &&
    Array.isArray(failures) &&
    failures.every(isFailure) &&
    isHeight(height) &&
    Array.isArray(outbox)
  );
}
