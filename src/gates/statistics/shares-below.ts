// Owns the shares of a histogram below each of its inner edges, and how sure they are.
import { COUNTS, type HistogramTally } from './histogram-tally.ts';

/** The shares of answers below each inner edge; the sums may change below it, if `read` is called then. */
export class SharesBelow {
  readonly #tally: HistogramTally;
  readonly shares: Float64Array;
  /** By the cluster sandwich, never below that of independent draws. */
  readonly variances: Float64Array;

  constructor(tally: HistogramTally) {
    this.#tally = tally;
    this.shares = new Float64Array(tally.bins - 1);
    this.variances = new Float64Array(tally.bins - 1);
    this.read();
  }

  read(): void {
    const { bins, sums, trials, reports, trialsSquared } = this.#tally;
    const factor = reports / (reports - 3) / trials ** 2;
    const products = COUNTS + 2 * bins;
    let [count, countTrials, square] = [0, 0, 0];
    for (let k = 0; k < bins - 1; k++) {
      // Of products the half with l ≥ k is kept, row by row: row l begins where l rows of bins, bins − 1, … numbers end.
      let at = products + k;
      for (let l = 0; l < k; l++) {
        square += 2 * (sums[at] ?? 0);
        at += bins - l - 1;
      }
      square += sums[at] ?? 0;
      count += sums[COUNTS + k] ?? 0;
      countTrials += sums[COUNTS + bins + k] ?? 0;
      const share = count / trials;
      const smooth = (count + 0.5) / (trials + 1);
      const spread = square - 2 * share * countTrials + share * share * trialsSquared;
      this.shares[k] = share;
      this.variances[k] = Math.max(factor * spread, (smooth * (1 - smooth)) / trials);
    }
  }
}
