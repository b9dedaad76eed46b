// Owns the rehearsals that tests of this room share.
import { rehearse } from '../../src/simulation/rehearsal.ts';
import type { Rehearsal, RehearsalOrder } from '../../src/simulation/rehearsal-order.ts';
import { parsePolicy, scenarioPolicyText } from '../../src/simulation/scenario-policies.ts';
import { findScenario } from '../../src/simulation/scenarios.ts';

export const SEED = 7;

/** A small fleet is enough for most; kiosks have one in two hundred in their canary, and single devices must fall into it. */
const FLEETS: Readonly<Record<string, number>> = {
  kiosks: 2000,
  keyboard: 400,
  'broken-device': 400,
  'any-device': 400,
};

export function orderOf(scenario: string, more: Partial<RehearsalOrder> = {}): RehearsalOrder {
  const policy = parsePolicy('rehearsed.yaml', Buffer.from(scenarioPolicyText(scenario)));
  const devices = FLEETS[scenario] ?? 200;
  return { policy, scenario: findScenario(scenario), devices, seed: SEED, hours: 6, ...more };
}

export function rehearsed(scenario: string, more: Partial<RehearsalOrder> = {}): Promise<Rehearsal> {
  return rehearse(orderOf(scenario, more));
}
