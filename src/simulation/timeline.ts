// Owns the story of a rehearsal in words: each step as its commit tells it, and between them what the rollout waits for.
import type { Digest } from '../contract/digest.ts';
import type { Outlook } from '../rollout/outlook.ts';
import type { Transition } from '../rollout/transition.ts';
import { countOf, formatCount, listed } from '../wording/amounts.ts';
import { commitMessage } from '../wording/commit-message.ts';
import { waitingInWords } from '../wording/plan-in-words.ts';

export interface TimelineEntry {
  /** Minutes from the start of the rollout; below zero before it. */
  readonly minute: number;
  /** `fault`: what the scenario is about begins. */
  readonly kind: 'step' | 'waiting' | 'fault' | 'restored' | 'end';
  readonly stage: string | null;
  /** Devices that ever ran the candidate. */
  readonly devicesExposed: number;
  /** One line, and more that explain it. */
  readonly text: string;
  readonly more: readonly string[];
}

const NO_EVIDENCE: Digest = `sha256:${'0'.repeat(64)}`;

/** The words of the step's commit: its title, and its body without the trailers. */
export function stepInWords(transition: Transition): { readonly text: string; readonly more: readonly string[] } {
  const message = commitMessage({ transition, observed: '', evidenceDigest: NO_EVIDENCE, reverts: null });
  const lines = message.split('\n');
  const trailers = lines.findIndex((line) => line.startsWith('Slipway-Rollout:'));
  const [title = '', , ...body] = lines.slice(0, trailers);
  return { text: title.replace(/^rollout\([^)]*\): /, ''), more: body.filter((line) => line !== '') };
}

/** What is worth a line between two steps; the same words are told once. */
export class WaitingWatch {
  #told = '';
  #ready = -1;

  /** The rollout's devices and what it waits for, when either changed in kind. */
  lines({ cohort, waitingOn, stage }: Outlook): string[] {
    const lines: string[] = [];
    const ready = cohort?.ready ?? 0;
    const isAll = cohort !== null && ready > 0 && cohort.pending + cohort.trying === 0;
    if (cohort !== null && isAll && ready !== this.#ready && this.#ready < cohort.wanted) {
      const missing = apartInWords(cohort);
      lines.push(`${formatCount(ready)} of ${countOf(cohort.wanted, 'device')} run it${missing}`);
      this.#ready = ready === cohort.wanted ? cohort.wanted : ready;
    }
    const kinds = `${stage} ${waitingOn.map((one) => one.kind).join(' ')}`;
    if (stage !== null && waitingOn.length > 0 && kinds !== this.#told) {
      lines.push(`waits for ${waitingInWords(waitingOn)}`);
    }
    this.#told = kinds;
    return lines;
  }

  /** A step was taken: what is told of the stage begins anew. */
  begin(): void {
    this.#ready = -1;
    this.#told = '';
  }
}

/** How a rehearsal ends without a last step; `awaits` names the approvers that it ended at. */
export function endInWords(awaits: readonly string[]): string {
  if (awaits.length === 0) return 'the rehearsal ends; the rollout is still under way';
  return `the rehearsal ends: an approval by ${listed(awaits, 'or')} is needed (\`--approve\` gives it)`;
}

function apartInWords(cohort: NonNullable<Outlook['cohort']>): string {
  const apart = [
    ...(cohort.failed > 0 ? [`${cohort.failed} failed`] : []),
    ...(cohort.refused > 0 ? [`${cohort.refused} refused`] : []),
    ...(cohort.silent > 0 ? [`${cohort.silent} fell silent`] : []),
    ...(cohort.unreachable > 0 ? [`${cohort.unreachable} out of reach`] : []),
  ];
  return apart.length === 0 ? '' : `; ${apart.join(', ')}`;
}

/** Minutes as hours and minutes: `1:05`. */
export function clockOf(minute: number): string {
  const whole = Math.round(Math.abs(minute));
  const text = `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
  return minute < 0 && whole > 0 ? `-${text}` : text;
}

/** The timeline as people read it. */
export function timelineText(timeline: readonly TimelineEntry[]): string {
  return timeline
    .flatMap(({ minute, text, more }) => [
      `${clockOf(minute).padStart(6)}  ${text}`,
      ...more.map((line) => `        ${line}`),
    ])
    .join('\n');
}
