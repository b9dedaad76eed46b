// Owns the plan of a change in words: for each rollout that it touches, which version goes to how many devices, stage by stage.
import { type CodedError, toCodedError } from '../base/errors.ts';
import { oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import type { RolloutPolicy } from '../documents/types.generated.ts';
import { type Plan, type PlannedStage, planOf, type Traffic } from '../rollout/stage-plan.ts';
import { countOf, formatCount, listed } from '../wording/amounts.ts';
import { aboutTime } from '../wording/plan-warnings-in-words.ts';
import type { ChangedRollout, ManifestsChange } from './changed-rollouts.ts';
import { proseLines, type Result, table } from './output.ts';

/** More are named only. */
const MOST_PLANS = 20;
const HEADER = ['STAGE', 'DEVICES', 'SOAK', 'A GOOD VERSION PASSES AFTER', 'DEADLINE'] as const;

export interface TrafficSource {
  /** Of a rollout's target, or where no rollout is meant; what nobody knows is null. May throw what asking the service failed with. */
  readonly trafficOf: (rollout: string | undefined) => Promise<Traffic>;
  /** Without asking. */
  readonly said: Traffic;
}

interface PlannedChange {
  readonly rollout: string | null;
  readonly change: ChangedRollout | null;
  readonly plan: Plan | null;
  readonly unknown: CodedError | null;
}

/** Which devices a stage takes where nobody knows how many there are. */
function shareOf(policy: RolloutPolicy, { name, isRest }: PlannedStage): string {
  if (isRest === true) return 'all of its target';
  const size = policy.spec.stages.find((one) => one.name === name)?.size;
  if (size === undefined || (typeof size === 'object' && 'devices' in size)) return 'those selected';
  return `${typeof size === 'string' ? size : `${size.percent}%`} of its target`;
}

function stageRow(policy: RolloutPolicy, stage: PlannedStage): string[] {
  const { devices, selects, soakMs, leastMs, deadlineMs } = stage;
  const who = devices === null ? shareOf(policy, stage) : `${selects ? 'at least ' : ''}${formatCount(devices)}`;
  return [
    stage.name,
    who,
    soakMs > 0 ? formatDuration(soakMs) : '-',
    leastMs === null ? 'unknown' : aboutTime(leastMs / 60_000),
    formatDuration(deadlineMs),
  ];
}

function stepOf({ rollout, desired, runs }: ChangedRollout): string {
  const model = oneLine(rollout.spec.model);
  if (desired === null) return `${model}: no manifest fits ${oneLine(rollout.spec.version)}`;
  if (desired === runs) return `${model} ${desired}, as it runs`;
  return `${model} ${runs === null ? '' : `${runs} → `}${desired}`;
}

function headOf(change: ChangedRollout): string {
  const { rollout, policy, isNew, fields } = change;
  const what = isNew ? 'new' : `changes: ${listed(fields.map(oneLine), 'and')}`;
  const by = policy === undefined ? 'no policy that can be read' : `policy ${policy.metadata.name}`;
  const paused = rollout.spec.suspend === true ? '; suspended' : '';
  return [
    `Rollout ${rollout.metadata.name} (${what})`,
    ...proseLines(`${stepOf(change)}, on ${oneLine(rollout.spec.target)}, ${by}${paused}.`, '  '),
  ].join('\n');
}

function devicesText({ traffic }: Plan, unknown: CodedError | null): string {
  const { devices } = traffic;
  const count = devices === null ? 'An unknown number of devices match' : `${countOf(devices, 'device')} match`;
  const why = unknown === null ? '' : ` The service was asked in vain: ${oneLine(unknown.message)}`;
  return `${count} the target.${why}`;
}

function blockOf({ change, plan, unknown }: PlannedChange, policy: RolloutPolicy | undefined): string {
  const head =
    change === null ? `Policy ${policy?.metadata.name} (changes; the next attempt goes by it)` : headOf(change);
  if (plan === null || policy === undefined) return head;
  const rows = plan.stages.map((stage) => stageRow(policy, stage));
  return [head, ...proseLines(devicesText(plan, unknown), '  '), table(HEADER, rows, '  ')].join('\n');
}

async function planned(
  policy: RolloutPolicy | undefined,
  change: ChangedRollout | null,
  { trafficOf, said, health }: TrafficSource & { readonly health: number },
): Promise<PlannedChange> {
  const rollout = change?.rollout.metadata.name ?? null;
  if (policy === undefined) return { rollout, change, plan: null, unknown: null };
  try {
    const traffic = await trafficOf(rollout ?? undefined);
    return { rollout, change, plan: planOf(policy, { ...traffic, health }), unknown: null };
  } catch (thrown) {
    const unknown = toCodedError(thrown);
    if (unknown.kind === 'bug') throw thrown;
    return { rollout, change, plan: planOf(policy, { ...said, health }), unknown };
  }
}

/** A service that is away or does not know a rollout leaves its devices unknown; the plan says so. */
export async function planChanges(
  { rollouts, policies, removed }: ManifestsChange,
  options: TrafficSource & { readonly health: number },
): Promise<Result> {
  const all = [
    ...rollouts.map((change) => ({ policy: change.policy, change })),
    ...policies.map((policy) => ({ policy, change: null })),
  ];
  const blocks: string[] = [];
  const json: object[] = [];
  for (const { policy, change } of all.slice(0, MOST_PLANS)) {
    const one = await planned(policy, change, options);
    blocks.push(blockOf(one, policy));
    const { rollout, plan, unknown } = one;
    const { desired = null, runs = null, isNew = false, fields = [] } = change ?? {};
    json.push({
      rollout,
      policy: policy?.metadata.name ?? null,
      desired,
      runs,
      isNew,
      fields,
      plan,
      unknown: unknown?.code ?? null,
    });
  }
  if (all.length > MOST_PLANS) blocks.push(`… and ${all.length - MOST_PLANS} more.`);
  const gone = removed.map(
    (name) => `Rollout ${name} (removed)\n  Its devices keep what they run; Slipway no longer updates them.`,
  );
  const none =
    all.length + removed.length === 0 ? ['No rollout and no policy changes: devices keep what they run.'] : [];
  return { json: { changes: json, planned: all.length, removed }, text: [...blocks, ...gone, ...none].join('\n\n') };
}
