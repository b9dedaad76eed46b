// Owns what the agent tells at `/metrics` of its local endpoint: versions, slots, answers, the directive, waiting reports and problems.
import process from 'node:process';
import { type MetricLabels, type Reading, textOfReadings } from '../../src/base/metric-text.ts';
import { AGENT_VERSION } from './agent-options.ts';
import type { ServedCounts } from './measure/served-counts.ts';
import type { ModelServer } from './serve/model-server.ts';
import type { AgentStatus, ModelStatus } from './status.ts';

export interface AgentFacts {
  readonly status: AgentStatus;
  readonly servers: readonly Pick<ModelServer, 'model' | 'instance' | 'counts' | 'assigned'>[];
  /** When the newest directive was taken, milliseconds since 1970; null before. */
  readonly directiveAtMs: number | null;
  /** Reports that wait for the service; null where there is no queue. */
  readonly reportsWaiting: number | null;
}

type Row = readonly [name: string, help: string, readings: readonly Reading[]];

export function agentMetricsText({ status, servers, directiveAtMs, reportsWaiting }: AgentFacts): string {
  const { models, problems, directiveRefusal } = status;
  const rows: readonly Row[] = [
    [
      'slipway_agent_build_info',
      'Version of the agent, and of the Node.js that runs it: 1.',
      [one({ version: AGENT_VERSION, node: process.versions.node })],
    ],
    [
      'slipway_agent_model_info',
      'What the device does with each model: 1, with the version that it runs and the state of its update as labels.',
      models.map(({ model, running, state, subject }) =>
        one({
          ...{ model, version: running?.version ?? '', slot: running?.slot ?? '' },
          ...{ state, in_work: subject?.version ?? '' },
        }),
      ),
    ],
    [
      'slipway_agent_model_serving',
      '1 while a version of the model answers, else 0.',
      models.map(({ model, isServing }) => ({ value: isServing === true ? 1 : 0, labels: { model } })),
    ],
    [
      'slipway_agent_slot_info',
      'Versions that the device keeps of each model: 1, with its slot, and whether it is the active one, as labels.',
      models.flatMap(slotsOf),
    ],
    [
      'slipway_agent_failed_versions',
      'Versions that this device tried and gave up.',
      models.map(({ model, failures }) => ({ value: failures.length, labels: { model } })),
    ],
    [
      'slipway_agent_rollout_revision',
      'Revision of the rollout that each model follows, with the arm that the device is in.',
      servers.flatMap(({ model, assigned: { rollout, revision, arm } }) =>
        rollout === null ? [] : [{ value: revision, labels: { model, rollout, arm: arm ?? '' } }],
      ),
    ],
    [
      'slipway_agent_directive_timestamp_seconds',
      'When the device took a directive last, in seconds since 1970.',
      [{ value: directiveAtMs === null ? null : directiveAtMs / 1000 }],
    ],
    [
      'slipway_agent_directive_refused',
      '1 while the device refuses the published directive, else 0.',
      [{ value: directiveRefusal === null ? 0 : 1 }],
    ],
    ['slipway_agent_reports_waiting', 'Reports that wait until the service takes them.', [{ value: reportsWaiting }]],
    [
      'slipway_agent_problem',
      'What is wrong with the device while its models serve on, by code: 1.',
      problems.map(({ code }) => one({ code })),
    ],
    ['process_resident_memory_bytes', 'Memory that the process holds.', [{ value: process.memoryUsage.rss() }]],
  ];
  // They begin anew with each version that begins to serve, as counters may.
  const counted = (read: (counts: ServedCounts) => number): Reading[] =>
    servers.flatMap(({ model, instance, counts }) =>
      instance === null ? [] : [{ value: read(counts), labels: { model, version: instance.version } }],
    );
  const counters: readonly Row[] = [
    [
      'slipway_agent_inferences_total',
      'Inferences of the version since it began to serve.',
      counted(({ inferences }) => inferences),
    ],
    ['slipway_agent_errors_total', 'Inferences of it that failed.', counted(({ errors }) => errors)],
    [
      'slipway_agent_unknown_total',
      'Answers of it below the confidence that its manifest asks for.',
      counted(({ unknown }) => unknown),
    ],
  ];
  return textOfReadings([
    ...rows.map(([name, help, readings]) => ({ name, help, type: 'gauge' as const, readings })),
    ...counters.map(([name, help, readings]) => ({ name, help, type: 'counter' as const, readings })),
  ]);
}

function one(labels: MetricLabels): Reading {
  return { value: 1, labels };
}

function slotsOf({ model, running, previous }: ModelStatus): Reading[] {
  if (running === null) return [];
  const { slot, version } = running;
  const active = one({ model, slot, version, active: 'true' });
  if (previous === null) return [active];
  return [active, one({ model, slot: slot === 'A' ? 'B' : 'A', version: previous.version, active: 'false' })];
}
