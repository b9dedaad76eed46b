// Owns what applications may say afterwards over the local endpoint: true classes, complaints, anomalies, readings of their own.
import { assertNever, CodedError } from '../../../src/base/errors.ts';
import { gaugeBounds, isGaugeName, MOST_GAUGES } from '../../../src/contract/gauges.ts';
import { isClassName } from '../../../src/contract/report-reader.ts';
import type { DeviceGauges } from './device-gauges.ts';
import type { Measurements } from './measurements.ts';
import type { RecentAnswers, Remark } from './recent-answers.ts';

/** In one request. */
const MOST_REMARKS = 1000;
const MOST_ID = 256;

export interface RemarkItem {
  readonly id: string;
  readonly row: number;
  /** The true class; with labels only. */
  readonly className: string;
}

/** How many remarks were counted; `unknown` are about answers that are not remembered (any more). */
export interface RemarkTally {
  readonly counted: number;
  readonly repeated: number;
  readonly unknown: number;
}

function remarkError(problem: string, remedy: string): CodedError {
  return new CodedError({ code: 'INFER_REMARK', message: `The request can't be counted: ${problem}.`, remedy });
}

function parseJson(body: Buffer): Record<string, unknown> {
  try {
    return Object(JSON.parse(body.toString('utf8'))) as Record<string, unknown>;
  } catch {
    throw remarkError('it is not JSON', 'Send a JSON object.');
  }
}

/** Throws INFER_REMARK: a request is counted whole or not at all. */
export function parseRemarks(body: Buffer, remark: Remark): readonly RemarkItem[] {
  const example = `{ "${remark}": [{ "id": "…"${remark === 'labels' ? ', "class": "receipt"' : ''} }] }`;
  const remedy = `Send ${example}, at most ${MOST_REMARKS}; \`row\` counts from 0 in a batch.`;
  const items = parseJson(body)[remark];
  if (!Array.isArray(items) || items.length > MOST_REMARKS)
    throw remarkError(`\`${remark}\` is not a list of them`, remedy);
  return items.map((item: unknown) => {
    const { id, row = 0, class: className } = Object(item) as Record<string, unknown>;
    if (typeof id !== 'string' || id === '' || id.length > MOST_ID) throw remarkError('an `id` is none', remedy);
    if (typeof row !== 'number' || !Number.isSafeInteger(row) || row < 0) throw remarkError('a `row` is none', remedy);
    if (remark !== 'labels') return { id, row, className: '' };
    if (!isClassName(className)) throw remarkError('a `class` is none', remedy);
    return { id, row, className };
  });
}

/** Readings by name, none of a gauge that the agent reads itself. Throws INFER_REMARK. */
export function parseReadings(
  body: Buffer,
  known: Pick<DeviceGauges, 'isOwn'>,
): readonly (readonly [string, number])[] {
  const remedy = `Send { "gauges": { "queue_depth": 3 } }: at most ${MOST_GAUGES} numbers, named in a-z, digits and _.`;
  const { gauges } = parseJson(body);
  if (typeof gauges !== 'object' || gauges === null || Array.isArray(gauges))
    throw remarkError('`gauges` is no object', remedy);
  const entries = Object.entries(gauges as Record<string, unknown>);
  if (entries.length > MOST_GAUGES) throw remarkError('there are too many gauges', remedy);
  return entries.map(([name, value]) => {
    if (!isGaugeName(name)) throw remarkError(`"${name.slice(0, 64)}" is no name of a gauge`, remedy);
    if (known.isOwn(name))
      throw remarkError(
        `the agent reads ${name} by itself on this device`,
        'Leave it out, or give yours another name.',
      );
    const { least, most } = gaugeBounds(name);
    if (typeof value === 'number' && value >= least && value <= most) return [name, value] as const;
    throw remarkError(`${name} is not a number from ${least} to ${most}`, remedy);
  });
}

/** Counts each remark to the version that gave the answer. */
export function countRemarks(
  items: readonly RemarkItem[],
  remark: Remark,
  { recent, measurements }: { readonly recent: RecentAnswers; readonly measurements: Measurements },
): RemarkTally {
  let [counted, repeated, unknown] = [0, 0, 0];
  for (const { id, row, className } of items) {
    const recalled = recent.recall(id, row, remark);
    if (recalled.kind === 'forgotten') unknown += 1;
    else if (recalled.kind === 'repeated') repeated += 1;
    else {
      counted += 1;
      const { attribution, predicted = '' } = recalled;
      measurements.observe(attribution, observationOf(remark, predicted, className));
    }
  }
  return { counted, repeated, unknown };
}

function observationOf(remark: Remark, predicted: string, actual: string) {
  switch (remark) {
    case 'labels':
      return { kind: 'labelled', predicted, actual } as const;
    case 'complaints':
      return { kind: 'complaint' } as const;
    case 'anomalies':
      return { kind: 'anomaly' } as const;
    default:
      return assertNever(remark);
  }
}
