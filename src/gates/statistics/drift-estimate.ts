// Owns how far a histogram is from a baseline, and how much of that is noise.
import { COUNTS, type HistogramTally } from './histogram-tally.ts';

export interface DriftEstimate {
  /** ‖2√p − 2√q‖: its square is 4 times the squared Hellinger distance, at most PSI and equal to it to second order. */
  readonly distance: number;
  /** Standard deviation along the direction of the drift. */
  readonly deviation: number;
  /** Variance of the noise over all directions, by which the squared distance reads too high. */
  readonly bias: number;
}

export interface Noise {
  /** Variance along the direction asked for. */
  readonly along: number;
  /** Over all directions. */
  readonly total: number;
}

/** A histogram with what is asked of it again and again; the sums may change below it, if `read` is called then. */
class Reading {
  readonly #tally: HistogramTally;
  /** 2√p is the variance-stabilised histogram. */
  readonly roots: Float64Array;
  /** One over the root of each share, with half an answer added to each bin. */
  readonly #slopes: Float64Array;

  constructor(tally: HistogramTally) {
    this.#tally = tally;
    this.roots = new Float64Array(tally.bins);
    this.#slopes = new Float64Array(tally.bins);
    this.read();
  }

  read(): void {
    const { bins, sums, trials } = this.#tally;
    for (let k = 0; k < bins; k++) {
      const count = sums[COUNTS + k] ?? 0;
      this.roots[k] = Math.sqrt(count / trials);
      this.#slopes[k] = 1 / Math.sqrt((count + 0.5) / (trials + bins / 2));
    }
  }

  /**
   * Variance along a direction and over all of them by the cluster sandwich, never below that of independent draws. With shares p, counts
   * c and trials n of each report: Σ (s·(c − pn))² = Σ (s·c)² − 2 (s·p) Σ (s·c) n + (s·p)² Σ n².
   */
  noise(direction: Float64Array): Noise {
    const { bins, sums, trials, reports, trialsSquared } = this.#tally;
    let [along, total, mixed, plainMean, plainSquares] = [0, 0, 0, 0, 0];
    let at = COUNTS + 2 * bins;
    for (let k = 0; k < bins; k++) {
      const scale = this.#slopes[k] ?? 0;
      const slope = (direction[k] ?? 0) * scale;
      const share = (sums[COUNTS + k] ?? 0) / trials;
      const countTrials = sums[COUNTS + bins + k] ?? 0;
      const square = sums[at++] ?? 0;
      total += (square - 2 * share * countTrials + share * share * trialsSquared) * scale * scale;
      let others = 0;
      for (let l = k + 1; l < bins; l++) others += (direction[l] ?? 0) * (this.#slopes[l] ?? 0) * (sums[at++] ?? 0);
      along += slope * (slope * square + 2 * others);
      mixed += slope * countTrials;
      plainMean += slope * share;
      plainSquares += slope * slope * share;
    }
    along += plainMean * (plainMean * trialsSquared - 2 * mixed);
    const factor = reports / (reports - 3) / (trials * trials);
    return {
      along: Math.max(factor * along, (plainSquares - plainMean ** 2) / trials),
      total: Math.max(factor * total, (bins - 1) / trials),
    };
  }

  /** The sandwich without a direction, and what independent draws would have: slope·share and slope²·share of each bin. */
  writeCovariances(sandwich: Float64Array, means: Float64Array, squares: Float64Array): void {
    const { bins, sums, trials, reports, trialsSquared } = this.#tally;
    const factor = reports / (reports - 3) / (trials * trials);
    const share = (k: number): number => (sums[COUNTS + k] ?? 0) / trials;
    const countTrials = (k: number): number => sums[COUNTS + bins + k] ?? 0;
    let at = 0;
    for (let k = 0; k < bins; k++) {
      const slope = this.#slopes[k] ?? 0;
      means[k] = slope * share(k);
      squares[k] = slope * slope * share(k);
      for (let l = k; l < bins; l++, at++) {
        const product = sums[COUNTS + 2 * bins + at] ?? 0;
        const covariance =
          product - share(k) * countTrials(l) - share(l) * countTrials(k) + share(k) * share(l) * trialsSquared;
        sandwich[at] = (l === k ? 1 : 2) * factor * slope * (this.#slopes[l] ?? 0) * covariance;
      }
    }
  }
}

/** The noise of a histogram that does not change, asked for along many directions: all that does not depend on them is worked out once. */
class FixedNoise {
  /** Covariances of the scaled shares: the diagonal and what lies right of it, which counts twice. */
  readonly #sandwich: Float64Array;
  readonly #means: Float64Array;
  readonly #squares: Float64Array;
  readonly #trials: number;
  readonly #total: number;

  constructor(tally: HistogramTally, reading: Reading) {
    const { bins, trials } = tally;
    this.#trials = trials;
    this.#sandwich = new Float64Array((bins * (bins + 1)) / 2);
    this.#means = new Float64Array(bins);
    this.#squares = new Float64Array(bins);
    this.#total = reading.noise(new Float64Array(bins)).total;
    reading.writeCovariances(this.#sandwich, this.#means, this.#squares);
  }

  noise(direction: Float64Array): Noise {
    const bins = direction.length;
    let [along, mean, squares, at] = [0, 0, 0, 0];
    for (let k = 0; k < bins; k++) {
      const part = direction[k] ?? 0;
      let row = 0;
      for (let l = k; l < bins; l++) row += (this.#sandwich[at++] ?? 0) * (direction[l] ?? 0);
      along += part * row;
      mean += part * (this.#means[k] ?? 0);
      squares += part * part * (this.#squares[k] ?? 0);
    }
    return { along: Math.max(along, (squares - mean ** 2) / this.#trials), total: this.#total };
  }
}

/** What an estimate is made of. */
export interface DriftParts {
  readonly distance: number;
  readonly own: Noise;
  readonly base: Noise;
}

/** Compares histograms with one baseline. */
export class DriftMeter {
  readonly #baseline: Reading;
  readonly #noise: FixedNoise;
  readonly #direction: Float64Array;

  constructor(baseline: HistogramTally) {
    this.#baseline = new Reading(baseline);
    this.#noise = new FixedNoise(baseline, this.#baseline);
    this.#direction = new Float64Array(baseline.bins);
  }

  /** A way to measure a candidate whose sums change in place. */
  of(candidate: HistogramTally): () => DriftEstimate {
    const parts = this.partsOf(candidate);
    return () => {
      const { distance, own, base } = parts();
      return { distance, deviation: Math.sqrt(own.along + base.along), bias: own.total + base.total };
    };
  }

  /** The same with the noise of either side. */
  partsOf(candidate: HistogramTally): () => DriftParts {
    const reading = new Reading(candidate);
    return () => {
      reading.read();
      return this.#measure(reading);
    };
  }

  #measure(candidate: Reading): DriftParts {
    const direction = this.#direction;
    let squares = 0;
    for (let k = 0; k < direction.length; k++) {
      const apart = (candidate.roots[k] ?? 0) - (this.#baseline.roots[k] ?? 0);
      direction[k] = apart;
      squares += apart * apart;
    }
    const half = Math.sqrt(squares);
    for (let k = 0; k < direction.length; k++) direction[k] = half > 0 ? (direction[k] ?? 0) / half : 0;
    return { distance: 2 * half, own: candidate.noise(direction), base: this.#noise.noise(direction) };
  }
}
