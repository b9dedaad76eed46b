// Owns how rollouts stand, as people read it: one row each, and below what needs a person.
import { assertNever } from '../base/errors.ts';
import { formatCount } from '../rollout/amounts.ts';
import type { CohortCounts } from '../rollout/count-cohort.ts';
import type { Outlook } from '../rollout/outlook.ts';
import { clipped, oneLine } from '../rollout/plain-text.ts';
import { table } from './output.ts';
import { waitingInWords } from './waiting-words.ts';

const HEADER = ['ROLLOUT', 'MODEL', 'STAGE', 'DEVICES', 'VERDICT', 'WAITING FOR'];
const MOST_CELL = 100;
/** Where there is nothing to say. */
export const NOTHING = '–';

/** One line of the table. */
export interface StatusRow {
  readonly rollout: string;
  readonly model: string;
  /** `canary`, `paused`, `stable`, or `NOTHING`. */
  readonly stage: string;
  readonly version: string;
  readonly devices: string;
  readonly verdict: string;
  readonly waitingFor: string;
}

/** The table alone; what others wrote is kept to its cell. */
export function tableOfRows(rows: readonly StatusRow[]): string {
  const cell = (text: string): string => clipped(oneLine(text), MOST_CELL);
  const widest = Math.max(0, ...rows.map(({ stage }) => stage.length));
  return table(
    HEADER,
    rows.map((row) => {
      const stage = `${row.stage.padEnd(widest)} ${row.version}`;
      return [row.rollout, row.model, stage.trimEnd(), row.devices, row.verdict, row.waitingFor].map((text, column) =>
        column === 2 ? clipped(text, MOST_CELL) : cell(text),
      );
    }),
  );
}

/** Devices that are out of the denominator or trouble, counted apart. */
function apart(cohort: CohortCounts): string {
  const parts = [
    [cohort.failed, 'failed'],
    [cohort.refused, 'refused it'],
    [cohort.silent, 'silent'],
    [cohort.incompatible, 'incompatible'],
    [cohort.unreachable, 'unreachable'],
    [cohort.conflicted, 'in two rollouts'],
  ] as const;
  const words = parts.filter(([amount]) => amount > 0).map(([amount, what]) => `${formatCount(amount)} ${what}`);
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

function devicesOf({ cohort, candidate }: Outlook): string {
  if (cohort === null) return NOTHING;
  if (candidate === null) return `${formatCount(cohort.matching)} match`;
  return `${formatCount(cohort.ready)}/${formatCount(cohort.wanted)} ready`;
}

function verdictOf({ verdict, candidate, stable }: Outlook): string {
  if (candidate === null) return stable === null ? NOTHING : 'complete';
  if (verdict === null) return NOTHING;
  const deciding = verdict.rules.filter(({ dryRun }) => !dryRun);
  const parts = (['fail', 'pass', 'undecided', 'not-applicable'] as const).map((kind) => {
    const amount = deciding.filter((rule) => rule.verdict === kind).length;
    return amount === 0 ? [] : [`${amount} ${kind === 'not-applicable' ? 'n/a' : kind}`];
  });
  return parts.flat().join(' · ') || NOTHING;
}

function stageOf({ stage, candidate, stable, waitingOn }: Outlook): string {
  if (candidate === null) return stable === null ? NOTHING : 'stable';
  return waitingOn.some((one) => one.kind === 'paused') ? `paused` : (stage ?? NOTHING);
}

export function rowOfOutlook(outlook: Outlook): StatusRow {
  const { rollout, model, candidate, stable, cohort, waitingOn } = outlook;
  const waits = waitingOn.map(waitingInWords).join('; ');
  return {
    rollout,
    model,
    stage: stageOf(outlook),
    version: candidate ?? stable ?? '',
    devices: devicesOf(outlook),
    verdict: verdictOf(outlook),
    waitingFor: `${waits === '' ? NOTHING : waits}${cohort === null ? '' : apart(cohort)}`,
  };
}

/** What needs a person, rollout by rollout: what stalls it, what it may not take, which devices are in trouble. */
function notesOf({ rollout, conditions, cohort }: Outlook): string[] {
  const notes = conditions.flatMap((condition) => {
    const text = `  ${oneLine(condition.message)}`;
    switch (condition.type) {
      case 'Stalled':
        return condition.status ? [`${rollout} is stalled: ${condition.reason}\n${text}`] : [];
      case 'SourceVerified':
        return condition.status ? [] : [`${rollout}: the wished version may not start: ${condition.reason}\n${text}`];
      case 'Ready':
      case 'Progressing':
        return [];
      default:
        return assertNever(condition.type);
    }
  });
  const troubled = cohort?.troubled ?? [];
  if (troubled.length === 0) return notes;
  const lines = troubled.map(({ device, what }) => `  ${oneLine(device)}  ${clipped(oneLine(what), MOST_CELL)}`);
  return [...notes, [`${rollout}: devices in trouble`, ...lines].join('\n')];
}

/** The table, and below it what needs a person. */
export function statusTable(outlooks: readonly Outlook[]): string {
  if (outlooks.length === 0) return 'There are no rollouts.';
  return [tableOfRows(outlooks.map(rowOfOutlook)), ...outlooks.flatMap(notesOf)].join('\n\n');
}
