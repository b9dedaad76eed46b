// Owns telling people how far a long upload is, now and then.
import type { Clock } from '../../base/clock.ts';
import type { Say } from '../artifact-store.ts';

const EVERY_MS = 10_000;

export interface ProgressFacts {
  readonly file: string;
  readonly sizeBytes: number;
  readonly clock: Clock;
  readonly say: Say;
}

export class UploadProgress {
  readonly #facts: ProgressFacts;
  #saidMs: number;

  constructor(facts: ProgressFacts) {
    this.#facts = facts;
    this.#saidMs = facts.clock.monotonicMs();
  }

  /** `doneBytes` in all. */
  at(doneBytes: number): void {
    const { file, sizeBytes, clock, say } = this.#facts;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#saidMs < EVERY_MS) return;
    this.#saidMs = nowMs;
    const percent = Math.floor((100 * doneBytes) / sizeBytes);
    say(`${file}: ${megabytes(doneBytes)} of ${megabytes(sizeBytes)} sent (${percent}%)`);
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6).toLocaleString('en-US')} MB`;
}

/** The same bytes; each that is asked for has been sent. */
export async function* withProgress(
  chunks: AsyncIterable<Uint8Array>,
  progress: UploadProgress,
  fromByte = 0,
): AsyncGenerator<Uint8Array> {
  let doneBytes = fromByte;
  for await (const chunk of chunks) {
    yield chunk;
    doneBytes += chunk.length;
    progress.at(doneBytes);
  }
}
