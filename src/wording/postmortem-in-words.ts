// Owns the sentences of a post-mortem: what happened in one, what people ask first, and what only they can tell.
import { asSentence, clipped, oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import type { StageVerdict } from '../gates/rule-verdict.ts';
import type { Step } from '../rollout/transition.ts';
import { countOf, formatCount, percent } from './amounts.ts';
import { stepReasonInWords } from './step-reason-in-words.ts';

const MOST_TEXT = 600;
const MINUTE_MS = 60_000;

/** What evidence keeps of the step that ended an attempt, and when the attempt began. */
export type EndedStep = Pick<Step, 'kind' | 'from' | 'to' | 'reason' | 'verdict' | 'cohort' | 'window' | 'groups'> & {
  readonly version: string;
  readonly stable: string | null;
  /** From the step that started it; null where that is not known. */
  readonly tookMs: number | null;
};

/** To the second below an hour, then to the minute. */
export function roughTime(ms: number): string {
  const step = ms >= 60 * MINUTE_MS ? MINUTE_MS : 1000;
  return formatDuration(Math.round(ms / step) * step);
}

function whatHappened({ kind, version, stable, from }: EndedStep): string {
  switch (kind) {
    case 'roll-back':
      return stable === null || stable === version
        ? `${version} was withdrawn in ${from}`
        : `${version} was taken back in ${from}, to ${stable}`;
    case 'complete':
      return `${version} passed all stages and is stable`;
    case 'supersede':
      return `${version} gave way in ${from}`;
    default:
      return `${version} is in ${from}`;
  }
}

/** Devices that run it, or may. */
export function hadIt({ cohort }: Pick<EndedStep, 'cohort'>): number | null {
  return cohort === null ? null : cohort.ready + cohort.onTrial + cohort.silent;
}

export function postmortemSentence(step: EndedStep): string {
  const { tookMs, cohort } = step;
  const time = tookMs === null ? '' : `, ${roughTime(tookMs)} after it started`;
  const had = hadIt(step);
  const who =
    had === null || cohort === null ? '' : ` ${countOf(had, 'device')} of ${formatCount(cohort.matching)} had it.`;
  const why = asSentence(clipped(stepReasonInWords(step), MOST_TEXT));
  return `${oneLine(whatHappened(step))}${time}. ${why}${who}`;
}

export interface NamedFact {
  readonly label: string;
  readonly value: string;
  readonly note: string;
}

export function postmortemFacts(step: EndedStep): NamedFact[] {
  const { cohort, verdict, tookMs, window } = step;
  const had = hadIt(step);
  const devices =
    had === null || cohort === null
      ? []
      : [
          {
            label: 'Had it',
            value: countOf(had, 'device'),
            note: `of ${formatCount(cohort.matching)}${cohort.matching === 0 ? '' : `, ${percent(had / cohort.matching)}`}`,
          },
        ];
  const inferences = verdict?.measured.inferences ?? null;
  return [
    ...devices,
    ...(inferences === null
      ? []
      : [{ label: 'Answered by it', value: countOf(inferences, 'inference'), note: 'in the last stage' }]),
    ...(tookMs === null
      ? []
      : [{ label: 'Ended after', value: roughTime(tookMs), note: 'from the step that started it' }]),
    ...(window === null
      ? []
      : [
          {
            label: 'Watched for',
            value: roughTime(window.listenedMs),
            note: 'in the last stage, while the service listened',
          },
        ]),
  ];
}

/** What became of its devices, as far as the step says. */
export function backInWords({ kind, cohort, stable, version }: EndedStep): string {
  if (kind === 'complete') return 'They keep it.';
  if (kind !== 'roll-back') return 'Nothing took it back.';
  const silent = cohort?.silent ?? 0;
  const to =
    stable === null || stable === version
      ? 'They stop serving the model'
      : `They switch back to ${stable}, which they kept`;
  const some =
    silent === 0
      ? ''
      : `; ${countOf(silent, 'device')} went silent and may run it until ${silent === 1 ? 'it reads' : 'they read'} the directive`;
  return `${to}${some}. When each was back is in the service's exposure, not in Git.`;
}

export interface LikelyGroup {
  readonly group: string;
  readonly text: string;
}

function nearness({
  verdict,
  within,
  estimate,
}: {
  verdict: string;
  within: boolean;
  estimate: number | null;
}): number {
  return verdict === 'fail' ? 2 : !within && estimate !== null ? 1 : 0;
}

/** The group of devices in which a rule is broken, and in others is not. */
export function likelyGroup(verdict: StageVerdict | null): LikelyGroup | null {
  const failed = (verdict?.rules ?? []).filter((rule) => rule.verdict === 'fail' && !rule.dryRun);
  const others = (verdict?.rules ?? []).filter((rule) => rule.by !== null);
  for (const rule of [...failed, ...others]) {
    const worst = [...rule.groups].sort((a, b) => nearness(b) - nearness(a))[0];
    const isApart = rule.groups.some((one) => nearness(one) === 0);
    if (worst === undefined || nearness(worst) === 0 || !isApart) continue;
    const within = rule.groups.filter((one) => nearness(one) === 0).length;
    return {
      group: oneLine(worst.name),
      text: `${oneLine(rule.rule)} is broken on ${oneLine(worst.name)} (${countOf(worst.devices, 'device')}), not on ${countOf(within, 'other group')}`,
    };
  }
  return null;
}

/** What follows, and the command of a person. */
export function nextInWords(
  { kind, version }: EndedStep,
  rollout: string,
): { readonly text: string; readonly command: string | null } {
  if (kind !== 'roll-back') return { text: 'Nothing is rejected.', command: null };
  return {
    text: `${version} is rejected. Slipway does not try it again until someone commits a retry, with a reason.`,
    command: `slipway retry ${rollout} --reason "…"`,
  };
}

export const POSTMORTEM_GAPS: readonly string[] = [
  'What did people notice, when, and who told whom?',
  'What was it in the data, the training or the code that made the version bad?',
  'Why did no check before the release find it?',
  'What will be changed, by whom, until when?',
];
