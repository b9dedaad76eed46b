// Owns the benchmark of the read model and its stream: 100,000 devices, 200 rollouts, 200 open pages.
import type { Benchmark, BenchmarkResult, Line } from './benchmark.ts';
import { NOW, openPage, Screen, type Size } from './dashboard-screen.ts';
import { heapBytes, processorMs, repeatMs, type Spread, spreadOf, timeMs } from './measure.ts';

const one = (value: number): Spread => spreadOf([value]);

async function measureAnswers(screen: Screen): Promise<Line[]> {
  const lines: Line[] = [];
  const addresses = ['/v1/overview', '/v1/rollouts', '/v1/rollouts/rollout-7', '/v1/versions'];
  const pages = ['/', '/rollouts/rollout-7', '/service'];
  for (const where of [...addresses, ...pages]) {
    const fresh: number[] = [];
    for (let i = 0; i < 7; i++) {
      screen.cycle();
      fresh.push(await timeMs(() => screen.ask(where)));
    }
    const again = await repeatMs(() => screen.ask(where));
    lines.push({ what: `GET ${where}, first after a change`, unit: 'ms', ours: spreadOf(fresh) });
    lines.push({ what: `GET ${where}, again`, unit: 'ms', ours: again });
  }
  return lines;
}

async function measureStream(screen: Screen): Promise<Line[]> {
  const pages = await Promise.all(Array.from({ length: screen.size.pages }, () => openPage(screen.url)));
  const heard: number[] = [];
  const read: number[] = [];
  for (let i = 0; i < 5; i++) {
    const all = Promise.all(pages.map((page) => page.next()));
    heard.push(
      await timeMs(async () => {
        screen.cycle();
        await all;
      }),
    );
    const eachReads = pages.map((page) => page.next().then(() => screen.ask('/v1/overview')));
    read.push(
      await timeMs(async () => {
        screen.cycle();
        await Promise.all(eachReads);
      }),
    );
  }
  for (const page of pages) page.close();
  return [
    { what: `a change, until ${pages.length} open pages heard of it`, unit: 'ms', ours: spreadOf(heard) },
    { what: '… and each read the overview anew', unit: 'ms', ours: spreadOf(read) },
  ];
}

export async function measureDashboard(size: Size): Promise<readonly Line[]> {
  await using screen = await Screen.open(size);
  const { model } = screen.dashboard;
  screen.cycle();
  const before = heapBytes();
  const first = await processorMs(() => model.keep(NOW));
  for (let i = 1; i <= size.points; i++) {
    screen.cycle();
    await model.keep(NOW + i * 6_000);
  }
  await model.settle();
  const counting = await processorMs(() => model.keep(NOW + 1e9));
  const cycles = await repeatMs(() => screen.cycle(), { clock: processorMs });
  const answers = await measureAnswers(screen);
  const grown = heapBytes() - before;
  return [
    { what: 'a cycle in which every rollout moved, processor time', unit: 'ms', ours: cycles },
    { what: 'counting the fleet, processor time', unit: 'ms', ours: one(first) },
    { what: 'noting and writing the curves of all rules, processor time', unit: 'ms', ours: one(counting) },
    ...answers,
    ...(await measureStream(screen)),
    { what: 'memory that read model and curves take', unit: 'bytes', ours: one(grown) },
  ];
}

export const dashboardBenchmark: Benchmark = {
  name: 'dashboard',
  title: 'the screen: read model, answers and stream',
  run: async (say): Promise<BenchmarkResult> => {
    const size: Size = { devices: 100_000, rollouts: 200, rules: 10, pages: 200, points: 60 };
    say(`${size.devices} devices, ${size.rollouts} rollouts of ${size.rules} rules, ${size.pages} open pages`);
    const lines = await measureDashboard(size);
    const title = `${size.devices} devices, ${size.rollouts} rollouts that all roll, ${size.rules} rules each`;
    const notes = [
      'Times of answers are those of a client in the same process, so they hold its own work as well. Answers are packed by gzip once for all readers, as browsers ask for them.',
    ];
    return { groups: [{ title, lines }], notes };
  },
};
