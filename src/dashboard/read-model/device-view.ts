// Owns all that is known of one device: what is declared and why, what runs, what it says of itself and what of that is believed.
import { clipped, oneLine } from '../../base/plain-text.ts';
import { contradictedLabel } from '../../contract/bound-labels.ts';
import { choicesOf, type Directive } from '../../contract/directive.ts';
import { AGENT_PROBLEM } from '../../contract/report.ts';
import { keyIdOf, parsePublicKey } from '../../contract/trust/keys.ts';
import type { WordsOfFleet } from '../../measurement/fleet-words.ts';
import { refusals } from '../../measurement/known-fleet.ts';
import type { DeviceRecord } from '../../store/device-register.ts';
import type { ExposureRow } from '../../store/exposure.ts';
import type { RecentPoint } from '../../store/recent-reports.ts';
import { falseClaimInWords } from '../../wording/alerts-in-words.ts';
import { deviceRow } from './device-rows.ts';
import { type DeclaredModel, declaredModels, isAsDeclared } from './device-standing.ts';
import type { IndexedDevice } from './fleet-index.ts';
import { whyInArm } from './membership-in-words.ts';
import type { AsOf, DeviceModel, DeviceSlot, DeviceState, DeviceView } from './types.generated.ts';

const MOST_FAILURES = 50;
const MOST_TEXT = 500;

export interface DeviceFindings {
  readonly device: IndexedDevice;
  readonly state: DeviceState;
  readonly recent: readonly RecentPoint[];
  /** The newest first. */
  readonly changes: readonly ExposureRow[];
  readonly directive: Directive | null;
  readonly words: WordsOfFleet | undefined;
  /** Why the service refuses its reports; undefined where it takes them. */
  readonly refusedWhy: string | undefined;
  readonly asOf: AsOf;
}

export function deviceView(found: DeviceFindings): DeviceView {
  const { device, state, recent, changes, words, refusedWhy, asOf } = found;
  const { record, source } = device;
  const row = deviceRow(device, state, { recent, words, refusedWhy, nowMs: asOf.atMs });
  const refused = refusedWhy === undefined ? [] : [`the service refuses its reports: ${oneLine(refusedWhy)}`];
  const common = { asOf, ...row, recent: [...recent], changes: changes.map((one) => ({ ...one })) };
  if (record === null)
    return {
      ...common,
      models: row.runs.map(({ model, version, digest }) => plainModel(model, version ?? '', digest)),
      labelSources: Object.entries(device.labels).map(([name, value]) => ({ name, value, source: 'documents' })),
      identity: {
        ...{ enrolledAtMs: null, epoch: 0, key: '', newestSequence: 0, agent: null, platform: null },
        properties: 'figures' in source ? source.figures : {},
      },
      ...{ refusals: refused, claims: [], failures: [] },
    };
  return {
    ...common,
    models: declaredModels(device.assignments, record).map((one) => modelOf(one, record, found)),
    labelSources: labelSources(record, words),
    identity: identityOf(record),
    refusals: [...refusals(record).map((one) => shortened(`it does not believe ${one}`)), ...refused],
    claims: record.claim === null ? [] : [falseClaimInWords(record.claim)],
    failures: failuresOf(record, found),
  };
}

function shortened(text: string): string {
  return clipped(oneLine(text), MOST_TEXT);
}

function modelOf(declared: DeclaredModel, record: DeviceRecord, found: DeviceFindings): DeviceModel {
  const { model, claim, rollouts, state } = declared;
  const running = state?.running ?? null;
  return {
    model,
    rollout: claim?.entry.rollout ?? (rollouts.length === 0 ? null : rollouts.join(', ')),
    declared: claim?.kind === 'run' ? { version: claim.choice.version, digest: claim.choice.digest } : null,
    running: running && { version: running.version, digest: running.digest },
    isSame: isAsDeclared(declared) ?? false,
    ...whyInArm(claim, rollouts, record),
    slots: slotsOf(declared, found),
    outcomes: [...record.outcomes].flatMap(([key, { kind, model: of, attempt, reason, message, atMs }]) => {
      if (of !== model) return [];
      const [rollout = '', digest = ''] = key.split('\n');
      return [
        { rollout, digest, version: versionOf(digest, found), kind, attempt, reason, text: shortened(message), atMs },
      ];
    }),
  };
}

function plainModel(model: string, version: string, digest: string | null): DeviceModel {
  return {
    ...{ model, rollout: null, declared: null, running: { version, digest }, isSame: false, arm: 'none' },
    why: 'it reports without an agent, so no rollout reaches it',
    ...{ bucket: null, cut: null, workOut: null, slots: [], outcomes: [] },
  };
}

/** Two slots where one is known: what runs, and what is being taken or ran before. */
function slotsOf({ model, state }: DeclaredModel, found: DeviceFindings): DeviceSlot[] {
  const running = state?.running ?? null;
  if (state === undefined || running === null) return [];
  const { slot, version, digest } = running;
  const own: DeviceSlot = {
    slot,
    version,
    digest,
    state: state.state === 'trial' ? 'on trial' : 'running',
  };
  const other = slot === 'A' ? 'B' : 'A';
  const taken = state.subject?.digest;
  const before = found.changes.find((one) => one.model === model && one.digest !== digest);
  if (taken !== undefined && taken !== digest)
    return [own, { slot: other, version: versionOf(taken, found), digest: taken, state: state.state }];
  if (before === undefined) return [own];
  return [own, { slot: other, version: before.version, digest: before.digest, state: 'ran before' }];
}

function versionOf(digest: string, { directive, changes }: DeviceFindings): string | null {
  const declared = (directive?.entries ?? []).flatMap(choicesOf).find((one) => one.digest === digest);
  return declared?.version ?? changes.find((one) => one.digest === digest)?.version ?? null;
}

function labelSources(
  { id, labels, bound, stated }: DeviceRecord,
  words: WordsOfFleet | undefined,
): DeviceView['labelSources'] {
  const documented = words?.labels.get(id) ?? {};
  const isContradicted = (name: string): boolean =>
    Object.hasOwn(bound, name) && contradictedLabel(stated, { [name]: bound[name] ?? '' }, labels) !== null;
  return Object.entries(labels).flatMap(([name, value]) => {
    const source = !Object.hasOwn(bound, name) ? 'stated' : Object.hasOwn(documented, name) ? 'documents' : 'token';
    const own = [{ name, value, source } as const];
    return isContradicted(name) ? [...own, { name, value: stated[name] ?? '', source: 'contradicted' } as const] : own;
  });
}

/** The name of its key, as signers have one too. */
function keyName(publicKey: string): string {
  try {
    return keyIdOf(parsePublicKey(publicKey, 'its key'));
  } catch {
    return shortened(publicKey);
  }
}

function identityOf({ epoch, publicKey, newestSequence, properties }: DeviceRecord): DeviceView['identity'] {
  const textual = (name: string): string | null => (properties[name] === undefined ? null : String(properties[name]));
  return {
    // Epochs follow the clock: that of the first enrolment with this key, or a later one.
    enrolledAtMs: epoch > 1_000_000_000 ? epoch * 1000 : null,
    ...{
      epoch,
      key: keyName(publicKey),
      newestSequence,
      agent: textual('agent'),
      platform: textual('platform'),
      properties,
    },
  };
}

function failuresOf(record: DeviceRecord, found: DeviceFindings): DeviceView['failures'] {
  const failed = [...record.outcomes].flatMap(([key, { kind, model, reason, message, atMs }]) => {
    if (kind === 'committed') return [];
    const digest = key.split('\n')[1] ?? '';
    const what = `${model} ${versionOf(digest, found) ?? digest.slice(0, 19)}`;
    return [{ atMs, kind: reason ?? kind, text: shortened(message === '' ? what : `${what}: ${message}`) }];
  });
  const problem = record.properties[AGENT_PROBLEM];
  const agent =
    problem === undefined ? [] : [{ atMs: record.lastSeenAtMs, kind: 'agent', text: shortened(String(problem)) }];
  return [...agent, ...failed].sort((a, b) => b.atMs - a.atMs).slice(0, MOST_FAILURES);
}
