// Owns declared against reported: which devices run something else than the directive says, and since when.
import {
  type Assignment,
  assignmentsFor,
  type Claim,
  type Directive,
  followedClaim,
  stableFor,
} from '../contract/directive.ts';
import { type ModelState, outcomeKey } from '../contract/report.ts';
import { onTrialOf } from '../telemetry/on-trial.ts';
import type { KnownDevice } from './count-cohort.ts';

/** Devices of one rollout that run something else than declared. */
export interface OffDeclared {
  readonly rollout: string;
  readonly count: number;
  /** Of them, those that have done so for longer than they may. */
  readonly staying: number;
  /** At most `MOST_NAMED`, those that stay first. */
  readonly first: readonly OffDevice[];
}

/** What a device runs, and what it should. */
export interface Deviation {
  readonly running: string;
  /** Null when nothing is declared. */
  readonly declared: string | null;
  /** What the device says of its failure to take the declared version. */
  readonly failure: string | null;
}

export interface OffDevice extends Deviation {
  readonly device: string;
}

export interface DeclaredFacts {
  /** What devices should run: the published directive. */
  readonly directive: Directive;
  readonly devices: Iterable<KnownDevice>;
  /** Listening time of the store now. */
  readonly listenedMs: number;
  /** What a device runs that was silent for longer is not known. */
  readonly silenceMs: number;
  /** How long a device may be off, besides the time over which downloads are spread. */
  readonly afterMs: number;
}

/** Listening time at which a device was first seen off, by device, rollout and what was declared. */
export type OffSince = ReadonlyMap<string, number>;

export interface CountedOff {
  readonly rollouts: readonly OffDeclared[];
  readonly since: OffSince;
}

const MOST_NAMED = 10;
const ON_ITS_WAY: ReadonlySet<ModelState['state']> = new Set(['fetching', 'verified', 'staged', 'selfTested', 'trial']);
type RunAssignment = Extract<Assignment, { kind: 'run' }>;

/** While a candidate rolls, a device that tried it and went back is the stage's to count: it does as it should. */
function isCountedByStage({ arm, entry, choice, attempt }: RunAssignment, device: KnownDevice): boolean {
  if (arm !== 'candidate') return false;
  const outcome = device.outcomes.get(outcomeKey(entry.rollout, choice.digest));
  return outcome !== undefined && outcome.kind !== 'committed' && outcome.attempt >= attempt;
}

/** What the device runs instead; null when it runs what it should, or is on its way. */
function deviation(assignment: Claim, device: KnownDevice): Deviation | null {
  const state = device.models.get(assignment.model);
  const running = state?.running ?? null;
  if (state === undefined || running === null) return null;
  if (assignment.kind === 'none') {
    const isOfRollout = state.rollout === assignment.entry.rollout;
    return isOfRollout ? { running: running.version, declared: null, failure: null } : null;
  }
  const { choice } = assignment;
  if (running.digest === choice.digest) return null;
  const isOnItsWay = state.subject?.digest === choice.digest && ON_ITS_WAY.has(state.state);
  if (isOnItsWay || isCountedByStage(assignment, device)) return null;
  const outcome = device.outcomes.get(outcomeKey(assignment.entry.rollout, choice.digest));
  const isBad = outcome !== undefined && outcome.kind !== 'committed' && outcome.attempt >= assignment.attempt;
  return { running: running.version, declared: choice.version, failure: isBad ? outcome.message : null };
}

/** A device of the cohort that still runs stable is the stage's to wait for: it is off only when it stays so. */
function isExpected(assignment: Assignment, device: KnownDevice): boolean {
  if (assignment.kind !== 'run' || assignment.arm !== 'candidate') return false;
  return device.models.get(assignment.model)?.running?.digest === stableFor(assignment.entry, device)?.digest;
}

interface Found extends OffDevice {
  readonly isStaying: boolean;
}

/** What devices should run, by model: only the models that a device has are compared. */
function byModel({ entries }: Directive): ReadonlyMap<string, Directive> {
  const models = Map.groupBy(entries, (entry) => entry.model);
  return new Map([...models].map(([model, own]) => [model, { kind: 'Directive', entries: own }]));
}

/** Compares every device that is heard with what it should run. `before` is what the last count gave. */
export function countOffDeclared(facts: DeclaredFacts, before: OffSince): CountedOff {
  const { directive, listenedMs } = facts;
  const since = new Map<string, number>();
  const byRollout = new Map(directive.entries.map((entry) => [entry.rollout, [] as Found[]]));
  const wanted = byModel(directive);
  for (const device of facts.devices) {
    if (listenedMs - device.lastSeenListenedMs > facts.silenceMs) continue;
    for (const [model, { rollout: follows }] of device.models) {
      const own = wanted.get(model);
      const [claimed] = own === undefined ? [] : assignmentsFor(own, device, onTrialOf(device));
      const assignment = claimed === undefined ? undefined : followedClaim(claimed, follows);
      const deviates = assignment === undefined ? null : deviation(assignment, device);
      if (assignment === undefined || deviates === null) continue;
      const { rollout, spreadMs } = assignment.entry;
      const declared = assignment.kind === 'run' ? assignment.choice.digest : '';
      const key = `${device.id}\n${rollout}\n${declared}`;
      const firstMs = before.get(key) ?? listenedMs;
      since.set(key, firstMs);
      const isStaying = listenedMs - firstMs >= facts.afterMs + spreadMs;
      if (isStaying || !isExpected(assignment, device))
        byRollout.get(rollout)?.push({ device: device.id, ...deviates, isStaying });
    }
  }
  return { rollouts: [...byRollout].map(([rollout, found]) => counted(rollout, found)), since };
}

function counted(rollout: string, found: readonly Found[]): OffDeclared {
  const staying = found.filter((one) => one.isStaying);
  const others = found.filter((one) => !one.isStaying);
  const first = [...staying, ...others].slice(0, MOST_NAMED).map(({ isStaying: _, ...one }) => one);
  return { rollout, count: found.length, staying: staying.length, first };
}
