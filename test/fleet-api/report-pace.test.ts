// Laws of the pace of reports: over the last minute alone, and nothing before there is anything to say.
import { expect, test } from 'vitest';
import { ReportPace } from '../../src/fleet-api/report-pace.ts';

test('the pace is that of the last minute; at the start and after it nothing is made up', () => {
  let ms = 1_000_000;
  const pace = new ReportPace({ monotonicMs: () => ms });
  pace.note(10);
  expect(pace.perSecond()).toBeNull();
  ms += 10_000;
  expect(pace.perSecond()).toBe(1);
  for (let i = 0; i < 60; i++) {
    pace.note(4);
    ms += 1_000;
  }
  expect(pace.perSecond()).toBeCloseTo(4, 5);
  ms += 30_000;
  expect(pace.perSecond()).toBeLessThan(2.5);
  ms += 60_000;
  expect(pace.perSecond()).toBe(0);
});
