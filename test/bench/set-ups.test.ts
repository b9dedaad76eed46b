// Owns the proof that each benchmark measures what it says, at the smallest size; times are never tested.
import { describe, expect, test } from 'vitest';
import { measureAnswers } from '../../bench/answers.ts';
import { measureDashboard } from '../../bench/dashboard.ts';
import { measureCohort, measureDirective } from '../../bench/directive.ts';
import { measureMemory } from '../../bench/memory.ts';
import { printed } from '../../bench/print.ts';
import { ReconcileBench } from '../../bench/reconcile.ts';
import { measureHttp, measureInside, ReportServers } from '../../bench/reports.ts';
import { measureSwaps } from '../../bench/swap.ts';
import { measureVerification } from '../../bench/verification.ts';

const figure = (value: number) => ({ median: value, least: value, most: value, runs: 1 });

describe('the benchmarks', () => {
  test('reconcile: statuses in the steady state are authentic, a new desired version starts a rollout, and both sides meet the same change', async () => {
    await using bench = await ReconcileBench.create(20);
    expect((await bench.reconcile()).map((cycle) => cycle.kind)).toEqual(['in-step']);
    const { outlooks } = bench.composed.reconciler.view();
    expect(outlooks.map((one) => [one.stable, one.revision])).toEqual([
      ['1.0.0', 4],
      ['1.0.0', 4],
    ]);
    await bench.set.release(0, '2.0.0');
    await bench.set.desire(0, '2.0.0');
    expect((await bench.reconcile()).map((cycle) => cycle.kind)).toEqual(['stepped', 'in-step']);
    expect(bench.stageOf(0)).toBe('canary');
    expect((await bench.meet(() => bench.set.desire(0, '1.0.0'), false)).git).toBeGreaterThan(0);
    expect(bench.stageOf(0)).toBeNull();
  });

  test('reports: every one is accepted, one a request and eight', async () => {
    await using servers = await ReportServers.start(3);
    const order = { requests: 6, runs: 1, connections: 2 };
    expect((await measureHttp(servers.ready, { ...order, batch: 1 }, 1)).perSecond.runs).toBe(1);
    expect((await measureHttp(servers.ready, { ...order, batch: 8 }, 100)).barePerSecond.median).toBeGreaterThan(0);
    expect(await measureInside(3, 1)).toHaveLength(3);
  });

  test('dashboard: every answer is good, and every page hears of every change', async () => {
    const lines = await measureDashboard({ devices: 50, rollouts: 9, rules: 3, pages: 4, points: 3 });
    expect(lines.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['GET /v1/overview, again', 'a change, until 4 open pages heard of it']),
    );
    for (const { ours } of lines) expect(ours.median).toBeDefined();
  });

  test('memory: a fleet that was filled is read by another process', async () => {
    const { lines } = await measureMemory(30, 1);
    expect(lines[0]?.ours.median).toBeGreaterThan(0);
  });

  test('verification: whatever is measured is verified', async () => {
    expect(await measureVerification({ documents: 2, runs: 1 })).toHaveLength(5);
  });

  test('swap: the new version answers, the old one again, and no request fails', async () => {
    const lines = await measureSwaps({ swaps: 1, clients: 2 });
    expect(lines.find((line) => line.what.includes('failed'))?.ours.median).toBe(0);
  });

  test('answers: they are served by an agent of its own, whose memory is read', async () => {
    const lines = await measureAnswers({ answers: 1, clients: 1 });
    expect(lines.find((line) => line.what === 'resident at most')?.ours.median).toBeGreaterThan(1e6);
  });

  test('directive: each device finds its assignment', async () => {
    expect(measureDirective(2, 3)).toHaveLength(3);
    expect(await measureCohort(100)).toHaveLength(2);
  });
});

test('a ratio to a peer is said as it is, also where it is not flattering', () => {
  const peer = { what: 'peer', spread: figure(10) };
  const line = (unit: 'ms' | '/s', value: number) => ({ what: unit, unit, ours: figure(value), peer });
  const text = printed({
    groups: [{ title: 'all', lines: [line('ms', 20), line('ms', 5), line('/s', 5), line('/s', 40)] }],
    notes: [],
  });
  expect(text.match(/\S+x \w+/g)).toEqual(['2.00x slower', '2.00x faster', '2.00x slower', '4.00x faster']);
});
