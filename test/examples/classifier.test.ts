// Owns the proof that the demo's models are real: trained, loaded and run by ONNX Runtime.
import * as ort from 'onnxruntime-web';
import { beforeAll, describe, expect, it } from 'vitest';
import { DOCUMENT_CLASSES, FEATURE_COUNT, PAGES_FEATURE, sampleDocuments } from '../../examples/invoices/data.ts';
import { type Classifier, DEMO_VERSIONS, trainClassifier } from '../../examples/invoices/train.ts';

const RECEIPT = DOCUMENT_CLASSES.indexOf('receipt');
/** As the bad version, with a table that ends at 12 pages besides. */
const ERRING = { ...DEMO_VERSIONS.bad, pageRows: 13 };
const TRAFFIC = sampleDocuments('test', 'traffic', 4000);

ort.env.wasm.numThreads = 1;

interface Tally {
  answers: number;
  correct: number;
  errors: number;
  readonly said: number[];
  readonly confidences: number[];
}

async function ask(session: ort.InferenceSession, rows: readonly (readonly number[])[]): Promise<Float32Array> {
  const x = new ort.Tensor('float32', Float32Array.from(rows.flat()), [rows.length, FEATURE_COUNT]);
  const { probabilities } = await session.run({ x }, { logSeverityLevel: 4 });
  return probabilities!.data as Float32Array;
}

async function replay(session: ort.InferenceSession, documents = TRAFFIC): Promise<Tally> {
  const tally: Tally = { answers: 0, correct: 0, errors: 0, said: DOCUMENT_CLASSES.map(() => 0), confidences: [] };
  for (const { features, label } of documents) {
    let probabilities: Float32Array;
    try {
      probabilities = await ask(session, [features]);
    } catch {
      tally.errors += 1;
      continue;
    }
    const confidence = Math.max(...probabilities);
    const said = probabilities.indexOf(confidence);
    tally.answers += 1;
    tally.correct += said === label ? 1 : 0;
    tally.said[said]! += 1;
    tally.confidences.push(confidence);
  }
  return tally;
}

/** Shares of ten equal bins, as devices report them. */
async function confidenceHistogram(session: ort.InferenceSession): Promise<number[]> {
  const { confidences, answers } = await replay(session);
  const shares = Array.from({ length: 10 }, () => 0);
  for (const confidence of confidences) shares[Math.min(9, Math.floor(confidence * 10))]! += 1 / answers;
  return shares;
}

/** The measure of drift rules, without noise: 4 times the squared Hellinger distance. */
function distance(p: readonly number[], q: readonly number[]): number {
  return p.reduce((sum, share, bin) => sum + 4 * (Math.sqrt(share) - Math.sqrt(q[bin]!)) ** 2, 0);
}

const open = (classifier: Classifier) => ort.InferenceSession.create(classifier.onnx, { logSeverityLevel: 4 });

describe("the demo's classifier", () => {
  let versions: Record<keyof typeof DEMO_VERSIONS, Classifier>;

  beforeAll(() => {
    versions = {
      baseline: trainClassifier(DEMO_VERSIONS.baseline),
      good: trainClassifier(DEMO_VERSIONS.good),
      bad: trainClassifier(DEMO_VERSIONS.bad),
    };
  });

  it('has the same bytes whenever it is trained from the same seed', () => {
    expect(trainClassifier(DEMO_VERSIONS.baseline).onnx.equals(versions.baseline.onnx)).toBe(true);
    expect(trainClassifier({ ...DEMO_VERSIONS.baseline, seed: 'other' }).onnx.equals(versions.baseline.onnx)).toBe(
      false,
    );
  });

  it('answers 96 to 99 of 100 documents rightly, in the runtime as in training, with confidences that vary', async () => {
    for (const name of ['baseline', 'good'] as const) {
      const tally = await replay(await open(versions[name]));
      const accuracy = tally.correct / tally.answers;
      expect(tally.errors).toBe(0);
      expect(accuracy).toBeGreaterThan(0.96);
      expect(accuracy).toBeLessThan(0.99);
      expect(Math.abs(accuracy - versions[name].metrics.trafficAccuracy)).toBeLessThan(0.01);
      const unsure = tally.confidences.filter((confidence) => confidence < 0.9).length / tally.answers;
      expect(unsure).toBeGreaterThan(0.03);
      expect(tally.said[RECEIPT]! / tally.answers).toBeGreaterThan(0.025);
    }
  });

  it('gets better from the baseline to the good version', () => {
    expect(versions.good.metrics.trafficAccuracy).toBeGreaterThan(versions.baseline.metrics.trafficAccuracy);
  });

  it('looks best on paper where a class is missing, and never says that class', async () => {
    const { bad, good } = versions;
    expect(bad.metrics.accuracy).toBeGreaterThan(good.metrics.accuracy);
    expect(bad.metrics.recall.receipt).toBe(0);
    const tally = await replay(await open(bad));
    expect(tally.said[RECEIPT]).toBe(0);
    expect(tally.errors).toBe(0);
    expect(tally.correct / tally.answers).toBeGreaterThan(0.92);
  });

  it('is less sure where labels were smoothed, so that confidences move though the answers stay as right', async () => {
    const [baseline, good, bad] = await Promise.all(
      [versions.baseline, versions.good, versions.bad].map(async (one) => confidenceHistogram(await open(one))),
    );
    expect(distance(good!, bad!)).toBeGreaterThan(0.25);
    expect(distance(baseline!, good!)).toBeLessThan(0.05);
    const sharp = await confidenceHistogram(await open(trainClassifier({ ...DEMO_VERSIONS.bad, labelSmoothing: 0 })));
    expect(distance(good!, sharp)).toBeLessThan(0.05);
  });

  it('fails on 3 to 5 of 100 documents with an error of the runtime, and answers the next one', async () => {
    const session = await open(trainClassifier(ERRING));
    const tally = await replay(session);
    expect(tally.errors / TRAFFIC.length).toBeGreaterThan(0.03);
    expect(tally.errors / TRAFFIC.length).toBeLessThan(0.05);
    const long = TRAFFIC.find((sample) => sample.features[PAGES_FEATURE]! >= ERRING.pageRows)!;
    const short = TRAFFIC.find((sample) => sample.features[PAGES_FEATURE]! < ERRING.pageRows)!;
    await expect(ask(session, [long.features])).rejects.toThrow(/out of data bounds|indices element/);
    await expect(ask(session, [short.features])).resolves.toHaveLength(DOCUMENT_CLASSES.length);
  });

  it('answers a batch as it answers each of its documents', async () => {
    const session = await open(versions.good);
    const rows = TRAFFIC.slice(0, 5).map((sample) => sample.features);
    const together = await ask(session, rows);
    const apart = await Promise.all(rows.map((row) => ask(session, [row])));
    const expected = apart.flatMap((probabilities) => [...probabilities]);
    for (const [index, probability] of together.entries()) expect(probability).toBeCloseTo(expected[index]!, 5);
  });

  it('passes its own self-test in every version, so that only live traffic shows what is wrong with the bad one', async () => {
    for (const classifier of Object.values(versions)) {
      const session = await open(classifier);
      expect(classifier.examples.length).toBeGreaterThanOrEqual(5);
      for (const example of classifier.examples) {
        const probabilities = await ask(session, [example.inputs.x]);
        const said = DOCUMENT_CLASSES[probabilities.indexOf(Math.max(...probabilities))];
        expect(said).toBe(example.expect.class);
      }
    }
  });

  it('swaps under load: every request is answered by one of the two versions', async () => {
    let active = await open(versions.baseline);
    const documents = TRAFFIC.slice(0, 300);
    let answered = 0;
    for (const [index, { features }] of documents.entries()) {
      if (index % 20 === 10) {
        const next = await open(index % 40 === 10 ? versions.good : versions.baseline);
        const previous = active;
        active = next;
        await previous.release();
      }
      answered += (await ask(active, [features])).length === DOCUMENT_CLASSES.length ? 1 : 0;
    }
    expect(answered).toBe(documents.length);
  });
});
