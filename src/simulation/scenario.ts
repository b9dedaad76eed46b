// Owns what a scenario is: a population, how the candidate differs from stable, and what the network does.
import type { HealthLimits, ModelManifest, OutputTensor } from '../contract/types.generated.ts';
import type { Answers, Behaviour } from './behaviour.ts';
import type { PopulationShape, Traits } from './population.ts';

/** Under what a model runs, as far as its behaviour may depend on it. */
export interface Circumstances {
  readonly device: Traits;
  /** Minutes that this version has served on this device. */
  readonly minutes: number;
  /** Minutes since the candidate was desired; negative before. */
  readonly sinceStart: number;
  /** Minutes since nearly all devices of the rollout had the candidate; `-Infinity` before. */
  readonly sinceNearlyAll: number;
  /** Local hour of the day, 0..24. */
  readonly hour: number;
  /** The policy's first absolute limit of `error_rate`, 0..1. */
  readonly errorLimit: number;
  /** The rarest class of the model. */
  readonly rarest: string;
}

export interface NetworkFaults {
  /** Chance that a report is delivered twice. */
  readonly repeats: number;
  /** Reports are late by up to this, and overtake each other. */
  readonly mostDelayMs: number;
  /** On cellular links a download is cut after so long, and goes on later from where it was; null for none. */
  readonly cutAfterMs: number | null;
  /** Bytes a second that the cellular devices of one cell share. */
  readonly cellBytesPerSecond: number;
  /** Is what lies before the device never going to let the candidate's files through? */
  readonly refusesFiles?: (device: Traits) => boolean;
  /** Is the device reachable? `minute` counts from the start of the rehearsal. */
  readonly isOnline?: (device: Traits, minute: number) => boolean;
  /** By how much the device's wall clock is wrong. */
  readonly clockErrorMs?: (device: Traits) => number;
}

export interface Scenario {
  readonly name: string;
  /** What happens, in a sentence that goes on from "The candidate …" or names the fault. */
  readonly summary: string;
  /**
   * The truth that every end is held against: should the candidate be kept from the fleet? A broken device, the hour of the day or the
   * network makes no model bad, and neither do errors within the limit.
   */
  readonly isBad: boolean;
  readonly population: PopulationShape;
  /** The candidate's size, where that is what happens; else the model's own, or the usual one. */
  readonly modelBytes?: number;
  /** The trial limits in the candidate's manifest; as `modelBytes`. */
  readonly health?: HealthLimits;
  /** What the model answers; the usual classes unless given. */
  readonly answers?: Answers;
  /** What the manifests say beside the health limits, of a model of one's own. */
  readonly manifest?: Pick<
    ModelManifest['spec'],
    'framework' | 'interface' | 'variants' | 'confidence' | 'compatibility'
  >;
  /** The outputs that it is about; a model that has none of these kinds is not rehearsed with it. */
  readonly needs?: readonly NonNullable<OutputTensor['kind']>[];
  /** How the candidate differs from stable; nothing for a candidate that is as good. */
  readonly candidate: (circumstances: Circumstances) => Partial<Behaviour>;
  /** What befalls both versions alike: the hour of the day, a broken device. */
  readonly both: (circumstances: Circumstances) => Partial<Behaviour>;
  /**
   * Is what the scenario is about there, on a device that has the candidate? Unless given, as soon as a bad candidate differs from stable,
   * and at once where it is good.
   */
  readonly hasBegun?: (circumstances: Circumstances) => boolean;
  readonly network: NetworkFaults;
}

/** Of models of no one's own. */
export const USUAL_BYTES = 8_000_000;
export const USUAL_HEALTH: HealthLimits = { warmUp: { duration: '5m', inferences: 200 } };
