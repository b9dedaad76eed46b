// Owns how far bad events come in bursts on stable, as the least design effect of a pass: a stage that met none yet looks too clean.
import type { TallyRows } from './tally-rows.ts';

/** Of fewer devices nobody can tell one that bursts from a fleet that does. */
const LEAST_DEVICES = 3;
/** By chance alone the design effect of independent events is off by about √(2/reports + 1/bad): a sixth at these numbers. */
const LEAST_REPORTS = 100;
const LEAST_BAD = 100;
/** What chance makes of independent events is no burst, so that calm fleets wait for nothing. */
const CHANCE_DEVIATIONS = 2;
/** Twice what was simulated: a history as wild as a few hostile devices can make it delays a pass, and doesn't prevent it. */
const MOST_EFFECT = 20;

/**
 * The design effect inside devices (Rao and Scott 1992), each held to its own rate: that devices differ is no burst. The clusters are
 * reports, so bursts that outlast one show in part. Devices bring `rows` rates of their own, so the factor is m/(m − rows − 2): m/(m − 3)
 * for one. The device that bursts most is left out. 1 where there is too little to tell by, or nothing beyond chance.
 */
export function burstEffect(devices: TallyRows | undefined): number {
  if (devices === undefined || devices.live < LEAST_DEVICES || devices.all.bad < LEAST_BAD) return 1;
  const { spread, expected, reports, bad, rows } = devices.withinRows();
  const free = reports - rows - 2;
  if (reports < LEAST_REPORTS || bad < LEAST_BAD || !(free > 0) || !(expected > 0)) return 1;
  const effect = ((reports / free) * spread) / expected;
  const byChance = 1 + CHANCE_DEVIATIONS * Math.sqrt(2 / reports + 1 / bad);
  return effect > byChance ? Math.min(MOST_EFFECT, effect) : 1;
}
