// Owns the benchmark of long answers: memory of the shipped agent, and how long it keeps others waiting, while it serves 6 MB of values.
import { AgentProcess, BuiltAgent } from '../test/fleet-agent/agent-process.ts';
import { DeviceWorld, until } from '../test/fleet-agent/device-world.ts';
import { recogniser } from '../test/support/onnx-fixture.ts';
import type { Benchmark, Line } from './benchmark.ts';
import { type Spread, spreadOf } from './measure.ts';

const CHARACTERS = 6625;
/** 8 rows of 29 steps: 1,537,000 numbers, 6.1 MB as float32. */
const [ROWS, STEPS] = [8, 29];

export interface AnswersOrder {
  readonly answers: number;
  readonly clients: number;
}

export async function measureAnswers({ answers, clients }: AnswersOrder): Promise<Line[]> {
  using built = await BuiltAgent.build();
  await using world = await DeviceWorld.open();
  const ports = {
    inputs: [{ name: 'x', type: 'float32', shape: [-1, -1, 4] }],
    outputs: [{ name: 'probabilities', type: 'float32', shape: [-1, -1, CHARACTERS] }],
  };
  const spec = { interface: ports, examples: [] };
  const stable = await world.publishModel({ version: '1.0.0', onnx: recogniser(CHARACTERS), spec });
  await world.direct(world.entry({ stable }));
  await using agent = await AgentProcess.start(world, built);
  const url = await agent.url();
  const ask = async (rows: number, steps: number): Promise<number> => {
    const data = new Array<number>(rows * steps * 4).fill(0.5);
    const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [rows, steps, 4], data }] });
    const start = performance.now();
    const answer = await fetch(`${url}/v2/models/sorter/infer`, { method: 'POST', body });
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`the agent answered ${answer.status}`);
    return performance.now() - start;
  };
  await until(async () => ask(1, 1).catch(() => undefined), 'the model to serve');
  const idle = agent.resident('VmRSS');
  const waits: number[] = [];
  let isBusy = true;
  const probe = (async (): Promise<void> => {
    while (isBusy) {
      const start = performance.now();
      await (await fetch(`${url}/v2/health/live`)).arrayBuffer();
      waits.push(performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  const took: number[] = [];
  const client = async (): Promise<void> => {
    while (took.length < answers) took.push(await ask(ROWS, STEPS));
  };
  await Promise.all(Array.from({ length: clients }, client));
  isBusy = false;
  await probe;
  const one = (value: number): Spread => spreadOf([value]);
  const sorted = waits.toSorted((a, b) => a - b);
  return [
    { what: 'an answer, asked to read', unit: 'ms', ours: spreadOf(took) },
    { what: 'others wait meanwhile, median', unit: 'ms', ours: one(sorted[sorted.length >> 1] ?? 0) },
    { what: '  99%', unit: 'ms', ours: one(sorted[Math.floor(sorted.length * 0.99)] ?? 0) },
    { what: '  longest', unit: 'ms', ours: one(sorted.at(-1) ?? 0) },
    { what: 'resident before', unit: 'bytes', ours: one(idle) },
    { what: 'resident at most', unit: 'bytes', ours: one(agent.resident()) },
  ];
}

export const answersBenchmark: Benchmark = {
  name: 'answers',
  title: 'long answers of one device',
  run: async () => ({
    groups: [
      { title: '6 MB of values an answer, 1 client', lines: await measureAnswers({ answers: 12, clients: 1 }) },
      { title: '6 MB of values an answer, 4 clients', lines: await measureAnswers({ answers: 24, clients: 4 }) },
    ],
    notes: [
      "The built agent under the flags of its unit, in a process of its own. The others' wait is that of a request for its health, so that it contains the delay of its event loop.",
    ],
  }),
};
