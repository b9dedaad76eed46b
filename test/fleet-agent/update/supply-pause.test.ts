// Owns the laws of waiting between downloads: over news of other things, as long as hosts ask, and shorter after progress.
import { expect, test } from 'vitest';
import { retryAfterMs } from '../../../fleet-agent/src/link/http.ts';
import { SupplyPause } from '../../../fleet-agent/src/update/supply-pause.ts';
import { later } from '../../../fleet-agent/src/update/supply-request.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { Lanes } from '../../../src/base/lanes.ts';
import { digestOf } from '../../../src/contract/digest.ts';

const [one, two] = [digestOf('1'), digestOf('2')];

function pauseAt() {
  const time = { nowMs: 0 };
  const clock: Clock = { now: () => 0, monotonicMs: () => time.nowMs, sleep: async () => undefined };
  return { time, pause: new SupplyPause({ clock, random: { next: () => 0 } }) };
}

test('what a host asks for is waited for, and said of another version it is not', () => {
  const { time, pause } = pauseAt();
  expect(pause.note(one, later('busy', 60_000), false)).toBe(60_000);
  time.nowMs = 59_000;
  expect([pause.leftMs(one, true), pause.leftMs(two, true)]).toEqual([1000, 0]);
});

test('a host that asks for a day is waited for no longer than ten minutes', () => {
  const day = new Headers({ 'retry-after': '86400' });
  const { pause } = pauseAt();
  expect(pause.note(one, later('portal', retryAfterMs(day, 0)), false)).toBe(600_000);
  expect(pause.leftMs(one, true)).toBe(600_000);
});

test('back-off doubles while nothing comes, and begins anew after progress', () => {
  const { pause } = pauseAt();
  const waits = [false, false, false, true, false].map((hasProgressed) => pause.note(one, later('cut'), hasProgressed));
  expect(waits).toEqual([2000, 4000, 8000, 2000, 4000]);
});

test('the next source is asked after a try that brought nothing, or wrong bytes; one that delivers is kept', () => {
  const { pause } = pauseAt();
  const turns = [pause.askedOf(one).turn];
  for (const [reason, hasProgressed] of [
    ['network', true],
    ['network', false],
    ['corrupt', true],
  ] as const) {
    pause.note(one, later('x', null, reason), hasProgressed);
    turns.push(pause.askedOf(one).turn);
  }
  expect(turns).toEqual([0, 0, 1, 2]);
});

test('several wrong answers bar the version for a while, and cuts never do', () => {
  const { pause } = pauseAt();
  for (let i = 0; i < 20; i++) {
    pause.note(one, later('cut'), false);
    expect(pause.barOf(one, later('cut'), 0)).toBeUndefined();
  }
  const wrong = later('wrong', null, 'corrupt');
  const bars = Array.from({ length: 4 }, () => {
    pause.note(one, wrong, false);
    return pause.barOf(one, wrong, 1000);
  });
  expect(bars.slice(0, 3)).toEqual([undefined, undefined, undefined]);
  expect(bars[3]).toMatchObject({ reason: 'corrupt', expiry: { kind: 'time', untilMs: 3_601_000 } });
  expect(pause.leftMs(one, true)).toBe(0);
});

test('the spread of a version is said once, and holds only before its first byte', () => {
  const { time, pause } = pauseAt();
  pause.spread(one, 5000);
  time.nowMs = 2000;
  pause.spread(one, 5000);
  expect([pause.leftMs(one, false), pause.leftMs(one, true), pause.leftMs(two, false)]).toEqual([3000, 0, 0]);
});

test('lanes let so many tasks run at once, in order, and one that fails frees its lane', async () => {
  const lanes = new Lanes(2);
  const log: string[] = [];
  const gates = [0, 1, 2].map(() => Promise.withResolvers<void>());
  const tasks = gates.map(({ promise }, i) =>
    lanes.run(async () => {
      log.push(`begin ${i}`);
      await promise;
      if (i === 0) throw new Error('it fails');
    }),
  );
  await Promise.resolve();
  expect(log).toEqual(['begin 0', 'begin 1']);
  gates[0]?.resolve();
  await expect(tasks[0]).rejects.toThrow('it fails');
  await new Promise((resolve) => setImmediate(resolve));
  expect(log).toEqual(['begin 0', 'begin 1', 'begin 2']);
  for (const gate of gates) gate.resolve();
  await Promise.allSettled(tasks);
});
