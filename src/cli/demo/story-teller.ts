// Owns how the story looks: lines as things happen, one line of progress on a terminal, and the summary at the end.
import process from 'node:process';
import type { Clock } from '../../base/clock.ts';
import { countOf } from '../../wording/amounts.ts';
import { table } from '../output.ts';
import type { StoryLine } from './story.ts';
import type { BadRolloutStory, RolloutStory, StoryResult } from './story-result.ts';

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export class StoryTeller {
  readonly #quiet: boolean;
  readonly #clock: Clock;
  readonly #startMs: number;
  #hasProgress = false;

  constructor({ quiet, clock }: { readonly quiet: boolean; readonly clock: Clock }) {
    this.#quiet = quiet;
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
  }

  tell(line: StoryLine): void {
    if (this.#quiet) return;
    if (line.kind === 'progress') {
      this.#progress(line.text);
      return;
    }
    this.#clearProgress();
    process.stdout.write(`${this.#inWords(line)}\n`);
  }

  end(): void {
    this.#clearProgress();
  }

  #inWords(line: Exclude<StoryLine, { kind: 'progress' }>): string {
    const at = seconds(this.#clock.monotonicMs() - this.#startMs).padStart(7);
    switch (line.kind) {
      case 'chapter':
        return `\n${line.text}`;
      case 'note':
        return `${at}  ${line.text}`;
      case 'commit': {
        const { commit, subject, reason } = line.commit;
        return [`${at}  ${commit.slice(0, 9)} ${subject}`, ...reason.map((text) => ' '.repeat(20) + text)].join('\n');
      }
    }
  }

  #progress(text: string): void {
    if (process.stdout.isTTY !== true) return;
    const width = (process.stdout.columns ?? 80) - 1;
    process.stdout.write(`\r\x1b[2K${`         ${text}`.slice(0, width)}`);
    this.#hasProgress = true;
  }

  #clearProgress(): void {
    if (this.#hasProgress) process.stdout.write('\r\x1b[2K');
    this.#hasProgress = false;
  }
}

function rolloutLine(name: string, story: RolloutStory): string[] {
  const steps = story.steps.map((one) => `${one.step.replace(/^\d+ /, '')} ${seconds(one.afterMs)}`).join(', ');
  return [name, story.version, story.outcome, String(story.devicesExposed), steps];
}

function badLines(story: BadRolloutStory): string[] {
  const watchers = story.rules.flatMap(({ dryRun, breach }) => (dryRun && breach !== null ? [breach] : []));
  return [
    `Caught: ${story.reason}`,
    ...watchers.map((breach) => `  a dry-run rule saw it too: ${breach}.`),
    `  from its first device to the revert commit:          ${seconds(story.firstExposureToRevertMs)}`,
    `  from the revert commit to the last device restored:  ${seconds(story.revertToRestoredMs)}`,
    `  devices that ever ran it: ${story.devicesExposed} (the canary).`,
  ];
}

/** The end of the story: the branch now, how long it took, and whether all checks passed. */
export function storyText(story: StoryResult, totalSeconds: number): string {
  const by =
    story.signaturesCheckedBy === 'git'
      ? 'git log --show-signature'
      : 'Slipway itself, because ssh-keygen is not installed';
  const commits = story.commits.map(
    (one) => `  ${one.commit.slice(0, 9)}  ${one.signature.padEnd(4)}  ${one.author.padEnd(8)}  ${one.subject}`,
  );
  const rollouts = [
    rolloutLine('first', story.firstRollout),
    rolloutLine('better', story.goodRollout),
    rolloutLine('bad', story.badRollout),
  ];
  const running = Object.entries(story.devices.running).map(([version, count]) => `${count} run ${version}`);
  return [
    '',
    `The branch now (signatures checked by ${by}):`,
    ...commits.reverse(),
    '',
    table(['ROLLOUT', 'VERSION', 'OUTCOME', 'DEVICES', 'SINCE THE PUSH'], rollouts),
    '',
    ...badLines(story.badRollout),
    '',
    `${story.devices.total} devices: ${running.join(', ')}; ${countOf(story.devices.inferences, 'inference')}, ${countOf(story.devices.errors, 'error')}.`,
    ...story.claims.map((one) => `  ${one.holds ? 'ok    ' : 'FAILED'}  ${one.claim}`),
    '',
    `${story.claims.every((one) => one.holds) ? 'All checks passed' : 'Some checks FAILED'}, in ${totalSeconds.toFixed(0)} s.`,
  ].join('\n');
}
