// Owns an independent judge of a rehearsed history, written from DESIGN.md and not from the code: what must never have happened.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../contract/digest.ts';
import { choicesOf, type Directive, type DirectiveEntry } from '../contract/directive.ts';
import type { Cohort } from '../contract/membership.ts';
import { type DeviceFacts, matchesSelector, parseSelector } from '../contract/selector.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';

/** What happened, as the false world saw it; the decisions have no part in writing it. */
export interface History {
  readonly fleet: readonly DeviceFacts[];
  readonly candidateDigest: string;
  /** The first, and one a commit. */
  readonly statuses: RolloutStatus[];
  readonly directives: Directive[];
  /** A device's model changed; `revision` is the newest that the device had accepted. */
  readonly served: {
    readonly device: string;
    readonly digest: string | null;
    readonly revision: number;
    readonly atMs: number;
  }[];
  /** A device accepted the entry of a revision. */
  readonly heard: { readonly device: string; readonly revision: number; readonly atMs: number }[];
}

const MOST_TOLD = 20;

function isMember({ target, cohort, salt, exceptions = [] }: DirectiveEntry, device: DeviceFacts): boolean {
  const matches = (selector: string): boolean => matchesSelector(parseSelector(selector), device);
  if (!matches(target)) return false;
  const apart = exceptions.filter(({ group, kind }) => {
    const [label = '', ...value] = group.split(':');
    return kind !== 'behind' && device.labels[label] === value.join(':');
  });
  if (apart.some(({ kind }) => kind === 'rolled-back')) return false;
  if (apart.some((one) => one.cohort === null || !isWithin(one.cohort, salt, device))) return false;
  return isWithin(cohort, salt, device);
}

/** While it takes what it is given, a device falls back to what it ran before; who is given nothing runs nothing. */
function isGivenAny(entry: DirectiveEntry, device: DeviceFacts): boolean {
  return entry.stable !== null || (entry.candidate !== null && isMember(entry, device));
}

function isWithin(cohort: Cohort, salt: string, device: DeviceFacts): boolean {
  const matches = (selector: string): boolean => matchesSelector(parseSelector(selector), device);
  const bucket = Number.parseInt(createHash('sha256').update(`${salt}\n${device.id}`).digest('hex').slice(0, 12), 16);
  const listed = createHash('sha256').update(`listed\n${salt}\n${device.id}`).digest('hex').slice(0, 24);
  return bucket < cohort.cut || cohort.devices.includes(listed) || (cohort.select !== null && matches(cohort.select));
}

/** A digest comes back by a higher attempt alone. */
function isRejectedIn({ candidate, rejected }: RolloutStatus, digest: string): boolean {
  const attempt = candidate?.digest === digest ? candidate.attempt : 0;
  return rejected.some((one) => one.digest === digest && one.attempt >= attempt);
}

function checkStatuses({ statuses, candidateDigest }: History): string[] {
  const wrong: string[] = [];
  let rejectedAttempt = 0;
  statuses.forEach((status, i) => {
    const before = statuses[i - 1];
    if (before !== undefined && status.revision !== before.revision + 1)
      wrong.push(`revision ${status.revision} follows ${before.revision}`);
    if (status.candidate?.digest === candidateDigest && status.candidate.attempt <= rejectedAttempt)
      wrong.push(`revision ${status.revision} starts a rejected digest again`);
    for (const { digest, attempt } of status.rejected)
      if (digest === candidateDigest) rejectedAttempt = Math.max(rejectedAttempt, attempt);
  });
  return wrong;
}

/** Within an attempt nobody is sent out of the cohort, and nothing becomes stable while devices are held back from it. */
function checkCohorts({ statuses, fleet }: History): string[] {
  return statuses.flatMap((status, i) => {
    const before = statuses[i - 1];
    const was = before?.candidate ?? null;
    if (before === undefined || was === null || (status.exceptions ?? []).length > 0) return [];
    const salt = before.salt ?? '';
    const members = fleet.filter(
      (device) => matchesSelector(parseSelector(before.target), device) && isWithin(before.cohort, salt, device),
    );
    if (status.candidate?.digest === was.digest && status.candidate.attempt === was.attempt) {
      const lost = members.filter((device) => !isWithin(status.cohort, salt, device));
      return lost.map((device) => `revision ${status.revision} sends ${device.id} out of the cohort`);
    }
    const all = fleet.filter((device) => matchesSelector(parseSelector(before.target), device)).length;
    const isCompleted = status.candidate === null && status.stable?.digest === was.digest && before.stable !== null;
    const held = all - members.length;
    return isCompleted && held > 0 ? [`revision ${status.revision} is stable with ${held} devices held back`] : [];
  });
}

/** The same revision says the same, however often it is signed, but that an emergency takes the candidate back before its commit. */
function isSameMeaning(before: DirectiveEntry, entry: DirectiveEntry): boolean {
  const meaning = ({ stepSignature: _, ...content }: DirectiveEntry): string => canonicalJson(content);
  return meaning({ ...before, emergency: before.emergency || entry.emergency }) === meaning(entry);
}

function checkDirectives({ directives }: History): string[] {
  const wrong: string[] = [];
  let newest: DirectiveEntry | undefined;
  for (const entry of directives.flatMap((directive) => directive.entries)) {
    if (newest !== undefined && entry.revision < newest.revision)
      wrong.push(`the directive went back from revision ${newest.revision} to ${entry.revision}`);
    if (newest?.revision === entry.revision && !isSameMeaning(newest, entry))
      wrong.push(`revision ${entry.revision} was published with two meanings`);
    newest = entry;
  }
  return wrong;
}

function checkDevices({ fleet, directives, served, statuses, candidateDigest }: History): string[] {
  const wrong: string[] = [];
  const devices = new Map(fleet.map((device) => [device.id, device]));
  const entries = new Map(directives.flatMap(({ entries }) => entries.map((entry) => [entry.revision, entry])));
  const statusOf = new Map(statuses.map((status) => [status.revision, status]));
  const ran = new Set<string>();
  for (const { device, digest, revision } of served) {
    if (digest !== candidateDigest) continue;
    const facts = devices.get(device);
    const entry = entries.get(revision);
    if (facts === undefined || entry === undefined) wrong.push(`${device} ran the candidate under no directive`);
    else if (!choicesOf(entry).some((choice) => choice.digest === candidateDigest)) {
      if (!ran.has(device) || !isGivenAny(entry, facts))
        wrong.push(`${device} began the candidate when revision ${revision} did not have it`);
    } else if (entry.candidate?.digest === candidateDigest && !isMember(entry, facts))
      wrong.push(`${device} ran the candidate outside the cohort of revision ${revision}`);
    ran.add(device);
    const status = statusOf.get(revision);
    if (status !== undefined && isRejectedIn(status, candidateDigest))
      wrong.push(`${device} began a digest that revision ${revision} had rejected`);
  }
  return wrong;
}

function checkHearing({ heard }: History): string[] {
  const newest = new Map<string, number>();
  const wrong: string[] = [];
  for (const { device, revision } of heard) {
    const before = newest.get(device) ?? 0;
    if (revision < before) wrong.push(`${device} went back from revision ${before} to ${revision}`);
    newest.set(device, Math.max(before, revision));
  }
  return wrong;
}

/** Who has heard that the candidate was taken back does not run it any more. */
function checkRest({ served, heard, statuses, candidateDigest }: History): string[] {
  const last = statuses.at(-1);
  if (last === undefined || last.candidate !== null || last.stable?.digest === candidateDigest) return [];
  const runs = new Map(served.map(({ device, digest }) => [device, digest]));
  const knows = new Set(heard.filter((one) => one.revision >= last.revision).map((one) => one.device));
  const still = [...runs].filter(([device, digest]) => digest === candidateDigest && knows.has(device));
  return still.map(([device]) => `${device} runs the candidate though it knows that it was taken back`);
}

/** What is wrong with a history, at most twenty sentences; empty when nothing is. */
export function findBreaches(history: History): string[] {
  return [
    ...checkStatuses(history),
    ...checkCohorts(history),
    ...checkDirectives(history),
    ...checkDevices(history),
    ...checkHearing(history),
    ...checkRest(history),
  ].slice(0, MOST_TOLD);
}
