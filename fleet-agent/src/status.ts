// Owns how a device's state looks to people and programs: in `slipway-agent status` and to those who hold an Agent.
import type { DirectiveRefusal } from './link/directive-refusal.ts';
import { activeContent, type ModelRecord, type SlotName } from './record/model-record.ts';

export interface ModelStatus {
  readonly model: string;
  readonly running: { readonly version: string; readonly digest: string; readonly slot: SlotName } | null;
  /** Does it answer in this process? Unknown (null) when read from disk. */
  readonly isServing: boolean | null;
  readonly state: ModelRecord['phase']['kind'];
  /** The version in work, when it is not what runs. */
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
  /** Why the directive that is published now is not believed here; null when it is. The last accepted one stays in force. */
  readonly directiveRefusal: DirectiveRefusal | null;
}

export function statusOf(
  device: string,
  records: readonly { readonly record: ModelRecord; readonly serving: SlotName | null | undefined }[],
  directiveRefusal: DirectiveRefusal | null,
): AgentStatus {
  return { device, models: records.map(({ record, serving }) => modelStatus(record, serving)), directiveRefusal };
}

function modelStatus(record: ModelRecord, serving: SlotName | null | undefined): ModelStatus {
  const { model, phase, active, slots } = record;
  const running = activeContent(record);
  const other = active === null ? null : slots[active === 'A' ? 'B' : 'A'];
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

/** What the phase is about, when it is about something. */
export function subjectOf({ phase }: ModelRecord): ModelStatus['subject'] {
  if (phase.kind === 'failed') return { version: null, digest: phase.digest, attempt: phase.attempt };
  if (!('goal' in phase)) return null;
  return { version: phase.goal.version, digest: phase.goal.digest, attempt: phase.goal.attempt };
}

/** The status as people read it: a line a model, and one a failure. */
export function formatStatus(status: AgentStatus): string {
  const { directiveRefusal: refusal } = status;
  const refused =
    refusal === null ? [] : [`directive refused since ${refusal.since}: ${refusal.code}: ${refusal.reason}`];
  if (status.models.length === 0) return `${[`${status.device}: no model yet`, ...refused].join('\n')}\n`;
  const rows = status.models.map((model) => {
    const running = model.running === null ? '–' : `${model.running.version} (${model.running.slot})`;
    const subject = model.subject === null || model.subject.version === null ? '' : ` ${model.subject.version}`;
    return [model.model, running, `${model.state}${subject}`, model.previous?.version ?? '–'];
  });
  const table = [['MODEL', 'RUNNING', 'STATE', 'KEPT'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const failures = status.models.flatMap((model) =>
    model.failures.map(
      (failure) =>
        `${model.model}: ${failure.digest.slice(0, 19)}… attempt ${failure.attempt} ${failure.reason}: ${failure.message}`,
    ),
  );
  return `${[...lines, ...failures, ...refused].join('\n')}\n`;
}
