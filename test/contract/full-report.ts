// Owns a report that says everything a report can say, and the schema's word on reports.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { DeviceReport, ModelInterval } from '../../src/contract/report.ts';
import { CANDIDATE, interval, report } from '../store/reports.ts';

const summary = { min: 0.25, mean: 0.5, max: 0.75, samples: 12 };

export const FULL_INTERVAL: ModelInterval = interval({
  servedMs: 60_000,
  loadMs: { min: 120, mean: 130, max: 140, samples: 2 },
  features: { 'x[0]': summary },
  labels: { invoice: { predicted: 3, actual: 2, correct: 2 }, receipt: { predicted: 0, actual: 1, correct: 0 } },
  rejected: 4,
  userReports: 1,
  anomalies: 2,
  counters: { alerts: 3, doors_opened: 0 },
  transfers: { download: { done: 1, network: 3 }, verify: { done: 1 }, apply: { 'self-test': 1 } },
  outputs: {
    scalars: { price: { centre: 0, zero: 1, odd: 1, plus: [-20, 1, 3, 2], minus: [] } },
    embedding: { space: 'products-v1', bins: new Array<number>(80).fill(0) },
    detections: new Array<number>(10).fill(1),
    lengths: new Array<number>(13).fill(2),
    ends: { stop: 25, length: 1 },
  },
});

export const FULL_REPORT: DeviceReport = report({
  acceptedPointer: '{"signed":{"version":9}}',
  gauges: { cpu: summary, temperature: { min: -5, mean: 40, max: 61, samples: 12 }, queue_depth: summary },
  intervals: [FULL_INTERVAL, interval({ rollout: null, revision: null, arm: null })],
  outcomes: [
    {
      ...{ model: 'm', rollout: 'r', revision: 1, digest: CANDIDATE, attempt: 1 },
      ...{ kind: 'failed', reason: 'self-test', message: 'it said "letter"', at: '2026-11-20T10:00:00Z' },
    },
  ],
});

const schema = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../../schemas/device-report.schema.json'), 'utf8'),
) as object;
/** Members that it does not know are dropped before it looks, as the parser does. */
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false, removeAdditional: true });
const validate = ajv.compile(schema);

/** What the schema has against a value; empty when it fits. */
export function objections(value: unknown): string {
  return validate(structuredClone(value)) ? '' : ajv.errorsText(validate.errors);
}
