// Owns the device's memory across restarts: a floor under the wall clock, and the revisions that it has accepted.
import type { Clock } from '../../../src/base/clock.ts';
import { writeFileDurably } from '../../../src/base/durable-file.ts';
import { isSameLabels, type Labels } from '../../../src/contract/bound-labels.ts';
import { readJsonFile } from './json-file.ts';

/** The floor is raised on disk at most this often. */
const FLOOR_STEP_MS = 600_000;
const MOST_ROLLOUTS = 4096;

interface MemoryFile {
  readonly format: 1;
  readonly timeFloorMs: number;
  readonly revisions: Readonly<Record<string, number>>;
  /** Names the keys that signed the revisions. */
  readonly signers?: string;
  /** The labels under which the device took the directive. */
  readonly labels?: Labels;
}

export class DeviceMemory {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #revisions: Map<string, number>;
  #timeFloorMs: number;
  #signers: string | undefined;
  #labels: Labels | undefined;
  #isChanged = false;

  private constructor(file: string, clock: Clock, known: MemoryFile) {
    this.#file = file;
    this.#clock = clock;
    this.#timeFloorMs = known.timeFloorMs;
    this.#revisions = new Map(Object.entries(known.revisions));
    this.#signers = known.signers;
    this.#labels = known.labels;
  }

  /** The labels under which the device took the directive; undefined before the first. */
  get labels(): Labels | undefined {
    return this.#labels;
  }

  /** Written with the directive to come. */
  noteLabels(labels: Labels): void {
    if (this.#labels !== undefined && isSameLabels(labels, this.#labels)) return;
    this.#labels = labels;
    this.#isChanged = true;
  }

  /** A torn or missing file starts empty: TUF's own metadata still forbids going back. */
  static async open(file: string, clock: Clock): Promise<DeviceMemory> {
    const empty: MemoryFile = { format: 1, timeFloorMs: 0, revisions: {} };
    return new DeviceMemory(file, clock, (await readJsonFile(file, parseMemory)) ?? empty);
  }

  /** Wall-clock time, never below a time that was proven before: a device without a battery-backed clock starts in 1970. */
  nowMs(): number {
    return Math.max(this.#clock.now(), this.#timeFloorMs);
  }

  revisionOf(rollout: string): number {
    return this.#revisions.get(rollout) ?? 0;
  }

  /**
   * Names the keys that signed the directive to come. After a rotation revisions begin anew: a thief of the withdrawn keys may have
   * raised them as far as numbers go, and the device must follow the service again.
   */
  noteSigners(signers: string | undefined): void {
    if (signers === undefined || signers === this.#signers) return;
    if (this.#signers !== undefined) this.#revisions.clear();
    this.#signers = signers;
    this.#isChanged = true;
  }

  /**
   * A directive was accepted. `inDateUntilMs`: end of its signed dates when they were found in date in this process, else null. Only
   * such dates move the floor: a clock that is far ahead while an old directive is recalled never becomes the floor, and a floor
   * beyond the dates of what is accepted now came from a clock that was wrong.
   */
  async accept(
    revisions: readonly { readonly rollout: string; readonly revision: number }[],
    inDateUntilMs: number | null,
  ): Promise<void> {
    let isChanged = this.#isChanged;
    for (const { rollout, revision } of revisions) {
      if (revision <= this.revisionOf(rollout)) continue;
      this.#revisions.delete(rollout);
      this.#revisions.set(rollout, revision);
      isChanged = true;
    }
    for (const oldest of this.#revisions.keys()) {
      if (this.#revisions.size <= MOST_ROLLOUTS) break;
      this.#revisions.delete(oldest);
    }
    if (!this.#moveFloor(inDateUntilMs) && !isChanged) return;
    const memory: MemoryFile = {
      format: 1,
      timeFloorMs: this.#timeFloorMs,
      revisions: Object.fromEntries(this.#revisions),
      ...(this.#signers === undefined ? {} : { signers: this.#signers }),
      ...(this.#labels === undefined ? {} : { labels: this.#labels }),
    };
    await writeFileDurably(this.#file, JSON.stringify(memory));
    this.#isChanged = false;
  }

  #moveFloor(inDateUntilMs: number | null): boolean {
    if (inDateUntilMs === null) return false;
    const now = this.#clock.now();
    const isLetGo = this.#timeFloorMs > inDateUntilMs;
    if (!isLetGo && now - this.#timeFloorMs <= FLOOR_STEP_MS) return false;
    this.#timeFloorMs = Math.min(now, inDateUntilMs);
    return true;
  }
}

function parseMemory(value: Record<string, unknown>): MemoryFile | undefined {
  const memory = value as unknown as MemoryFile;
  const isWhole = Number.isFinite(memory.timeFloorMs) && Object.values(memory.revisions).every(Number.isSafeInteger);
  return isWhole ? memory : undefined;
}
