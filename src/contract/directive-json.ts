// Owns the bytes of a directive: one canonical form out, and a strict, bounded reading of what comes in.
import { CodedError } from '../base/errors.ts';
import { type BoundLabels, MOST_BOUND } from './bound-labels.ts';
import { canonicalJson, type Digest, isDigest } from './digest.ts';
import {
  type Candidate,
  type Directive,
  type DirectiveEntry,
  type GroupException,
  MOST_REVISION,
  type ModelChoice,
  type Parameters,
  type Stable,
  type StepSignature,
} from './directive.ts';
import { isNameable } from './group-exception.ts';
import { BUCKETS, type Cohort } from './membership.ts';
import { isVersion } from './model-version.ts';
import { assertProtocol, PROTOCOL } from './protocol.ts';
import { parseSelector } from './selector.ts';
import { noteContent } from './step-signature.ts';

/** A directive larger than this is neither published nor read. */
export const MOST_DIRECTIVE_BYTES = 4 * 1024 * 1024;
const MOST_ENTRIES = 10_000;
const MOST_LISTED = 10_000;
const MOST_EXCEPTIONS = 16;
const MOST_TEXT = 4096;
/** A name that someone chose is quoted no further than this. */
const MOST_QUOTED = 100;

type Fields = Readonly<Record<string, unknown>>;

function refuse(path: string, expected: string): never {
  throw new CodedError({
    code: 'DIRECTIVE_UNREADABLE',
    message: `The directive's ${path.slice(0, MOST_QUOTED)} is not ${expected}.`,
    remedy: 'The versions of device and service do not fit together: update the older one.',
  });
}

function fields(value: unknown, path: string): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) refuse(path, 'a set of fields');
  return value as Fields;
}

function text(value: unknown, path: string): string {
  if (typeof value !== 'string' || value.length > MOST_TEXT) refuse(path, `a text of at most ${MOST_TEXT} characters`);
  return value;
}

function count(value: unknown, path: string, most = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > most)
    refuse(path, 'a whole number');
  return value;
}

/** A selector that this version can evaluate: found out here, not in the middle of evaluating. */
function selector(value: unknown, path: string): string {
  const given = text(value, path);
  try {
    parseSelector(given);
  } catch {
    refuse(path, 'a selector that this version understands');
  }
  return given;
}

function digest(value: unknown, path: string): Digest {
  if (!isDigest(value)) refuse(path, 'a digest');
  return value;
}

function parameters(value: unknown, path: string): Parameters {
  const given = fields(value, path);
  for (const [name, one] of Object.entries(given)) {
    const isScalar =
      typeof one === 'string' || typeof one === 'boolean' || (typeof one === 'number' && Number.isFinite(one));
    if (!isScalar) refuse(`${path}.${name}`, 'a text, a number, true or false');
  }
  return given as Parameters;
}

function choice(given: Fields, path: string): ModelChoice {
  return {
    version: text(given.version, `${path}.version`),
    digest: digest(given.digest, `${path}.digest`),
    parameters: parameters(given.parameters, `${path}.parameters`),
  };
}

function candidate(value: unknown, path: string): Candidate | null {
  if (value === null) return null;
  const given = fields(value, path);
  return { ...choice(given, path), attempt: count(given.attempt, `${path}.attempt`, MOST_REVISION) };
}

function stable(value: unknown, path: string): Stable | null {
  if (value === null) return null;
  const given = fields(value, path);
  return { ...choice(given, path), target: selector(given.target, `${path}.target`) };
}

function cohort(value: unknown, path: string): Cohort {
  const given = fields(value, path);
  const { devices } = given;
  if (!Array.isArray(devices) || devices.length > MOST_LISTED)
    refuse(`${path}.devices`, `a list of at most ${MOST_LISTED}`);
  return {
    cut: count(given.cut, `${path}.cut`, BUCKETS),
    select: given.select === null ? null : selector(given.select, `${path}.select`),
    devices: devices.map((one, i) => text(one, `${path}.devices[${i}]`)),
  };
}

const EXCEPTION_KINDS = ['rolled-back', 'held', 'behind'] as const;

/** A kind that this version does not know may keep a model from devices: an entry with one is not to be guessed at. */
function exception(value: unknown, path: string): GroupException {
  const given = fields(value, path);
  const group = text(given.group, `${path}.group`);
  if (!isNameable(group)) refuse(`${path}.group`, 'a label and a value');
  const kind = EXCEPTION_KINDS.find((one) => one === given.kind);
  if (kind === undefined) refuse(`${path}.kind`, `one of ${EXCEPTION_KINDS.join(', ')}`);
  return {
    group,
    kind,
    cohort: given.cohort === null ? null : cohort(given.cohort, `${path}.cohort`),
    stable: stable(given.stable, `${path}.stable`),
  };
}

/** Absent where there are none, so that most entries keep their bytes. */
function exceptions(value: unknown, path: string): Pick<DirectiveEntry, 'exceptions'> {
  if (value === undefined) return {};
  if (!Array.isArray(value) || value.length > MOST_EXCEPTIONS) refuse(path, `a list of at most ${MOST_EXCEPTIONS}`);
  return { exceptions: value.map((one, i) => exception(one, `${path}[${i}]`)) };
}

function entry(value: unknown, path: string): DirectiveEntry {
  const given = fields(value, path);
  if (typeof given.emergency !== 'boolean') refuse(`${path}.emergency`, 'true or false');
  const read: DirectiveEntry = {
    rollout: text(given.rollout, `${path}.rollout`),
    revision: count(given.revision, `${path}.revision`, MOST_REVISION),
    model: text(given.model, `${path}.model`),
    target: selector(given.target, `${path}.target`),
    stage: given.stage === null ? null : text(given.stage, `${path}.stage`),
    cohort: cohort(given.cohort, `${path}.cohort`),
    salt: text(given.salt, `${path}.salt`),
    candidate: candidate(given.candidate, `${path}.candidate`),
    stable: stable(given.stable, `${path}.stable`),
    ...exceptions(given.exceptions, `${path}.exceptions`),
    spreadMs: count(given.spreadMs, `${path}.spreadMs`),
    emergency: given.emergency,
    ...signature('stepSignature', given, path),
  };
  return noteContent(read, given);
}

function signature<N extends string>(name: N, given: Fields, within: string): { readonly [name in N]?: StepSignature } {
  if (given[name] === undefined) return {};
  const path = `${within}.${name}`;
  const { keyId, sig } = fields(given[name], path);
  return { [name]: { keyId: text(keyId, `${path}.keyId`), sig: text(sig, `${path}.sig`) } } as {
    [n in N]: StepSignature;
  };
}

/** Absent where there are none. */
function bound(value: unknown): Pick<Directive, 'bound'> {
  if (value === undefined) return {};
  if (!Array.isArray(value)) refuse('bound', 'a list');
  let count = 0;
  const lists = value.map((one, i): BoundLabels => {
    const path = `bound[${i}]`;
    const given = fields(one, path);
    const { devices } = given;
    count += Array.isArray(devices) ? devices.length : 0;
    if (!Array.isArray(devices) || count > MOST_BOUND)
      refuse(`${path}.devices`, `a list of at most ${MOST_BOUND} in all`);
    const labels = Object.entries(fields(given.labels, `${path}.labels`));
    return {
      labels: Object.fromEntries(labels.map(([name, label]) => [name, text(label, `${path}.labels`)])),
      devices: devices.map((device, d) => text(device, `${path}.devices[${d}]`)),
    };
  });
  return { bound: lists };
}

/** Reports carry it back: what they could not carry would silence the device. */
function agentVersion(value: unknown): Pick<Directive, 'agentVersion'> {
  if (value === undefined) return {};
  return typeof value === 'string' && isVersion(value) ? { agentVersion: value } : refuse('agentVersion', 'a version');
}

/** Reads a directive whose signature was checked. Throws DIRECTIVE_UNREADABLE, DIRECTIVE_TOO_OLD or DIRECTIVE_TOO_NEW. Fields that this version does not know are left out. */
export function parseDirective(bytes: Uint8Array): Directive {
  if (bytes.length > MOST_DIRECTIVE_BYTES) refuse('size', `at most ${MOST_DIRECTIVE_BYTES} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    refuse('text', 'JSON');
  }
  const given = fields(json, 'document');
  assertProtocol('DIRECTIVE', given.protocol);
  if (given.kind !== 'Directive') refuse('kind', '"Directive"');
  const { entries } = given;
  if (!Array.isArray(entries) || entries.length > MOST_ENTRIES) refuse('entries', `a list of at most ${MOST_ENTRIES}`);
  const parsed = entries.map((one, i) => entry(one, `entries[${i}]`));
  if (new Set(parsed.map((one) => one.rollout)).size !== parsed.length) refuse('entries', 'one a rollout');
  return {
    kind: 'Directive',
    entries: parsed,
    ...bound(given.bound),
    ...signature('boundSignature', given, 'document'),
    ...agentVersion(given.agentVersion),
  };
}

/** The canonical bytes: equal directives have equal bytes. Throws DIRECTIVE_TOO_LARGE, and DIRECTIVE_UNREADABLE for what devices would refuse. */
export function encodeDirective(directive: Directive): Buffer {
  const entries = [...directive.entries].sort((a, b) => (a.rollout < b.rollout ? -1 : a.rollout > b.rollout ? 1 : 0));
  const bytes = Buffer.from(canonicalJson({ ...directive, kind: 'Directive', protocol: PROTOCOL, entries }));
  if (bytes.length > MOST_DIRECTIVE_BYTES) {
    throw new CodedError({
      code: 'DIRECTIVE_TOO_LARGE',
      message: `The directive has ${bytes.length} bytes, more than ${MOST_DIRECTIVE_BYTES}.`,
      remedy: 'List fewer devices one by one: use a selector, or a size.',
    });
  }
  parseDirective(bytes);
  return bytes;
}
