// Owns what the agent tells at `/metrics` of its local endpoint: versions, slots, answers, the directive, waiting reports and problems.
import process from 'node:process';
import { Metrics, type Reading } from '../../src/base/metrics.ts';
import { AGENT_VERSION } from './agent-options.ts';
import type { ModelServer } from './serve/model-server.ts';
import type { AgentStatus, ModelStatus } from './status.ts';

export interface AgentReadingParts {
  readonly status: () => AgentStatus;
  readonly servers: () => readonly ModelServer[];
  /** When the newest directive was taken, milliseconds since 1970; null before. */
  readonly directiveAtMs: () => number | null;
  /** Reports that wait for the service; null where there is no queue. */
  readonly reportsWaiting: () => number | null;
}

export function agentMetrics({ status, servers, directiveAtMs, reportsWaiting }: AgentReadingParts): Metrics {
  const metrics = new Metrics();
  const ofModels = (name: string, help: string, read: (model: ModelStatus) => readonly Reading[]): void =>
    metrics.reading(name, help, () => status().models.flatMap(read));
  const build = { version: AGENT_VERSION, node: process.versions.node };
  metrics.reading('slipway_agent_build_info', 'Version of the agent, and of the Node.js that runs it: 1.', () => [
    { value: 1, labels: build },
  ]);
  ofModels(
    'slipway_agent_model_info',
    'What the device does with each model: 1, with the version that it runs and the state of its update as labels.',
    ({ model, running, state, subject }) => {
      const labels = { model, version: running?.version ?? '', slot: running?.slot ?? '', state };
      return [{ value: 1, labels: { ...labels, in_work: subject?.version ?? '' } }];
    },
  );
  ofModels('slipway_agent_model_serving', '1 while a version of the model answers, else 0.', ({ model, isServing }) => [
    { value: isServing === true ? 1 : 0, labels: { model } },
  ]);
  ofModels(
    'slipway_agent_slot_info',
    'Versions that the device keeps of each model: 1, with its slot, and whether it is the active one, as labels.',
    ({ model, running, previous }) => [
      ...(running === null
        ? []
        : [{ value: 1, labels: { model, slot: running.slot, version: running.version, active: 'true' } }]),
      ...(running === null || previous === null
        ? []
        : [{ value: 1, labels: { model, slot: other(running.slot), version: previous.version, active: 'false' } }]),
    ],
  );
  ofModels('slipway_agent_failed_versions', 'Versions that this device tried and gave up.', ({ model, failures }) => [
    { value: failures.length, labels: { model } },
  ]);
  meterAnswers(metrics, servers);
  metrics.reading(
    'slipway_agent_directive_timestamp_seconds',
    'When the device took a directive last, in seconds since 1970.',
    () => {
      const atMs = directiveAtMs();
      return [{ value: atMs === null ? null : atMs / 1000 }];
    },
  );
  metrics.reading(
    'slipway_agent_directive_refused',
    '1 while the device refuses the published directive, else 0.',
    () => [{ value: status().directiveRefusal === null ? 0 : 1 }],
  );
  metrics.reading('slipway_agent_reports_waiting', 'Reports that wait until the service takes them.', () => [
    { value: reportsWaiting() },
  ]);
  metrics.reading('slipway_agent_problem', 'What is wrong with the device while its models serve on, by code: 1.', () =>
    status().problems.map(({ code }) => ({ value: 1, labels: { code } })),
  );
  metrics.reading('process_resident_memory_bytes', 'Memory that the process holds.', () => [
    { value: process.memoryUsage.rss() },
  ]);
  return metrics;
}

/** Counts begin anew with each version that begins to serve, as counters may. */
function meterAnswers(metrics: Metrics, servers: AgentReadingParts['servers']): void {
  const count = (name: string, help: string, read: (server: ModelServer) => number): void => {
    const readAll = (): Reading[] =>
      servers().flatMap((server) =>
        server.instance === null
          ? []
          : [{ value: read(server), labels: { model: server.model, version: server.instance.version } }],
      );
    metrics.reading(name, help, readAll, 'counter');
  };
  count(
    'slipway_agent_inferences_total',
    'Inferences of the version since it began to serve.',
    (one) => one.counts.inferences,
  );
  count('slipway_agent_errors_total', 'Inferences of it that failed.', (one) => one.counts.errors);
  count(
    'slipway_agent_unknown_total',
    'Answers of it below the confidence that its manifest asks for.',
    (one) => one.counts.unknown,
  );
  metrics.reading(
    'slipway_agent_rollout_revision',
    'Revision of the rollout that each model follows, with the arm that the device is in.',
    () =>
      servers().flatMap(({ model, assigned: { rollout, revision, arm } }) =>
        rollout === null ? [] : [{ value: revision, labels: { model, rollout, arm: arm ?? '' } }],
      ),
  );
}

function other(slot: 'A' | 'B'): 'A' | 'B' {
  return slot === 'A' ? 'B' : 'A';
}
