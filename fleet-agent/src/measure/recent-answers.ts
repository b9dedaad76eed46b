// Owns the memory of recent answers: what was said under which id, so that a correction that comes later counts to the version that said it.
import type { Attribution } from './interval-tally.ts';

/** Answers remembered a model; the oldest are forgotten first. */
const MOST_ANSWERS = 4096;
/** Rows remembered of one answer; a label for a later one is not counted. */
const MOST_ROWS = 64;

interface RecentAnswer {
  readonly attribution: Attribution;
  /** Class of each row; empty for models without classes. */
  readonly classes: readonly string[];
  /** What was already said of it, as `labels 0`: said twice counts once. */
  readonly said: Set<string>;
}

/** What can be said of an answer. */
export type Remark = 'labels' | 'complaints' | 'anomalies';

export type Recalled =
  | { readonly kind: 'recalled'; readonly attribution: Attribution; readonly predicted: string | undefined }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'forgotten' };

export class RecentAnswers {
  readonly #answers = new Map<string, RecentAnswer>();

  /** An id that was given before means the newer answer from now on. */
  remember(id: string, attribution: Attribution, classes: readonly string[]): void {
    this.#answers.delete(id);
    this.#answers.set(id, { attribution, classes: classes.slice(0, MOST_ROWS), said: new Set() });
    if (this.#answers.size <= MOST_ANSWERS) return;
    for (const oldest of this.#answers.keys()) {
      this.#answers.delete(oldest);
      return;
    }
  }

  /** The answer of which something is said, the first time that it is said of this row. */
  recall(id: string, row: number, remark: Remark): Recalled {
    const answer = this.#answers.get(id);
    if (answer === undefined || row >= Math.max(1, answer.classes.length)) return { kind: 'forgotten' };
    const predicted = answer.classes[row];
    if (remark === 'labels' && predicted === undefined) return { kind: 'forgotten' };
    const mark = `${remark} ${row}`;
    if (answer.said.has(mark)) return { kind: 'repeated' };
    answer.said.add(mark);
    return { kind: 'recalled', attribution: answer.attribution, predicted };
  }
}
