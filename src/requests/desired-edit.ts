// Owns edits of what a rollout asks for: another version, parameters or target, and the way back to what was there before.
import { CodedError } from '../base/errors.ts';
import { oneLine } from '../base/plain-text.ts';
import { canonicalJson } from '../contract/digest.ts';
import { isVersionRange } from '../contract/model-version.ts';
import { decodeStrictBase64 } from '../contract/trust/dsse.ts';
import type { SpecEdits } from '../documents/edit-rollout.ts';
import { nameOfPath } from '../documents/repository-layout.ts';
import type { Rollout, RolloutStatus } from '../documents/types.generated.ts';
import type { RepositoryFiles } from '../git/repository-files.ts';
import { type FoundRollout, findManifest, manifestsOf } from './find-rollout.ts';

type Parameters = NonNullable<Rollout['spec']['parameters']>;

/** What the rollout shall ask for; what is left out stays. */
export interface DesiredChange {
  readonly version?: string | undefined;
  /** Set beside those that are there; null takes one away. */
  readonly parameters?: Readonly<Record<string, string | number | boolean | null>> | undefined;
  readonly target?: string | undefined;
}

export interface DesiredEdit {
  readonly edits: SpecEdits;
  readonly title: string;
}

function refuse(code: string, message: string, remedy: string): CodedError {
  return new CodedError({ code, message, remedy });
}

/** The edit for a change. Throws REQUEST_ALREADY, REQUEST_VERSION_UNKNOWN, REQUEST_REJECTED. */
export async function editForChange(
  files: RepositoryFiles,
  found: FoundRollout,
  change: DesiredChange,
  verb = 'Set',
): Promise<DesiredEdit> {
  const { spec, metadata } = found.rollout;
  const parameters = mergedParameters(spec.parameters ?? {}, change.parameters ?? {});
  const isOther = canonicalJson(parameters) !== canonicalJson(spec.parameters ?? {});
  const version = change.version === spec.version ? undefined : change.version;
  const target = change.target === spec.target ? undefined : change.target;
  if (version === undefined && target === undefined && !isOther)
    throw refuse(
      'REQUEST_ALREADY',
      `${metadata.name} asks for this already: version ${spec.version}, target ${oneLine(spec.target)}.`,
      `\`slipway status ${metadata.name}\` shows what it waits for.`,
    );
  if (version !== undefined || isOther) await assertMayStart(files, found, change.version ?? spec.version, parameters);
  const words = [
    ...(version === undefined ? [] : [`version ${version} (was ${spec.version})`]),
    ...(isOther ? [`parameters ${parametersInWords(spec.parameters ?? {}, parameters)}`] : []),
    ...(target === undefined ? [] : [`target ${oneLine(target)}`]),
  ];
  const edits = {
    ...(version === undefined ? {} : { version }),
    ...(isOther ? { parameters } : {}),
    ...(target === undefined ? {} : { target }),
  };
  return { edits, title: `${verb} ${words.join(', ')}` };
}

function mergedParameters(before: Parameters, change: NonNullable<DesiredChange['parameters']>): Parameters {
  const merged = Object.entries({ ...before, ...change });
  return Object.fromEntries(merged.filter((one): one is [string, Parameters[string]] => one[1] !== null));
}

const MOST_WORDS = 3;

function parametersInWords(before: Parameters, after: Parameters): string {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = names.filter((name) => before[name] !== after[name]);
  const words = changed.slice(0, MOST_WORDS).map((name) => {
    const value = after[name];
    return value === undefined ? `without ${name}` : `${name}=${oneLine(String(value)).slice(0, 40)}`;
  });
  return words.join(', ') + (changed.length > MOST_WORDS ? ` and ${changed.length - MOST_WORDS} more` : '');
}

/** A version that nobody released, or that was rejected, would wait for ever. */
async function assertMayStart(
  files: RepositoryFiles,
  found: FoundRollout,
  version: string,
  parameters: Parameters,
): Promise<void> {
  const { rollout, layout } = found;
  const { model } = rollout.spec;
  const { name } = rollout.metadata;
  if (version === 'latest' || isVersionRange(version)) return;
  const manifest = await findManifest(files, found, version);
  if (manifest === undefined) {
    const known = manifestsOf(files, layout, model).map(nameOfPath).slice(-10).reverse();
    const list = known.length === 0 ? 'No version of it is released yet.' : `Released: ${known.join(', ')}.`;
    throw refuse('REQUEST_VERSION_UNKNOWN', `There is no version ${oneLine(version)} of ${model}.`, list);
  }
  const rejected = rollout.status?.rejected.find(({ digest }) => digest === manifest.digest);
  if (rejected === undefined) return;
  const isMeant = rejected.parameters === undefined || canonicalJson(rejected.parameters) === canonicalJson(parameters);
  if (isMeant)
    throw refuse(
      'REQUEST_REJECTED',
      `Version ${rejected.version} of ${name} was rejected, and does not start again by itself.`,
      `\`slipway retry ${name} ${rejected.version}\` allows it again and sets the version.`,
    );
}

/** How a rollout is undone. `abort`: what rolls goes back now. */
export type WayBack = { readonly kind: 'abort' } | { readonly kind: 'change'; readonly change: DesiredChange };

/** The way back from how the rollout stands, to a version or a revision when one is named. Throws REQUEST_NOTHING_TO_UNDO and as `editForChange`. */
export async function findWayBack(files: RepositoryFiles, found: FoundRollout, to?: string): Promise<WayBack> {
  const { status, spec, metadata } = found.rollout;
  const { name } = metadata;
  if (to !== undefined) return { kind: 'change', change: await changeTo(files, found, to) };
  if (status === undefined)
    throw nothingToUndo(`Nothing of ${name} was rolled out yet`, 'Take back the commit with `git revert`.');
  const { candidate, stable } = status;
  if (candidate !== null) return { kind: 'abort' };
  if (stable === null) return { kind: 'change', change: { version: versionBefore(name, status) } };
  const manifest = await findManifest(files, found, spec.version);
  const isStable = manifest?.digest === stable.digest;
  const isSame = canonicalJson(stable.parameters) === canonicalJson(spec.parameters ?? {});
  const isRejected = manifest !== undefined && status.rejected.some(({ digest }) => digest === manifest.digest);
  // Asked for, and not begun: the devices still run what they did.
  if (!(isStable && isSame) && !isRejected) {
    const parameters = replaced(spec.parameters, stable.parameters);
    return { kind: 'change', change: { version: stable.version, parameters } };
  }
  return { kind: 'change', change: { version: versionBefore(name, status) } };
}

/** Those of `after`, and none besides. */
function replaced(before: Parameters = {}, after: Parameters = {}): NonNullable<DesiredChange['parameters']> {
  return { ...Object.fromEntries(Object.keys(before).map((key) => [key, null])), ...after };
}

function nothingToUndo(message: string, remedy: string): CodedError {
  return refuse('REQUEST_NOTHING_TO_UNDO', `${message}.`, remedy);
}

function versionBefore(name: string, { stable, rejected, previous = [] }: RolloutStatus): string {
  const [before] = previous;
  const [last] = rejected;
  if (last !== undefined && (before === undefined || last.at >= before.until))
    throw nothingToUndo(
      `${last.version} was rolled back already, and ${stable?.version ?? 'nothing'} is stable`,
      `\`slipway retry ${name}\` tries it again; \`slipway undo ${name} --to VERSION\` goes further back.`,
    );
  if (before === undefined)
    throw nothingToUndo(`${stable?.version ?? 'It'} is the first version of ${name}`, 'There is none to go back to.');
  if (before.digest !== stable?.digest) return before.version;
  throw nothingToUndo(
    `The last change of ${name} was one of parameters, whose old values its status does not keep`,
    `\`slipway set ${name} --parameter name=value\` sets them, \`slipway undo ${name} --to REVISION\` takes those of a revision.`,
  );
}

async function changeTo(files: RepositoryFiles, found: FoundRollout, to: string): Promise<DesiredChange> {
  if (!/^\d{1,9}$/.test(to) || (await findManifest(files, found, to)) !== undefined) return { version: to };
  const { rollout, layout } = found;
  const { name } = rollout.metadata;
  const start = `${layout.evidence}/${name}/${to}-`;
  const file = files.paths.find((one) => one.startsWith(start) && one.endsWith('.json'));
  const then = file === undefined ? undefined : statusIn(await files.read(file, MOST_EVIDENCE_BYTES));
  const version = then?.candidate ?? then?.stable;
  if (version == null)
    throw refuse(
      'REQUEST_REVISION_UNKNOWN',
      `${name} has no version and no revision ${to} with evidence.`,
      `\`slipway history ${name}\` shows its revisions.`,
    );
  return { version: version.version, parameters: replaced(rollout.spec.parameters, version.parameters) };
}

const MOST_EVIDENCE_BYTES = 2 * 1024 * 1024;

/** What evidence says of the status, whoever signed it: a person sees the change before it is made, and it starts like any other. */
function statusIn(evidence: Buffer): Pick<RolloutStatus, 'candidate' | 'stable'> | undefined {
  try {
    const { payload } = JSON.parse(evidence.toString('utf8')) as { readonly payload: string };
    const statement = JSON.parse(decodeStrictBase64(payload)?.toString('utf8') ?? '') as {
      readonly predicate: { readonly status: RolloutStatus };
    };
    const { candidate, stable } = statement.predicate.status;
    const isVersion = (one: typeof stable | typeof candidate): boolean =>
      one === null || typeof one.version === 'string';
    return isVersion(candidate) && isVersion(stable) ? { candidate, stable } : undefined;
  } catch {
    return undefined;
  }
}
