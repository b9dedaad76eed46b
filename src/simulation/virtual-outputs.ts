// Owns what a virtual model answers beyond classes: prices, vectors, counts and texts, summed up by the agent's own code.
import { addOutputCounts, countsOfText, summarizeOutputs } from '../../fleet-agent/src/measure/output-sums.ts';
import type { Tensor } from '../../fleet-agent/src/model/tensor.ts';
import type { RandomStream } from '../base/random.ts';
import type { DeclaredOutputs } from '../contract/declared-outputs.ts';
import { directionSign } from '../contract/output-bins.ts';
import { ANSWER_ENDS, type OutputCounts } from '../contract/output-counts.ts';
import type { Behaviour } from './behaviour.ts';
import { drawFrom, logNormalTable, normal, poisson } from './sampling.ts';

const SCALARS = logNormalTable(0.5);
const TOKENS = logNormalTable(0.7);
const USUAL_SCALAR = 30;
const USUAL_TOKENS = 120;
const USUAL_DETECTIONS = 3;
const COORDINATES = 16;
/** How far the mean of a coordinate is from zero, in its standard deviations. */
const OFFSET = 0.6;
/** Share of the texts that end at their greatest length. */
const CUT_SHARE = 0.03;

export class VirtualOutputs {
  readonly #declared: DeclaredOutputs;
  readonly #random: RandomStream;

  constructor(declared: DeclaredOutputs, random: RandomStream) {
    this.#declared = declared;
    this.#random = random;
  }

  /** What so many answers were like; undefined where the manifest declares nothing. */
  read(rows: number, behaviour: Behaviour): OutputCounts | undefined {
    const { scalars, embedding, detections, text } = this.#declared;
    if (scalars.length === 0 && detections === null && text === null) return undefined;
    const numbers = scalars
      .filter(({ isNorm }) => !isNorm)
      .map(({ name, centre }) => this.#tensor(name, rows, 1, () => this.#scalar(centre, behaviour)));
    const vectors = embedding && this.#tensor(embedding.name, rows, COORDINATES, (i) => this.#coordinate(i, behaviour));
    const counted =
      detections === null
        ? null
        : this.#tensor(detections, rows, 1, () => poisson(USUAL_DETECTIONS * behaviour.outputFactor, this.#random));
    const outputs = [...numbers, ...(vectors === null ? [] : [vectors]), ...(counted === null ? [] : [counted])];
    // Text is told by the application, whoever could see it.
    const seen = summarizeOutputs(
      { ...this.#declared, text: text && { ...text, isSeen: false } },
      {
        ...{ outputs, rows, least: 0 },
      },
    );
    return text === null ? seen : this.#texts(rows, behaviour).reduce(addOutputCounts, seen ?? {});
  }

  #tensor(name: string, rows: number, width: number, draw: (coordinate: number) => number): Tensor {
    const data = Float64Array.from({ length: rows * width }, (_, i) => draw(i % width));
    return { name, datatype: 'FP64', shape: [rows, width], data };
  }

  #scalar(centre: number, { outputFactor }: Behaviour): number {
    return (centre === 0 ? USUAL_SCALAR : centre) * outputFactor * drawFrom(SCALARS, this.#random);
  }

  /** A space has its own mean of each coordinate. */
  #coordinate(coordinate: number, { otherSpace }: Behaviour): number {
    return OFFSET * directionSign(otherSpace ? 2 : 3, 0, coordinate) + normal(this.#random);
  }

  #texts(rows: number, { outputFactor }: Behaviour): OutputCounts[] {
    const [stop, length] = ANSWER_ENDS;
    return Array.from({ length: rows }, () => {
      const tokens = Math.round(USUAL_TOKENS * outputFactor * drawFrom(TOKENS, this.#random));
      const end = this.#random.next() < CUT_SHARE ? length : stop;
      return countsOfText({ tokens, ...(end === undefined ? {} : { end }) });
    });
  }
}
