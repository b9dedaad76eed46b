// Laws of traces of steps: each step is one trace with the phases that made it, and the devices that took it are in it.
import { expect, test } from 'vitest';
import type { SpanFacts } from '../../src/base/tracer.ts';
import type { DeviceReport } from '../../src/contract/report.ts';
import { StepTraces } from '../../src/reconcile/step-traces.ts';
import { LoopWorld, ROLLOUT } from './loop-world.ts';

const tracesOf = (spans: readonly SpanFacts[]) => Map.groupBy(spans, ({ trace }) => trace.join(' '));

test('a step is one trace named by rollout, revision and commit, with the phases from looking to publishing', async () => {
  const world = await LoopWorld.rolling();
  const [start] = world.pushes.flat();
  const own = world.spans.filter(({ trace }) => trace[2] === start?.commit);
  expect(own[0]).toMatchObject({ parent: null, trace: [ROLLOUT, '2', start?.commit], name: `start ${ROLLOUT}` });
  const names = own.slice(1).map(({ name }) => name);
  for (const phase of ['fetch', 'observe', 'decide', 'push', 'publish']) expect(names).toContain(phase);
  expect(names.indexOf('push')).toBeLessThan(names.lastIndexOf('publish'));
  const keys = new Set(own.map(({ key }) => key));
  expect(keys.size).toBe(own.length);
  expect(own.every(({ parent }) => parent === null || keys.has(parent))).toBe(true);
});

test('a device is traced from the first report that shows it at work to its outcome, and its report until it is judged', async () => {
  const spans: SpanFacts[] = [];
  const world = await LoopWorld.rolling();
  const [step] = world.pushes.flat();
  if (step === undefined) throw new Error('no step');
  const traces = new StepTraces({ record: (span) => void spans.push(span) });
  traces.notePhase({ name: 'observe', startMs: 0, endMs: 1 });
  traces.events().onSteps?.([step]);
  const of = (state: string, outcomes: unknown[] = []) =>
    ({
      ...{ device: 'd1', sequence: 7, outcomes },
      states: [{ rollout: ROLLOUT, revision: 2, state, subject: { digest: 'sha256:1', attempt: 1 } }],
    }) as unknown as DeviceReport;
  const outcome = {
    rollout: ROLLOUT,
    revision: 2,
    kind: 'failed',
    reason: 'trial',
    message: 'too many errors',
    at: 'x',
  };
  traces.noteReports({ reports: [of('fetching')], receivedMs: 100, storedMs: 101 });
  traces.noteReports({ reports: [of('trial')], receivedMs: 200, storedMs: 201 });
  traces.noteReports({ reports: [of('failed', [outcome])], receivedMs: 300, storedMs: 301 });
  expect(spans.map(({ name, startMs, endMs }) => [name, startMs, endMs])).toEqual([
    ['update d1', 100, 300],
    ['download', 100, 200],
    ['trial', 200, 300],
  ]);
  expect(spans[0]).toMatchObject({ parent: 'step', failure: 'trial: too many errors' });
  traces.notePhase({ name: 'decide', startMs: 350, endMs: 360 });
  expect(spans.slice(3).map(({ name, startMs, endMs }) => [name, startMs, endMs])).toEqual([
    ['report d1', 300, 360],
    ['store and count', 300, 301],
    ['judge', 301, 360],
  ]);
});

test('of a step only the first devices are traced, and no report of another rollout is', async () => {
  const spans: SpanFacts[] = [];
  const world = await LoopWorld.rolling();
  const [step] = world.pushes.flat();
  if (step === undefined) throw new Error('no step');
  const traces = new StepTraces({ record: (span) => void spans.push(span) });
  traces.events().onSteps?.([step]);
  const outcomeOf = (rollout: string) => ({
    rollout,
    revision: 2,
    kind: 'committed',
    reason: null,
    message: '',
    at: '',
  });
  const report = (i: number, rollout = ROLLOUT) =>
    ({ device: `d${i}`, sequence: 1, states: [], outcomes: [outcomeOf(rollout)] }) as unknown as DeviceReport;
  const reports = Array.from({ length: 5_000 }, (_, i) => report(i));
  traces.noteReports({ reports: [...reports, report(1, 'other')], receivedMs: 1, storedMs: 2 });
  expect(spans.filter(({ name }) => name.startsWith('update '))).toHaveLength(100);
  traces.notePhase({ name: 'decide', startMs: 3, endMs: 4 });
  expect(spans.length).toBeLessThan(2_000);
  expect(tracesOf(spans).size).toBe(1);
});
