// Owns the state of rollouts as people read it: one row each, and below it what needs attention.
import { parseInstant, SystemClock } from '../base/clock.ts';
import { assertNever } from '../base/errors.ts';
import { asSentence, clipped, oneLine } from '../base/plain-text.ts';
import { missingCount } from '../rollout/count-cohort.ts';
import type { LastRejection } from '../rollout/last-rejection.ts';
import type { ExceptedOutlook, Outlook } from '../rollout/outlook.ts';
import { formatCount } from '../wording/amounts.ts';
import { missingInWords, troubleInWords } from '../wording/devices-in-words.ts';
import { exceptionInWords } from '../wording/exception-in-words.ts';
import { fixInWords } from '../wording/fix-in-words.ts';
import { versionInWords } from '../wording/parameters-in-words.ts';
import { type OutlookCells, outlookCells, silentInWords } from '../wording/plan-in-words.ts';
import { changedPolicyInWords } from '../wording/policy-in-words.ts';
import { statusReasonInWords } from '../wording/step-reason-in-words.ts';
import { table, timeAgo } from './output.ts';

const HEADER = ['ROLLOUT', 'MODEL', 'STAGE', 'DEVICES', 'VERDICT', 'WAITING FOR'];
const MOST_CELL = 110;
/** A device's reason is worth a second line of the terminal: its end says what is wrong. */
const MOST_REASON = 300;
/** As long as a status keeps it. */
const MOST_REJECTION = 500;

/** The table alone; what others wrote is kept to its cell. */
export function tableOfCells(rows: readonly OutlookCells[]): string {
  const cells = rows.map(({ rollout, model, stage, devices, verdict, waitingFor }) =>
    [rollout, model, stage, devices, verdict, waitingFor].map((text) => clipped(oneLine(text), MOST_CELL)),
  );
  return rows.length === 0 ? 'There are no rollouts.' : table(HEADER, cells);
}

/** Which version was rejected, when and why. */
export function rejectionNote(rollout: string, rejected: LastRejection): string {
  const { version, reason, at } = rejected;
  const atMs = parseInstant(at);
  const when = atMs === undefined ? oneLine(at) : timeAgo(atMs, new SystemClock().now());
  const what = `${oneLine(rollout)}: ${versionInWords(version, rejected)} was rejected ${when}`;
  return `${clipped(what, MOST_REASON)}\n  ${clipped(statusReasonInWords(reason), MOST_REJECTION)}`;
}

/** A group with an exception, and why. */
export function exceptionNote(rollout: string, exception: ExceptedOutlook): string {
  const what = `${oneLine(rollout)}: ${exceptionInWords(exception)}`;
  return `${clipped(what, MOST_REASON)}\n  ${clipped(statusReasonInWords(exception.reason), MOST_REJECTION)}`;
}

/** What a rollout is stalled by, and what to do about it: a note for each. */
export function stallNotes({ rollout, conditions }: Outlook): string[] {
  return conditions.flatMap((condition) => {
    if (condition.type !== 'Stalled') return [];
    const { reason, fix } = condition;
    const what = fixInWords(fix, rollout);
    const more = fix.kind === 'document' ? `${asSentence(what)} Devices keep what was published last.` : what;
    return [`${oneLine(rollout)} is stalled: ${oneLine(reason)}\n  ${more}`];
  });
}

/** Who has no candidate yet, once the stage has lasted as long as its soak. */
function missingNote({ rollout, stage, cohort, terms, window }: Outlook): string[] {
  if (cohort?.missing === undefined || !terms || (window?.listenedMs ?? 0) < terms.soakMs) return [];
  const lines = cohort.missing.map((one) => `  ${oneLine(one.device)}  ${missingInWords(one)}`);
  const more = missingCount(cohort) - lines.length;
  const rest = more > 0 ? [`  and ${formatCount(more)} more`] : [];
  return [[`${oneLine(rollout)}: devices missing in ${oneLine(stage ?? '')}`, ...lines, ...rest].join('\n')];
}

/** What needs attention: rejected versions, exceptions, stalled rollouts, versions that may not start, devices with problems. */
function notesOf(outlook: Outlook): string[] {
  const { rollout, conditions, cohort, changedPolicy, exceptions = [], rejected = null } = outlook;
  const name = oneLine(rollout);
  const before = [
    ...(rejected === null ? [] : [rejectionNote(rollout, rejected)]),
    ...exceptions.map((one) => exceptionNote(name, one)),
    ...(changedPolicy === undefined
      ? []
      : [`${clipped(name, MOST_REASON)}: ${clipped(changedPolicyInWords(changedPolicy), MOST_REASON)}`]),
  ];
  const others = conditions.flatMap((condition) => {
    switch (condition.type) {
      case 'SourceVerified': {
        if (condition.status) return [];
        const what = condition.isNewer ? 'a newer version is not used' : 'the desired version may not start';
        return [`${name}: ${what}: ${oneLine(condition.reason)}\n  ${fixInWords(condition.fix, rollout)}`];
      }
      case 'SignalsAnswered': {
        if (condition.status) return [];
        const silent = condition.silent.map(silentInWords).join('; ');
        return [`${name}: a metric provider does not answer, so its rule can't be decided\n  ${oneLine(silent)}`];
      }
      case 'Stalled':
      case 'Ready':
      case 'Progressing':
        return [];
      default:
        return assertNever(condition);
    }
  });
  const notes = [...stallNotes(outlook), ...others, ...missingNote(outlook)];
  const troubled = cohort?.troubled ?? [];
  if (troubled.length === 0) return [...before, ...notes];
  const lines = troubled.map((one) => `  ${oneLine(one.device)}  ${troubleInWords(one, MOST_REASON)}`);
  return [...before, ...notes, [`${name}: devices with problems`, ...lines].join('\n')];
}

/** The table, or what stands in its place, and below it what needs attention. */
export function statusTable(outlooks: readonly Outlook[], table = tableOfCells(outlooks.map(outlookCells))): string {
  return [table, ...outlooks.flatMap(notesOf)].join('\n\n');
}
