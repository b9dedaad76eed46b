// Owns how the result of a release reads, for people and for programs.

import path from 'node:path';
import { errorToJson } from '../base/errors.ts';
import { withoutControls } from '../base/plain-text.ts';
import type { OpenedPullRequest } from '../git/hosting/pull-request-host.ts';
import { changedLines } from '../requests/changed-lines.ts';
import type { LeftBecause, RolloutStep } from '../requests/release-edit.ts';
import type { Released } from '../requests/submit-release.ts';
import { countOf } from '../wording/amounts.ts';
import { errorText, type Result } from './output.ts';
import type { PlacedArtifact } from './place-artifact.ts';

export interface ReleaseResult extends Released {
  /** Branch and page of the pull request; null where the release is pushed itself. */
  readonly proposal: { readonly branch: string; readonly opened: OpenedPullRequest | null } | null;
  /** Path of the manifest. */
  readonly file: string;
  readonly branch: string;
  readonly isDryRun: boolean;
  readonly artifacts: readonly PlacedArtifact[];
  /** Known devices of a rollout's target, by rollout; empty where no service was asked. */
  readonly devices: ReadonlyMap<string, number>;
}

const LEFT: Readonly<Record<LeftBecause, (asksFor: string) => string>> = {
  'asks-for-it': () => 'asks for this version already',
  'finds-it': (asksFor) => `asks for ${asksFor}: it finds the version by itself`,
  'asks-for-later': (asksFor) => `asks for ${asksFor}, which was released later, and stays so`,
  'rejected-it': (asksFor) => `rejected this version and asks for ${asksFor}; \`slipway retry\` allows it again`,
};

function stepInWords(step: RolloutStep, { edit, devices }: ReleaseResult): string {
  const count = devices.get(step.rollout);
  const reach = count === undefined ? '' : `; its target has ${countOf(count, 'device')}`;
  if (step.kind === 'left') return `Rollout ${step.rollout} ${LEFT[step.because](step.asksFor)}${reach}.`;
  return `Rollout ${step.rollout}: ${step.from} → ${edit.version}${reach}.`;
}

function placeInWords({ file, url, isNew }: PlacedArtifact): string {
  return `${path.basename(file)} ${isNew ? 'was stored as' : 'was there already as'} ${url}.`;
}

function changesOf({ edit }: ReleaseResult): { readonly file: string; readonly lines: readonly string[] }[] {
  return edit.changed.map(({ file, before, after }) => ({
    file,
    lines:
      before === null
        ? after
            .trimEnd()
            .split('\n')
            .map((line) => `+ ${line}`)
        : changedLines(before, after),
  }));
}

function ending(result: ReleaseResult): string {
  const { commit, branch, isDryRun, problems, edit, proposal } = result;
  if (problems.length > 0) return `Nothing was changed: the release would bring ${countOf(problems.length, 'error')}.`;
  if (proposal?.opened != null) {
    const pushed = `${result.proposed ?? commit} on ${proposal.branch}`;
    const { number, url, isNew } = proposal.opened;
    return `${isNew ? 'Opened' : 'Already open:'} pull request ${number} for ${branch}, ${pushed}: ${url}`;
  }
  if (commit !== null) return `Pushed ${commit} to ${branch}.`;
  if (edit.isReleased && edit.changed.length === 0) return `Nothing to do: ${branch} has it already.`;
  return isDryRun ? 'Dry run: nothing was uploaded, signed or pushed.' : '';
}

function textOf(result: ReleaseResult): string {
  const { edit, problems, oldProblems, signer, artifacts, isDryRun } = result;
  const { model, version, sequence, digest, isReleased, rollouts } = edit;
  const known = isReleased ? 'already released' : isDryRun ? 'would be released' : 'release';
  const lines = [
    `${model} ${version}: ${known}, ${digest}, sequence ${sequence}`,
    ...(signer === null ? [] : [`Signed by ${signer}.`]),
    ...(isDryRun ? [] : artifacts.map(placeInWords)),
    ...rollouts.map((step) => stepInWords(step, result)),
    ...(isDryRun ? changesOf(result).flatMap(({ file, lines: its }) => [file, ...its.map((one) => `  ${one}`)]) : []),
    ...(oldProblems.length === 0
      ? []
      : [`The branch has ${countOf(oldProblems.length, 'error')} already; \`slipway validate\` shows them.`]),
  ];
  const findings = problems.map((one) => errorText(one));
  return [...findings, [withoutControls(lines.join('\n')), ending(result)].join('\n')].join('\n\n');
}

export function pullRequestText(
  { edit }: Released,
  message: string | null,
): { readonly title: string; readonly body: string } {
  const { model, version, sequence, digest, rollouts } = edit;
  const set = rollouts.flatMap((one) => (one.kind === 'set' ? [`* ${one.rollout}: ${one.from} → ${version}`] : []));
  const lines = [
    `\`${model}\` ${version}, sequence ${sequence}, signed. Its files are where devices fetch them.`,
    `Manifest: \`${digest}\``,
    ...(set.length === 0 ? [] : [['Rollouts that ask for it once this is merged:', '', ...set].join('\n')]),
  ];
  return { title: message ?? `Release ${model} ${version}`, body: lines.join('\n\n') };
}

/** Exit code 1: the release would bring errors. */
export function releaseInWords(result: ReleaseResult): Result {
  const { edit, file, branch, commit, signer, signatures, artifacts, devices, problems, oldProblems, proposal } =
    result;
  const { model, version, sequence, digest, isReleased, rollouts } = edit;
  return {
    json: {
      ...{ model, version, sequence, digest, manifest: file, branch, commit: commit ?? result.proposed },
      ...{ alreadyReleased: isReleased, signer, signatures, artifacts },
      pullRequest: proposal && { branch: proposal.branch, ...proposal.opened },
      rollouts: rollouts.map((step) => ({ ...step, devices: devices.get(step.rollout) ?? null })),
      changes: changesOf(result).map((one) => ({ file: one.file, change: one.lines.join('\n') })),
      errors: problems.map(errorToJson),
      errorsBefore: oldProblems.length,
    },
    text: textOf(result),
    exitCode: problems.length === 0 ? 0 : 1,
  };
}
