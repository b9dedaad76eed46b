// Owns the gauges of a virtual device: how busy, warm and full it is under what runs on it, and what it draws from its battery.
import type { RandomStream } from '../base/random.ts';
import type { GaugeName, Summary } from '../contract/gauges.ts';
import type { Behaviour } from './behaviour.ts';
import type { Traits } from './population.ts';
import { factor, normal } from './sampling.ts';

/** Shares of the processor: what the device does besides, and what stable takes at the usual traffic. */
const IDLE_CPU = 0.1;
const STABLE_CPU = 0.38;
const CPU_SPREAD = 0.08;
const NOISE = 0.02;
/** Degrees: at rest, and more at full load; a device is half as warm as it will be after the first minutes. */
const REST_CELSIUS = 30;
const LOAD_CELSIUS = 45;
const WARMING_MS = 5 * 60_000;
/** Shares of the memory, and bytes of all of it. */
const STABLE_MEMORY = 0.55;
const MEMORY_BYTES = 512 * 2 ** 20;
/** Share of a full battery in an hour: at rest, and more at full load. */
const REST_DRAIN = 0.03;
const LOAD_DRAIN = 0.15;
/** Readings in a report. */
const SAMPLES = 12;

interface Situation {
  readonly behaviour: Behaviour;
  /** Traffic against the usual. */
  readonly busyness: number;
  readonly at: number;
}

export class VirtualGauges {
  readonly #traits: Traits;
  readonly #random: RandomStream;
  readonly #cpuFactor: number;
  readonly #extraCelsius: number;
  readonly #disk: number;
  #celsius: number | null = null;
  #readAtMs = 0;

  constructor(traits: Traits, random: RandomStream) {
    this.#traits = traits;
    this.#random = random;
    this.#cpuFactor = factor(CPU_SPREAD, random);
    this.#extraCelsius = 3 * normal(random);
    this.#disk = 0.3 + 0.4 * random.next();
  }

  /** What the device reports of itself now. */
  read({ behaviour, busyness, at }: Situation): Partial<Record<GaugeName, Summary>> {
    const load = STABLE_CPU * this.#cpuFactor * behaviour.cpuFactor * busyness ** 0.25;
    const cpu = Math.min(0.99, Math.max(0, IDLE_CPU + load + NOISE * normal(this.#random)));
    const memory = Math.min(0.99, STABLE_MEMORY + behaviour.leakedBytes / MEMORY_BYTES + NOISE * normal(this.#random));
    const drain = (REST_DRAIN + LOAD_DRAIN * cpu) * (1 + NOISE * normal(this.#random));
    return {
      cpu: around(cpu, 0.01),
      memory: around(memory, 0.005),
      temperature: around(this.#warmTo(REST_CELSIUS + LOAD_CELSIUS * cpu + this.#extraCelsius, at), 0.5),
      disk: around(this.#disk, 0),
      // What hangs on a wire has no battery.
      ...(this.#traits.link === 'wired' ? {} : { battery_drain: around(drain, 0.002) }),
    };
  }

  /** Heat follows load late. */
  #warmTo(celsius: number, at: number): number {
    const before = this.#celsius ?? celsius;
    const left = Math.exp(-(at - this.#readAtMs) / WARMING_MS);
    this.#celsius = celsius + (before - celsius) * left;
    this.#readAtMs = at;
    return this.#celsius;
  }
}

function around(mean: number, spread: number): Summary {
  return { min: Math.max(0, mean - spread), mean, max: mean + spread, samples: SAMPLES };
}
