// Owns what a model is asked on a virtual device: one input, which differs between devices and from one inference to the next.
import type { RandomStream } from '../base/random.ts';
import type { Summary } from '../contract/gauges.ts';
import type { Behaviour } from './behaviour.ts';
import { factor, normal } from './sampling.ts';

/** How bright an image is on average, 0 to 255. */
export const INPUT = 'brightness';
const TYPICAL = 120;
const WHITE = 255;
/** Coefficient of variation between devices: lenses, lamps, places. */
const DEVICE_SPREAD = 0.06;
/** Standard deviation between images of one device. */
const IMAGE_SPREAD = 30;
/** So many standard deviations from the mean the least and the most are. */
const EXTREME = 2;

export class VirtualInputs {
  readonly #random: RandomStream;
  readonly #typical: number;

  constructor(random: RandomStream) {
    this.#random = random;
    this.#typical = TYPICAL * factor(DEVICE_SPREAD, random);
  }

  /** What so many inferences were asked, at least one, summed up as in reports. */
  read(inferences: number, { inputFactor }: Behaviour): Record<string, Summary> {
    const spread = IMAGE_SPREAD / Math.sqrt(inferences);
    const mean = Math.min(WHITE, Math.max(0, inputFactor * this.#typical + spread * normal(this.#random)));
    const [min, max] = [Math.max(0, mean - EXTREME * IMAGE_SPREAD), Math.min(WHITE, mean + EXTREME * IMAGE_SPREAD)];
    return { [INPUT]: { min, mean, max, samples: inferences } };
  }
}
