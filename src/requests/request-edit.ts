// Owns what a person asks of a rollout, as the edit of its file that they could make by hand.
import { CodedError } from '../base/errors.ts';
import { oneLine } from '../base/plain-text.ts';
import { canonicalJson } from '../contract/digest.ts';
import { isVersionRange, satisfiesRange } from '../contract/model-version.ts';
import { type SpecEdits, spliceSpec } from '../documents/edit-rollout.ts';
import type { Rollout, RolloutPolicy, RolloutRequest, RolloutStatus } from '../documents/types.generated.ts';
import { listed } from '../wording/amounts.ts';
import { statusReasonInWords } from '../wording/step-reason-in-words.ts';
import type { DesiredChange } from './desired-edit.ts';

export type Verb = 'pause' | 'resume' | 'set' | 'undo' | RolloutRequest['act'];

export interface PersonsRequest {
  readonly verb: Verb;
  readonly reason: string | undefined;
  readonly by: string | undefined;
  /** Of `retry`: which of the rejected versions; the newest unless given. */
  readonly version: string | undefined;
  /** Of `abort` and `promote`: the one group of devices that is meant, such as `hw:rev2`. */
  readonly group?: string | undefined;
  /** Of `set`: what the rollout shall ask for. */
  readonly change?: DesiredChange | undefined;
  /** Of `undo`: the version or the revision to go back to; what was there before unless given. */
  readonly to?: string | undefined;
  /** Of `abort`: the version that the spec asks for, where a manifest has it: it is kept from starting when nothing rolls. */
  readonly desired?: { readonly version: string; readonly digest: `sha256:${string}` };
}

/** The edit, and what it asks in words. */
export interface RequestEdit {
  readonly text: string;
  /** `Ask to promote 2.0.0 from canary`, for the commit. */
  readonly title: string;
}

function refuse(code: string, message: string, remedy: string): CodedError {
  return new CodedError({ code, message, remedy });
}

const look = (name: string): string => `\`slipway status ${name}\` shows its state.`;

function statusOf({ metadata, status }: Rollout): RolloutStatus {
  if (status !== undefined) return status;
  throw refuse(
    'REQUEST_TOO_EARLY',
    `The service has not picked up ${metadata.name} yet: it has no status.`,
    'Wait for its first commit and pull it, or edit the spec.',
  );
}

function candidateOf(rollout: Rollout): NonNullable<RolloutStatus['candidate']> {
  const { candidate, stable } = statusOf(rollout);
  if (candidate !== null) return candidate;
  const now = stable === null ? 'it has no version yet' : `${stable.version} is stable`;
  throw refuse(
    'REQUEST_NOTHING_ROLLS',
    `${rollout.metadata.name} is not rolling out anything: ${now}.`,
    look(rollout.metadata.name),
  );
}

interface About {
  readonly digest: `sha256:${string}`;
  readonly stage?: string;
  readonly group?: string;
  readonly title: string;
  /** What else of the spec changes. */
  readonly edits?: Pick<SpecEdits, 'version' | 'parameters'>;
}

function aboutCandidate(rollout: Rollout, words: (version: string, stage: string) => string): About {
  const candidate = candidateOf(rollout);
  const stage = rollout.status?.stage ?? null;
  const title = words(candidate.version, stage ?? 'its stage');
  return { digest: candidate.digest, ...(stage === null ? {} : { stage }), title };
}

/** The candidate; when nothing rolls, the version that is about to start. */
function aboutAbort(rollout: Rollout, { desired }: PersonsRequest): About {
  const { status, spec } = rollout;
  if ((status?.candidate ?? null) === null && desired !== undefined) {
    const { stable = null, rejected = [] } = status ?? {};
    const { parameters = {} } = spec;
    const isStable =
      stable?.digest === desired.digest && canonicalJson(stable.parameters) === canonicalJson(parameters);
    const isRejected = rejected.some((one) => one.digest === desired.digest);
    if (!isStable && !isRejected)
      return { digest: desired.digest, title: `Ask to abort ${desired.version} before its start` };
  }
  return aboutCandidate(rollout, (version, stage) => `Ask to abort ${version} in ${stage}`);
}

/** One group rolls back, or rejoins: in the steady state that is about the stable version. */
function aboutGroup(act: 'abort' | 'promote', rollout: Rollout, group: string): About {
  const { candidate, stable, exceptions = [] } = statusOf(rollout);
  const known = exceptions.find((one) => one.group === group);
  if (act === 'abort') {
    const { digest, version } = candidateOf(rollout);
    if (stable === null)
      throw refuse(
        'REQUEST_NOTHING_STABLE',
        `${group} has nothing to go back to: ${version} is the first version of ${rollout.metadata.name}.`,
        '`slipway abort` without --group aborts it on all devices.',
      );
    if (known?.kind === 'rolled-back')
      throw refuse(
        'REQUEST_ALREADY',
        `${group} was already rolled back: ${statusReasonInWords(known.reason)}.`,
        look(rollout.metadata.name),
      );
    return { digest, group, title: `Ask to roll ${group} back from ${version}` };
  }
  const present = candidate ?? stable;
  if (known !== undefined && present !== null)
    return { digest: present.digest, group, title: `Ask to let ${group} rejoin ${present.version}` };
  const apart = exceptions.map((one) => one.group).join(', ');
  throw refuse(
    'REQUEST_GROUP_UNKNOWN',
    `${rollout.metadata.name} has no exception for the group ${oneLine(group)}: its devices are part of the rollout, or there is no such group.`,
    apart === '' ? look(rollout.metadata.name) : `Groups with an exception: ${apart}.`,
  );
}

/** Would the version be rolled out, were it not rejected? A rollback sets a pinned one back to what is stable. */
function isDesired(version: string, { spec }: Rollout): boolean {
  if (spec.version === 'latest' || spec.version === version) return true;
  return isVersionRange(spec.version) && satisfiesRange(version, spec.version);
}

function aboutRejected(rollout: Rollout, version: string | undefined): About {
  const { rejected } = statusOf(rollout);
  const found = version === undefined ? rejected[0] : rejected.find((one) => one.version === version);
  if (found !== undefined) {
    const { digest, version: again, parameters } = found;
    // A rollback set both back to what is stable: without them nothing would start.
    const isAsked = isDesired(again, rollout);
    const edits = { ...(isAsked ? {} : { version: again }), ...(parameters === undefined ? {} : { parameters }) };
    const title = `Ask to retry ${again}${isAsked ? '' : `, and set the version (was ${rollout.spec.version})`}`;
    return { digest, title, edits };
  }
  const { name } = rollout.metadata;
  const known = rejected.map((one) => one.version).join(', ');
  throw refuse(
    'REQUEST_NOT_REJECTED',
    version === undefined ? `No version of ${name} was rejected.` : `Version ${version} of ${name} was not rejected.`,
    known === '' ? look(name) : `Rejected: ${known}.`,
  );
}

function aboutHistory(rollout: Rollout): About {
  const { candidate, stable, rejected } = statusOf(rollout);
  const digest = candidate?.digest ?? stable?.digest ?? rejected[0]?.digest;
  if (digest !== undefined) return { digest, title: 'Ask to adopt the branch as it is' };
  throw refuse(
    'REQUEST_NOTHING_ROLLS',
    'There is nothing to adopt: no version was ever rolled out.',
    look(rollout.metadata.name),
  );
}

function aboutOf(act: RolloutRequest['act'], rollout: Rollout, asked: PersonsRequest): About {
  const { group } = asked;
  if (group !== undefined && (act === 'abort' || act === 'promote')) return aboutGroup(act, rollout, group);
  switch (act) {
    case 'approve':
      return aboutCandidate(rollout, (version, stage) => `Approve ${version} in ${stage}`);
    case 'promote':
      return aboutCandidate(rollout, (version, stage) => `Ask to promote ${version} from ${stage}`);
    case 'skip':
      return aboutCandidate(rollout, (version, stage) => `Ask to skip ${stage} with ${version}`);
    case 'abort':
      return aboutAbort(rollout, asked);
    case 'retry':
      return aboutRejected(rollout, asked.version);
    case 'adopt':
      return aboutHistory(rollout);
  }
}

interface Edits {
  readonly edits: SpecEdits;
  readonly title: string;
}

function requestEdit(act: RolloutRequest['act'], rollout: Rollout, asked: PersonsRequest): Edits {
  const { title, edits = {}, ...about } = aboutOf(act, rollout, asked);
  const { reason, by } = asked;
  const same = rollout.spec.requests?.find(
    (one) =>
      one.act === act &&
      one.digest === about.digest &&
      one.stage === about.stage &&
      one.group === about.group &&
      one.by === by,
  );
  if (same !== undefined) {
    throw refuse(
      'REQUEST_ALREADY',
      `${rollout.metadata.name} already has this request, and the service has not answered it yet.`,
      'Check that the service is running and that the commit was pushed. `slipway status` shows what the rollout is waiting for.',
    );
  }
  const request = { act, ...about, ...(reason === undefined ? {} : { reason }), ...(by === undefined ? {} : { by }) };
  return { edits: { ...edits, request }, title };
}

function suspendEdit(suspend: boolean, { spec, metadata, status }: Rollout): Edits {
  if ((spec.suspend ?? false) !== suspend) return { edits: { suspend }, title: suspend ? 'Pause' : 'Resume' };
  if (suspend) throw refuse('REQUEST_ALREADY', `${metadata.name} is already paused.`, '`slipway resume` resumes it.');
  if (status?.state !== 'paused')
    throw refuse('REQUEST_ALREADY', `${metadata.name} is not paused.`, look(metadata.name));
  throw refuse(
    'REQUEST_PAUSED_BY_RULE',
    `${metadata.name} was paused by its policy: ${status.paused ? statusReasonInWords(status.paused.reason) : 'a rule failed'}.`,
    '`slipway approve` watches the stage again, `promote` goes on anyway, `abort` rolls back.',
  );
}

/** A request that the rollout's file alone decides. */
export type PlainRequest = PersonsRequest & { readonly verb: Exclude<Verb, 'set' | 'undo'> };

/** Throws REQUEST_… when it would ask for nothing, with what to do instead. */
export function editForRequest(rollout: Rollout, text: string, asked: PlainRequest): RequestEdit {
  const { verb } = asked;
  const isSwitch = verb === 'pause' || verb === 'resume';
  const made = isSwitch ? suspendEdit(verb === 'pause', rollout) : requestEdit(verb, rollout, asked);
  return { text: spliceSpec(text, made.edits), title: made.title };
}

/** An approval by somebody else would change nothing, and nobody would know why. Throws REQUEST_NOT_APPROVER. */
export function assertApprover(status: RolloutStatus, policy: RolloutPolicy, by: string): void {
  if (status.state === 'paused') return;
  const approvers = policy.spec.stages.find(({ name }) => name === status.stage)?.approval?.approvers;
  if (approvers === undefined || approvers.includes(by)) return;
  throw refuse(
    'REQUEST_NOT_APPROVER',
    `${JSON.stringify(by)} may not approve ${status.stage}; approvers are ${listed(approvers, 'and')}.`,
    'Pass the approver with --by, spelled as in the policy.',
  );
}
