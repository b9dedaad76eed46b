// Owns the load of telemetry: reports of a realistic size for many rollouts, and the policy that judges them.

import { type RandomStream, seededRandom } from '../src/base/random.ts';
import { POLICY_TEXTS } from '../src/cli/new-policies.ts';
import { type Digest, digestOf } from '../src/contract/digest.ts';
import type { DeviceReport } from '../src/contract/report.ts';
import { addToSketch, emptySketch, type Sketch, sketchToJson } from '../src/contract/sketch.ts';
import { parseDocumentOf } from '../src/documents/parse-document-of.ts';
import { edgesToCount, freezeLimits } from '../src/gates/freeze-limits.ts';
import type { HeardDevice, StageHeard } from '../src/gates/heard-arm.ts';
import type { StageQuestion } from '../src/gates/stage-question.ts';
import type { StageRule } from '../src/gates/stage-rule.ts';
import { countsOf } from '../src/measurement/window-counts.ts';
import { stagesOf } from '../src/rollout/stages-of-policy.ts';
import { MOST_STEPS } from '../src/telemetry/answer-steps.ts';
import { courseSpecFor } from '../src/telemetry/course-sums.ts';
import { type Arm, rowsFor, type WindowSpec } from '../src/telemetry/window.ts';
import type { WindowTallies } from '../src/telemetry/window-tallies.ts';

const CLASSES: Readonly<Record<string, number>> = {
  invoice: 0.45,
  order: 0.25,
  letter: 0.15,
  form: 0.08,
  photo: 0.05,
  receipt: 0.02,
};
const DIGESTS: Readonly<Record<Arm, Digest>> = { candidate: digestOf('candidate'), stable: digestOf('stable') };
const MINUTE_MS = 60_000;
const SOAK_MS = 30 * MINUTE_MS;
const INFERENCES = 60;

const POLICY = parseDocumentOf('RolloutPolicy', 'policies/careful.yaml', Buffer.from(POLICY_TEXTS.careful));
/** What the policy that `slipway init` writes asks of a stage. */
export const RULES: readonly StageRule[] = stagesOf(POLICY)[0]?.rules ?? [];

/** Latencies around 20 ms, some of them three times as long. */
function drawLatencies(random: RandomStream, count: number): Sketch {
  const sketch = emptySketch();
  for (let i = 0; i < count; i++) addToSketch(sketch, 12 * Math.exp(1.2 * random.next()));
  return sketch;
}

const parsed = RULES.map(({ rule }) => rule);
const LIMITS = freezeLimits(parsed, drawLatencies(seededRandom('limits', 'latencies'), 10_000));

/** One rollout's window. */
export function windowOf(rollout: string, devices: number): WindowSpec {
  const rows = rowsFor(devices);
  return {
    ...{ rollout, openedRevision: 5, candidateDigest: DIGESTS.candidate, candidateAttempt: 1 },
    ...{ stableDigest: DIGESTS.stable, ...edgesToCount(parsed, LIMITS), openedAtMs: 0, intervalMs: MINUTE_MS },
    ...countsOf(parsed, { classes: Object.keys(CLASSES) }, { classes: new Map(), edgesOf: () => [] }),
    groups: [],
    course: courseSpecFor(SOAK_MS, MINUTE_MS),
    rows: { candidate: rows, stable: rows },
  };
}

export interface ReportOrder {
  readonly device: string;
  readonly rollout: string;
  readonly arm: Arm;
  /** Confidences are near 1, the nearer the larger it is. */
  readonly sureness?: number;
  readonly errors?: number;
}

/** A minute of a device that answers once a second. */
export function drawReport(
  { device, rollout, arm, sureness = 8, errors = 0 }: ReportOrder,
  random: RandomStream,
): DeviceReport {
  const answers = INFERENCES - errors;
  const confidence = new Array<number>(20).fill(0);
  const classes: Record<string, number> = {};
  for (let i = 0; i < answers; i++) {
    const bin = Math.min(19, Math.floor(20 * random.next() ** (1 / sureness)));
    confidence[bin] = (confidence[bin] ?? 0) + 1;
    const name = drawClass(random.next());
    classes[name] = (classes[name] ?? 0) + 1;
  }
  return {
    ...{ kind: 'DeviceReport', device, epoch: 1, sequence: 1, bootId: 'boot', startedAt: '2026-11-20T10:00:00Z' },
    ...{
      durationMs: MINUTE_MS,
      uptimeMs: MINUTE_MS,
      labels: { region: 'eu-west' },
      gauges: { cpu: { min: 0.1, mean: 0.2 + 0.1 * random.next(), max: 0.6, samples: 60 } },
      properties: {},
      states: [],
      outcomes: [],
    },
    intervals: [
      {
        ...{ model: rollout, rollout, revision: 5, arm, digest: DIGESTS[arm], version: '2.0.0' },
        ...{
          inferences: INFERENCES,
          errors: errors > 0 ? { runtime: errors } : {},
          unknown: random.next() < 0.5 ? 2 : 0,
        },
        ...{ latencyMs: sketchToJson(drawLatencies(random, answers)), confidence, classes },
      },
    ],
  };
}

function drawClass(at: number): string {
  let share = 0;
  for (const [name, own] of Object.entries(CLASSES)) {
    share += own;
    if (at < share) return name;
  }
  return 'receipt';
}

/** Devices of an arm, of which one in a hundred fell silent. */
function heardOf(devices: number): HeardDevice[] {
  return Array.from({ length: devices }, (_, i) => {
    const isSilent = i % 100 === 0;
    const fellMs = isSilent ? (i / 100) * MINUTE_MS : null;
    const steps = { step: MOST_STEPS, counts: Array.from({ length: MOST_STEPS }, (_, at) => (at * i) % 7) };
    const answers = { steps, usual: 3, fromStep: 0 };
    return { name: `d${i}`, fromMs: 0, fellMs, isSilent, isYoung: false, isAfter: !isSilent, isInBoth: false, answers };
  });
}

/** What is asked of a stage of so many devices after so many minutes. */
export function questionOf({ candidate, stable }: WindowTallies, devices: number, minutes: number): StageQuestion {
  const arms = { candidate: heardOf(devices), stable: heardOf(devices) };
  const heard: StageHeard = {
    ...arms,
    isByHash: true,
    openedMs: 0,
    openMs: minutes * MINUTE_MS,
    intervalMs: MINUTE_MS,
  };
  return {
    ...{ rules: RULES, limits: LIMITS, candidate, baseline: stable, history: stable, hasStable: true },
    installs: { bad: Math.floor(devices / 100), good: devices - Math.floor(devices / 100), pending: 0 },
    heard: () => heard,
    minimum: { devices: 3, inferences: 1000 },
    ...{ deadlineMs: 2 * 3_600_000, intervalMs: MINUTE_MS, openMs: minutes * MINUTE_MS },
    soakEndsMs: SOAK_MS,
    perMinute: devices * INFERENCES,
  };
}
