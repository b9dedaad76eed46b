// Owns the memory of recent answers by id, so that later feedback counts to the version that gave the answer.
import type { Attribution } from './interval-tally.ts';

/** Answers remembered per model; the oldest are forgotten first. */
const MOST_ANSWERS = 4096;
/** Rows remembered of one answer; a label for a later one is not counted. */
const MOST_ROWS = 64;

interface RecentAnswer {
  readonly attribution: Attribution;
  /** Class of each row; empty for models without classes. */
  readonly classes: readonly string[];
  /** Feedback received, as `labels 0`: repeated feedback counts once. */
  readonly received: Set<string>;
}

/** The kinds of feedback on an answer. */
export type FeedbackKind = 'labels' | 'complaints' | 'anomalies' | 'texts';

export type Recalled =
  | { readonly kind: 'recalled'; readonly attribution: Attribution; readonly predicted: string | undefined }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'forgotten' };

export class RecentAnswers {
  readonly #answers = new Map<string, RecentAnswer>();

  /** An id that was given before means the newer answer from now on. */
  remember(id: string, attribution: Attribution, classes: readonly string[]): void {
    this.#answers.delete(id);
    this.#answers.set(id, { attribution, classes: classes.slice(0, MOST_ROWS), received: new Set() });
    if (this.#answers.size <= MOST_ANSWERS) return;
    for (const oldest of this.#answers.keys()) {
      this.#answers.delete(oldest);
      return;
    }
  }

  /** The answer that feedback is about, the first time that this kind of feedback arrives for this row. */
  recall(id: string, row: number, kind: FeedbackKind): Recalled {
    const answer = this.#answers.get(id);
    if (answer === undefined || row >= Math.max(1, answer.classes.length)) return { kind: 'forgotten' };
    const predicted = answer.classes[row];
    if (kind === 'labels' && predicted === undefined) return { kind: 'forgotten' };
    const mark = `${kind} ${row}`;
    if (answer.received.has(mark)) return { kind: 'repeated' };
    answer.received.add(mark);
    return { kind: 'recalled', attribution: answer.attribution, predicted };
  }
}
