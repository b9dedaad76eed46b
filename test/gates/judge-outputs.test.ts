// Laws of rules over outputs that are no classes, on tallies that the real folding made of what the real agent sums up.
import { describe, expect, test } from 'vitest';
import { summarizeOutputs } from '../../fleet-agent/src/measure/output-sums.ts';
import { type RandomStream, seededRandom } from '../../src/base/random.ts';
import { type DeclaredOutputs, declaredOutputs } from '../../src/contract/declared-outputs.ts';
import { addToOutputSketch, emptyOutputSketch, outputEdges } from '../../src/contract/output-sketch.ts';
import type { OutputTensor } from '../../src/contract/types.generated.ts';
import type { DeclaredByArm } from '../../src/documents/comparable-outputs.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import { drawFrom, logNormalTable, normal, poisson } from '../../src/simulation/sampling.ts';
import { foldReport } from '../../src/telemetry/fold-report.ts';
import type { WindowSpec } from '../../src/telemetry/window.ts';
import { applyFold, emptyWindowTallies, type WindowTallies } from '../../src/telemetry/window-tallies.ts';
import { CANDIDATE, makeInterval, makeReport, makeSpec, STABLE } from '../telemetry/false-reports.ts';
import { ask, rules } from './false-evidence.ts';

const MINUTE = 60_000;
const WIDTH = 32;
const PRICE: OutputTensor = { name: 'price', type: 'float64', shape: [-1, 1], kind: 'scalar' };
const VECTOR: OutputTensor = { name: 'v', type: 'float64', shape: [-1, WIDTH], kind: 'embedding', space: 's1' };
const COUNT: OutputTensor = { name: 'n', type: 'float64', shape: [-1, 1], kind: 'detections' };
const DECLARED = declaredOutputs([PRICE, VECTOR, COUNT]);
const PRICES = logNormalTable(0.5);

interface Model {
  readonly factor?: number;
  readonly odd?: number;
  readonly detections?: number;
  /** Added to the first coordinates of each vector, of standard deviation 1. */
  readonly shift?: readonly [coordinates: number, by: number];
  /** Of the vectors of its space. */
  readonly isElsewhere?: boolean;
}

/** What 60 answers of a model add to a report. */
function answers(
  { factor = 1, odd = 0, detections = 3, shift = [0, 0], isElsewhere = false }: Model,
  random: RandomStream,
) {
  const rows = 60;
  const tensor = (name: string, width: number, draw: (place: number) => number) => {
    const data = Float64Array.from({ length: rows * width }, (_, i) => draw(i % width));
    return { name, datatype: 'FP64', shape: [rows, width], data } as const;
  };
  const outputs = [
    tensor('price', 1, () => (random.next() < odd ? Number.NaN : 30 * factor * drawFrom(PRICES, random))),
    tensor('n', 1, () => poisson(detections, random)),
    tensor(
      'v',
      WIDTH,
      (i) => (isElsewhere === (i % 2 === 0) ? 0.6 : -0.6) + (i < shift[0] ? shift[1] : 0) + normal(random),
    ),
  ];
  return summarizeOutputs(DECLARED, { outputs, rows, least: 0 })!;
}

const edges = outputEdges(addToOutputSketch(emptyOutputSketch(), answersOf(200).scalars!.price!));
function answersOf(reports: number) {
  const random = seededRandom(1, 'past');
  const all = Array.from({ length: reports }, () => answers({}, random).scalars!.price!);
  const sketch = emptyOutputSketch();
  for (const one of all) addToOutputSketch(sketch, one);
  const flat = (side: ReadonlyMap<number, number>) => {
    let before = 0;
    return [...side]
      .sort(([a], [b]) => a - b)
      .flatMap(([index, count]) => {
        const step = index - before;
        before = index;
        return [step, count];
      });
  };
  return {
    scalars: { price: { centre: 0, zero: sketch.zero, odd: 0, plus: flat(sketch.plus), minus: flat(sketch.minus) } },
  };
}

const spec: WindowSpec = makeSpec({
  classes: [],
  histograms: [
    { kind: 'output', name: 'price', centre: 0, edges },
    { kind: 'detections' },
    ...Array.from({ length: 8 }, (_, direction) => ({ kind: 'direction' as const, direction, space: 's1' })),
  ],
  events: ['odd'],
});

function walk(seed: string, minutes: number, candidate: Model, devices = 10): WindowTallies {
  const random = seededRandom(seed, 'outputs');
  const tallies = emptyWindowTallies(spec);
  for (let minute = 0; minute < minutes; minute++) {
    for (const [arm, count, model] of [['candidate', devices, candidate] as const, ['stable', 20, {}] as const]) {
      for (let d = 0; d < count; d++) {
        const digest = arm === 'candidate' ? CANDIDATE : STABLE;
        const interval = makeInterval({ arm, digest, inferences: 60, outputs: answers(model, random) });
        for (const one of foldReport(spec, makeReport(`${arm}-${d}`, [interval], minute + 1), minute * MINUTE + d))
          applyFold(tallies, one);
      }
    }
  }
  return tallies;
}

function judge({ candidate, stable: baseline }: WindowTallies, minutes: number, rule: string, outputs?: DeclaredByArm) {
  const question = ask({
    ...{ rules: rules(rule), candidate, baseline, openMs: minutes * MINUTE },
    ...{ minimum: { devices: 1, inferences: 0 }, ...(outputs === undefined ? {} : { outputs }) },
  });
  return judgeStage(question).rules[0]!;
}

describe('output_drift', () => {
  test('finds prices that are a quarter higher, and says which', () => {
    const verdict = judge(walk('higher', 4, { factor: 1.25 }), 4, 'output_drift[price] < 0.1');
    expect(verdict.verdict).toBe('fail');
    expect(verdict.estimate).toBeGreaterThan(0.15);
    expect(verdict.reasons).toMatchObject([{ kind: 'output-moved', bin: { kind: 'values' } }]);
  });

  test('passes what did not move, and what moved by less than its limit', () => {
    for (let run = 0; run < 20; run++) {
      expect(judge(walk(`same ${run}`, 10, {}), 10, 'output_drift[price] < 0.1').verdict).toBe('pass');
      expect(judge(walk(`little ${run}`, 10, { factor: 1.13 }), 10, 'output_drift[price] < 0.1').verdict).not.toBe(
        'fail',
      );
    }
  });

  test('reads an output that the window does not keep as not measured', () => {
    const verdict = judge(walk('other', 3, {}), 3, 'output_drift[cost] < 0.1');
    expect(verdict).toMatchObject({ verdict: 'undecided', reasons: [{ kind: 'not-measured' }] });
  });
});

describe('embedding_drift', () => {
  test('finds another space, and four of 32 coordinates that moved by a standard deviation', () => {
    for (const model of [{ isElsewhere: true }, { shift: [4, 1.4] as const }]) {
      const verdict = judge(walk('elsewhere', 6, model), 6, 'embedding_drift < 0.1');
      expect(verdict).toMatchObject({ verdict: 'fail', reasons: [{ bin: { kind: 'direction' } }] });
    }
  });

  test('passes what did not move, and needs all directions for it', () => {
    for (let run = 0; run < 10; run++)
      expect(judge(walk(`same ${run}`, 10, {}), 10, 'embedding_drift < 0.1').verdict).toBe('pass');
    const one = walk('one', 10, {});
    const moved = walk('moved', 10, { isElsewhere: true });
    // Of one direction alone, and too little to fail.
    expect(judge(one, 10, 'embedding_drift < 0.0001').verdict).not.toBe('pass');
    expect(judge(moved, 10, 'embedding_drift < 0.1').within).toBe(false);
  });

  test('one device in another space is named, and does not fail the stage', () => {
    const tallies = walk('good', 16, {}, 4);
    tallies.candidate.add('odd', walk('odd', 16, { isElsewhere: true }, 1).candidate.read('candidate-0')!);
    const verdict = judge(tallies, 16, 'embedding_drift < 0.05');
    expect(verdict.verdict).toBe('undecided');
    expect(verdict).toMatchObject({ worstDevice: 'odd', reasons: [{ kind: 'one-device' }] });
  });
});

test('detections_drift finds a model that sees fewer things, and odd_outputs one that says NaN', () => {
  const fewer = walk('fewer', 6, { detections: 2.2, odd: 0.03 });
  expect(judge(fewer, 6, 'detections_drift < 0.1')).toMatchObject({
    ...{ verdict: 'fail', reasons: [{ bin: { kind: 'detections' } }] },
  });
  expect(judge(fewer, 6, 'odd_outputs < 0.1%').verdict).toBe('fail');
  const same = walk('same', 12, {});
  expect(judge(same, 12, 'detections_drift < 0.1').verdict).toBe('pass');
  expect(judge(same, 12, 'odd_outputs < 0.1%').verdict).toBe('pass');
});

describe('what the manifests do not let compare is undecided at once, and says why', () => {
  const tallies = walk('elsewhere', 3, { factor: 2, isElsewhere: true });
  const other = (change: Partial<OutputTensor>): DeclaredOutputs => declaredOutputs([{ ...PRICE, ...change }, VECTOR]);
  const ownSpace = ({ space: _, ...vector }: OutputTensor) => declaredOutputs([PRICE, vector]);
  test.each<[string, string, DeclaredByArm, object]>([
    ['another centre', 'output_drift[price] < 0.1', { candidate: other({ centre: 5 }) }, { kind: 'other-centre' }],
    ['no such output', 'output_drift[price] < 0.1', { candidate: declaredOutputs([]) }, { kind: 'not-declared' }],
    ['a space of its own', 'embedding_drift < 0.1', { candidate: ownSpace(VECTOR) }, { kind: 'other-space' }],
    ['no text', 'length_drift < 0.1', {}, { kind: 'not-declared', by: 'candidate' }],
  ])('%s', (_, rule, declared, why) => {
    const verdict = judge(tallies, 3, rule, { candidate: DECLARED, stable: DECLARED, ...declared });
    expect(verdict).toMatchObject({ verdict: 'undecided', reasons: [{ kind: 'not-comparable', why }] });
  });

  test('and what they let compare is compared', () => {
    const both = { candidate: DECLARED, stable: DECLARED };
    expect(judge(tallies, 3, 'output_drift[price] < 0.1', both).verdict).toBe('fail');
    expect(judge(tallies, 3, 'embedding_drift < 0.1', both).verdict).toBe('fail');
  });
});
