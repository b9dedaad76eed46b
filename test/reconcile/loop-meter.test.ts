// Laws of the loop's metrics: they tell how rollouts, rules and devices stand, how long a revert took, and a scrape stays cheap.
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { expect, test } from 'vitest';
import { Metrics } from '../../src/base/metrics.ts';
import type { Digest } from '../../src/contract/digest.ts';
import type { ModelState } from '../../src/contract/report.ts';
import type { KnownFleet } from '../../src/measurement/known-fleet.ts';
import { meterDevices } from '../../src/reconcile/device-readings.ts';
import { meterRollouts } from '../../src/reconcile/rollout-readings.ts';
import { NOTHING_YET } from '../../src/reconcile/service-view.ts';
import type { Outlook } from '../../src/rollout/outlook.ts';
import { rolloutStateOf } from '../../src/rollout/rollout-state.ts';
import type { DeviceRecord } from '../../src/store/device-register.ts';
import { findPromtool, requireService } from '../support/prometheus.ts';
import { LoopWorld, MODEL, ROLLOUT } from './loop-world.ts';

const promtool = findPromtool();
requireService(promtool, 'promtool', 'PROMTOOL_BIN');

function checkMetrics(text: string): string {
  return execFileSync(promtool ?? '', ['check', 'metrics'], { input: text, encoding: 'utf8', stdio: 'pipe' });
}

function seriesValue(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

test('a rollout that goes bad is seen in trouble, then reverted, with the time that the revert took', async () => {
  const world = await LoopWorld.rolling({ isBad: true });
  const rolling = world.metrics.write();
  expect(rolling).toContain(
    `slipway_rollout_info{rollout="${ROLLOUT}",model="${MODEL}",state="rolling",stage="canary",candidate="2.0.0",stable="1.0.0"} 1`,
  );
  expect(seriesValue(rolling, 'slipway_steps_total{kind="start"}')).toBe(1);
  expect(seriesValue(rolling, 'slipway_rule_limit{rollout="sorter",rule="error_rate < 20%"}')).toBe(0.2);
  expect(seriesValue(rolling, 'slipway_rollout_devices_expected{rollout="sorter"}')).toBe(4);
  for (let i = 0; i < 40 && world.outlook()?.rejected == null; i++) await world.tick();
  const reverted = world.metrics.write();
  expect(reverted).toMatch(/slipway_rollout_info\{rollout="sorter",.*state="reverted",stage="",candidate=""/);
  expect(seriesValue(reverted, 'slipway_steps_total{kind="roll-back"}')).toBe(1);
  expect(seriesValue(reverted, 'slipway_first_bad_report_to_revert_seconds_count')).toBe(1);
  expect(seriesValue(reverted, 'slipway_rollout_reverted_timestamp_seconds{rollout="sorter"}')).toBeGreaterThan(1.7e9);
  expect(seriesValue(reverted, 'slipway_commit_to_directive_seconds_count{kind="start"}')).toBe(1);
  expect(seriesValue(reverted, 'slipway_commit_to_directive_seconds_count{kind="roll-back"}')).toBe(1);
  // The person committed a tick before the service looked; its own commit is published with the next cycle, at once.
  expect(seriesValue(reverted, 'slipway_commit_to_directive_seconds_sum{kind="start"}')).toBe(30);
  expect(reverted).not.toContain('slipway_rule_limit{');
  if (promtool !== undefined) expect(checkMetrics(reverted)).toBe('');
});

test('devices are counted by the version that they run and by its arm', async () => {
  const world = await LoopWorld.rolling();
  await world.tick(4);
  const text = world.metrics.write();
  expect(seriesValue(text, 'slipway_devices_enrolled')).toBe(12);
  const running = [
    ...text.matchAll(/^slipway_model_devices\{model="model",version="(.*?)",arm="(.*?)",state=".*"\} (\d+)$/gm),
  ];
  const sum = (arm: string) => running.reduce((all, [, , of, count]) => all + (of === arm ? Number(count) : 0), 0);
  expect(sum('candidate')).toBe(4);
  expect(sum('stable')).toBe(8);
});

test('without devices, rollouts and numbers nothing is written that is no number', () => {
  const metrics = new Metrics();
  meterRollouts(metrics, () => []);
  meterDevices(metrics, { look: () => undefined, view: () => NOTHING_YET, now: () => 0, reportMs: 1_000 });
  expect(metrics.write()).not.toMatch(/NaN|null|undefined/);
});

test('a scrape at 200 rollouts of 10 rules and 100,000 devices takes less than 50 ms of processor time', async () => {
  const world = await LoopWorld.rolling();
  await world.tick(2);
  const base = world.outlook();
  const [rule] = base?.verdict?.rules ?? [];
  if (base?.verdict == null || rule === undefined) throw new Error('nothing is judged');
  const rules = Array.from({ length: 10 }, (_, i) => ({ ...rule, rule: `metric_${i} < 2x baseline, floor 5%` }));
  const verdict = { ...base.verdict, rules };
  const outlooks: Outlook[] = Array.from({ length: 200 }, (_, i) => ({ ...base, rollout: `rollout-${i}`, verdict }));
  const look = { fleet: fleetOf(100_000), published: null };
  const metrics = new Metrics();
  meterRollouts(metrics, () => outlooks);
  // The fleet changes between any two scrapes, as it does where devices report.
  const changing = () => ({ ...look, fleet: { ...look.fleet } });
  let nowMs = Date.now();
  const now = (): number => (nowMs += 2_000);
  meterDevices(metrics, { look: changing, view: () => NOTHING_YET, now, reportMs: 1_000 });
  const times = Array.from({ length: 15 }, () => {
    const before = process.cpuUsage();
    expect(metrics.write().length).toBeGreaterThan(500_000);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  }).sort((a, b) => a - b);
  expect(times[0]).toBeLessThan(50);
});

test('a rollout is in one state, the one that needs a person first', async () => {
  const world = await LoopWorld.rolling();
  const base = world.outlook();
  if (base === undefined) throw new Error('no outlook');
  expect(rolloutStateOf(base)).toBe('rolling');
  const approval = { kind: 'approval', approvers: [], have: 0, need: 1 } as const;
  expect(rolloutStateOf({ ...base, waitingOn: [approval] })).toBe('waits-for-approval');
  expect(rolloutStateOf({ ...base, waitingOn: [approval, { kind: 'paused', reason: null }] })).toBe('paused');
  expect(rolloutStateOf({ ...base, candidate: null, waitingOn: [] })).toBe('complete');
  expect(rolloutStateOf({ ...base, candidate: null, stable: null, waitingOn: [] })).toBe('not-started');
});

function fleetOf(count: number): KnownFleet {
  const devices = Array.from({ length: count }, (_, i): DeviceRecord => {
    const running = { digest: `sha256:${i % 5}` as Digest, version: `1.${i % 5}.0`, slot: 'A' as const };
    const state: ModelState = {
      model: `m${i % 20}`,
      rollout: null,
      revision: 3,
      running,
      state: 'idle',
      subject: null,
    };
    return {
      id: `d${i}`,
      lastSeenAtMs: Date.now(),
      models: new Map([[state.model, state]]),
    } as unknown as DeviceRecord;
  });
  const none = { count: 0, first: [] };
  return {
    ...{
      devices,
      matching: () => [],
      contradicting: [],
      refusing: none,
      onRevoked: none,
      claiming: none,
      outdated: none,
      denied: 0,
    },
    words: {} as KnownFleet['words'],
  };
}
