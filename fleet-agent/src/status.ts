// Owns a device's status, for programs and for people: `slipway-agent status`.
import type { CodedError } from '../../src/base/errors.ts';
import type { DirectiveRefusal } from './link/directive-refusal.ts';
import { activeContent, type ModelRecord, otherSlot, type SlotName, subjectOf } from './record/model-record.ts';

export interface ModelStatus {
  readonly model: string;
  readonly running: { readonly version: string; readonly digest: string; readonly slot: SlotName } | null;
  /** Does it answer in this process? Unknown (null) when read from disk. */
  readonly isServing: boolean | null;
  readonly state: ModelRecord['phase']['kind'];
  /** The version in work, when it is not the running one. */
  readonly subject: { readonly version: string | null; readonly digest: string; readonly attempt: number } | null;
  readonly previous: { readonly version: string; readonly digest: string } | null;
  readonly failures: readonly {
    readonly digest: string;
    readonly attempt: number;
    readonly reason: string;
    readonly message: string;
  }[];
}

export interface AgentStatus {
  readonly device: string;
  readonly models: readonly ModelStatus[];
  /** Why this device refuses the published directive; null when it accepts it. The last accepted one stays in force. */
  readonly directiveRefusal: DirectiveRefusal | null;
  /** What is wrong with the device while its models serve on. */
  readonly problems: readonly { readonly code: string; readonly message: string; readonly remedy: string | null }[];
}

export function statusOf(
  device: string,
  records: readonly { readonly record: ModelRecord; readonly serving: SlotName | null | undefined }[],
  directiveRefusal: DirectiveRefusal | null,
  errors: readonly CodedError[],
): AgentStatus {
  const models = records.map(({ record, serving }) => modelStatus(record, serving));
  const problems = errors.map(({ code, message, remedy = null }) => ({ code, message, remedy }));
  return { device, models, directiveRefusal, problems };
}

function modelStatus(record: ModelRecord, serving: SlotName | null | undefined): ModelStatus {
  const { model, phase, active, slots } = record;
  const running = activeContent(record);
  const other = active === null ? null : slots[otherSlot(active)];
  return {
    model,
    running:
      running === null || active === null ? null : { version: running.version, digest: running.digest, slot: active },
    isServing: serving === undefined ? null : serving !== null && serving === active,
    state: phase.kind,
    subject: subjectOf(record),
    previous: other === null ? null : { version: other.version, digest: other.digest },
    failures: record.failures.map(({ digest, attempt, reason, message }) => ({ digest, attempt, reason, message })),
  };
}

const STATE_WORDS: Readonly<Record<ModelStatus['state'], string>> = {
  idle: 'idle',
  fetching: 'downloading',
  verified: 'downloaded',
  staged: 'self-testing',
  selfTested: 'self-tested',
  trial: 'in trial',
  committed: 'committed',
  rollingBack: 'rolling back from',
  failed: 'failed',
};

/** The status for people: one line for each model, and one for each failure. */
export function formatStatus(status: AgentStatus): string {
  const { directiveRefusal: refusal } = status;
  const refused =
    refusal === null ? [] : [`directive refused since ${refusal.since}: ${refusal.code}: ${refusal.reason}`];
  for (const { code, message, remedy } of status.problems)
    refused.push(`${code}: ${message}`, ...(remedy === null ? [] : [`  ${remedy}`]));
  if (status.models.length === 0) {
    const none = `${status.device} has no model yet: no rollout took it in. Its labels decide, see the service's \`slipway status\`.`;
    return `${[none, ...refused].join('\n')}\n`;
  }
  const rows = status.models.map((model) => {
    const running = model.running === null ? '–' : `${model.running.version} (${model.running.slot})`;
    const subject = model.subject === null || model.subject.version === null ? '' : ` ${model.subject.version}`;
    return [model.model, running, `${STATE_WORDS[model.state]}${subject}`, model.previous?.version ?? '–'];
  });
  const table = [['MODEL', 'RUNNING', 'STATE', 'OTHER SLOT'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const failures = status.models.flatMap((model) =>
    model.failures.map(
      ({ digest, attempt, reason, message }) =>
        `${model.model}: attempt ${attempt} of ${digest.slice(0, 19)}… failed (${reason}): ${message}`,
    ),
  );
  return `${[...lines, ...failures, ...refused].join('\n')}\n`;
}
