// Owns how one device stands with what is declared for it: one state, and at most one reason in words.
import { oneLine } from '../../base/plain-text.ts';
import { type Assignment, type Claim, followedClaim } from '../../contract/directive.ts';
import { type ModelState, outcomeKey } from '../../contract/report.ts';
import { contradiction, refusals } from '../../measurement/known-fleet.ts';
import type { DeviceRecord } from '../../store/device-register.ts';
import { hasTaken } from '../../store/device-register.ts';
import type { DeviceState } from './types.generated.ts';

/** What is declared for the model, and what the device says of it. */
export interface DeclaredModel {
  readonly model: string;
  /** Null where no rollout has anything for the device, or two claim it. */
  readonly claim: Claim | null;
  readonly rollouts: readonly string[];
  readonly state: ModelState | undefined;
}

/** By model, those that a rollout is for first. */
export function declaredModels(assignments: readonly Assignment[], { models }: DeviceRecord): DeclaredModel[] {
  const declared = assignments.map((one): DeclaredModel => {
    const state = models.get(one.model);
    const claim = followedClaim(one, state?.rollout ?? null) ?? null;
    const rollouts = one.kind === 'conflict' ? one.rollouts : [one.entry.rollout];
    return { model: one.model, claim, rollouts, state };
  });
  const others = [...models.values()].filter(({ model }) => !assignments.some((one) => one.model === model));
  return [...declared, ...others.map((state) => ({ model: state.model, claim: null, rollouts: [], state }))];
}

/** Does it run what it should? Null where nothing is declared. */
export function isAsDeclared({ claim, state }: DeclaredModel): boolean | null {
  return claim?.kind === 'run' ? state?.running?.digest === claim.choice.digest : null;
}

/** What became of the declared version, where that is bad. */
function failureOf({ claim, state, model }: DeclaredModel, device: DeviceRecord): string | null {
  if (claim?.kind !== 'run' || state?.running?.digest === claim.choice.digest) return null;
  const { choice, entry, attempt } = claim;
  const outcome = device.outcomes.get(outcomeKey(entry.rollout, choice.digest));
  if (outcome === undefined || outcome.kind === 'committed' || outcome.attempt < attempt) return null;
  const why = outcome.message === '' ? (outcome.reason ?? outcome.kind) : outcome.message;
  return `${model} ${choice.version}: ${why}`;
}

function changeOf({ claim, state, model }: DeclaredModel): string | null {
  if (claim?.kind !== 'run' || state?.running?.digest === claim.choice.digest) return null;
  const version = claim.choice.version;
  if (state?.subject?.digest === claim.choice.digest) return `${model} ${version}: ${STEPS[state.state]}`;
  return state?.running == null
    ? `${model} ${version}: not started`
    : `${model}: still on ${state.running.version}, not ${version}`;
}

const STEPS: Readonly<Record<ModelState['state'], string>> = {
  idle: 'not started',
  fetching: 'downloading',
  verified: 'downloaded and verified',
  staged: 'installed, not tested yet',
  selfTested: 'self-test passed',
  trial: 'on trial',
  committed: 'done',
  rollingBack: 'going back',
  failed: 'failed',
};

export interface Standing {
  readonly state: DeviceState;
  readonly text: string | null;
}

const STATES: readonly DeviceState[] = ['denied', 'contradiction', 'refusing', 'failed'];

/** Where silence hides nothing: what the device said last is what counts. */
export function outlastsSilence(state: DeviceState): boolean {
  return STATES.includes(state);
}

/** How it stands, apart from silence. */
export function standingOf(
  device: DeviceRecord,
  declared: readonly DeclaredModel[],
  { isDenied }: { readonly isDenied: boolean },
): Standing {
  const first = (texts: readonly (string | null)[]): string | null => texts.find((text) => text !== null) ?? null;
  if (isDenied) return { state: 'denied', text: 'the fleet documents turn it away' };
  const says = contradiction(device);
  if (says !== null) return { state: 'contradiction', text: says };
  const claimed = declared.find(({ claim, rollouts }) => claim === null && rollouts.length > 1);
  if (claimed !== undefined)
    return { state: 'contradiction', text: `${claimed.rollouts.join(' and ')} both claim ${claimed.model}` };
  const refused = refusals(device)[0];
  if (refused !== undefined) return { state: 'refusing', text: `does not believe ${refused}` };
  const failed = first(declared.map((one) => failureOf(one, device)));
  if (failed !== null) return { state: 'failed', text: failed };
  const changing = first(declared.map(changeOf));
  if (changing !== null) return { state: 'changing', text: changing };
  if (declared.some((one) => isAsDeclared(one) !== null)) return { state: 'as-declared', text: null };
  const waits = declared.find(({ claim }) => claim?.kind === 'none');
  return { state: 'not-managed', text: waits === undefined ? 'no rollout is for it' : waitsFor(waits) };
}

function waitsFor({ model, rollouts }: DeclaredModel): string {
  return `no version of ${model} is stable in ${rollouts.join(' and ')} yet, and it is not in the stage`;
}

/** How a silent device stands: one that never took what is declared counts in no number of its rollout. */
export function silentStanding(declared: readonly DeclaredModel[], device: DeviceRecord): 'silent' | 'unreachable' {
  const isMissed = ({ claim, state }: DeclaredModel): boolean =>
    claim?.kind === 'run' &&
    state?.running?.digest !== claim.choice.digest &&
    !hasTaken(device, claim.entry.rollout, claim.choice.digest, claim.attempt);
  return declared.some(isMissed) ? 'unreachable' : 'silent';
}

/** `canary of produce-scan`: the stages that it is in. */
export function stagesOf(declared: readonly DeclaredModel[]): string[] {
  return declared.flatMap(({ claim }) =>
    claim?.kind === 'run' && claim.arm === 'candidate'
      ? [`${oneLine(claim.entry.stage ?? 'the stage')} of ${oneLine(claim.entry.rollout)}`]
      : [],
  );
}
