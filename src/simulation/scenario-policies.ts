// Owns the policies that scenarios are rehearsed with when people bring none of their own.
import { CodedError, formatError } from '../base/errors.ts';
import { parseDocument } from '../documents/parse-document.ts';
import type { RolloutPolicy } from '../documents/types.generated.ts';

interface PolicyParts {
  readonly canary?: string;
  readonly rules?: readonly string[];
  readonly onCourse?: string;
  readonly spread?: string;
}

const RULES = [
  'error_rate < 0.5%',
  '"latency_p95 < 1.5x baseline, floor 5ms"',
  '"unknown_rate < 1.5x baseline, floor 1%"',
  'vanished_classes == 0',
  'confidence_loss < 10%',
  '{ rule: confidence_drift < 0.1, dryRun: true }',
  'failed_devices < 10%',
];

/** Of a model without classes. */
const OF_ANY_MODEL = ['error_rate < 0.5%', '"latency_p95 < 1.5x baseline, floor 5ms"', 'failed_devices < 10%'];

/** How warm and busy a device may get; a gauge's rule is about each device by itself. */
const HEALTH = [
  'cpu < 85% for 5m',
  'temperature < 65C for 5m',
  'memory < 80% for 5m',
  '"battery_drain < 1.3x baseline"',
];

/** Devices that fall silent are held against stable's: an outage has both. */
const HEARD = [...RULES.filter((rule) => !rule.startsWith('failed_devices')), '"reporting_devices > 90% of baseline"'];

/** Devices that go on reporting, and hardly answer. */
const ANSWERING = [...RULES, '"answering_devices > 90% of baseline"'];

/** What the model is asked may not wander, whatever it answers. */
const INPUTS = ['"input[brightness] > 0.8x baseline"', '"input[brightness] < 1.2x baseline"'];

function careful({
  canary = 'size: { devices: 20 }',
  rules = RULES,
  onCourse,
  spread = '0s',
}: PolicyParts = {}): string {
  return `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: rehearsed }
spec:
  appliesTo: { rollouts: ["*"] }
  spread: ${spread}
  stages:
    - name: canary
      ${canary}
      soak: 30m
      deadline: 2h
      onDeadline: hold
      ${onCourse === undefined ? '' : `onCourse: ${onCourse}`}
      rules: [${rules.join(', ')}]
    - { name: ramp, size: 25%, soak: 1h, deadline: 4h }
    - { name: full, size: 100%, soak: 30m }
`;
}

const OWN: Readonly<Record<string, string>> = {
  'cpu-spike': careful({ rules: [...RULES, ...HEALTH] }),
  'memory-leak': careful({ rules: [...RULES, ...HEALTH] }),
  'input-shift': careful({ rules: [...RULES, ...INPUTS] }),
  'silenced-devices': careful({ canary: 'size: { devices: 50 }', rules: HEARD }),
  'starved-devices': careful({ canary: 'size: { devices: 50 }', rules: ANSWERING }),
  'one-site-outage': careful({ rules: HEARD }),
  'network-timeout': careful({ rules: [...RULES, 'undelivered_devices < 5% after 45m'], spread: '20m' }),
  'undelivered-tenth': careful({ rules: [...RULES, 'undelivered_devices < 5% after 30m'] }),
  'price-drift': careful({ rules: [...OF_ANY_MODEL, '"output_drift[price] < 0.1"', 'odd_outputs < 0.1%'] }),
  'embedding-space-changed': careful({ rules: [...OF_ANY_MODEL, 'embedding_drift < 0.1', 'odd_outputs < 0.1%'] }),
  'less-sure-mixture': careful({ rules: RULES.filter((rule) => !rule.includes('unknown_rate')) }),
  'time-of-day': careful({
    rules: [
      '"error_rate < 2x baseline, floor 0.2%"',
      '"latency_p95 < 1.5x baseline, floor 5ms"',
      'failed_devices < 10%',
    ],
  }),
  kiosks: careful({ canary: 'select: "site:warehouse AND traffic:low AND age:old"', onCourse: 'rollback' }),
  keyboard: careful({
    canary: 'select: "channel:beta"',
    rules: [...RULES, '{ rule: failed_devices < 5%, by: os }'],
  }),
  'hw-latency': careful({ rules: [...RULES, '{ rule: "latency_p95 < 1.5x baseline, floor 5ms", by: hw }'] }),
  'any-device': careful({ rules: ['{ rule: error_rate < 1%, scope: any-device }', ...RULES] }),
};

/** The policy's text for a scenario; the careful one unless it has its own. */
export function scenarioPolicyText(scenario: string): string {
  return OWN[scenario] ?? careful();
}

function notAPolicy(file: string, kind: string): CodedError {
  return new CodedError({
    code: 'SIMULATION_POLICY',
    message: `${file} is a ${kind}, not a RolloutPolicy.`,
    remedy: 'Give the file of a policy, such as policies/careful.yaml.',
  });
}

/** All problems of a policy's text as one error: the first, and below it the others with their places. */
export function brokenPolicy(file: string, [first, ...others]: readonly CodedError[]): CodedError {
  if (first === undefined) return notAPolicy(file, 'broken document');
  if (others.length === 0) return first;
  const { code, message, remedy, at } = first;
  const rest = others.map((one) => `\n${formatError(one)}`).join('\n');
  const told = remedy === undefined ? { message: `${message}\n${rest}` } : { message, remedy: `${remedy}\n${rest}` };
  return new CodedError({ code, ...told, ...(at === undefined ? {} : { at }) });
}

/** Throws all problems of the text, or SIMULATION_POLICY. */
export function parsePolicy(file: string, bytes: Uint8Array): RolloutPolicy {
  const parsed = parseDocument(file, bytes, { isCopy: true });
  if (parsed.kind === 'broken') throw brokenPolicy(file, parsed.errors);
  if (parsed.document.kind !== 'RolloutPolicy') throw notAPolicy(file, parsed.document.kind);
  return parsed.document;
}
