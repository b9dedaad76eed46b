// Owns the manifest of a new version: what its files say, what the version before has people say, and what is said at its making.
import { assertInvariant, CodedError } from '../base/errors.ts';
import { canonicalJson, digestOf } from '../contract/digest.ts';
import type { InputTensor, ModelExample, ModelManifest, OutputTensor, Variant } from '../contract/types.generated.ts';
import { parseDocumentOf } from './parse-document-of.ts';
import type { ModelDraft } from './types.generated.ts';
import { writeDocument } from './write-yaml.ts';

export type OutputKind = NonNullable<OutputTensor['kind']>;

/** Class names, and whether they are too many to stand in the manifest: then they stay in the variant's `labels` file. */
export interface Labels {
  readonly names: readonly string[];
  readonly inFile: boolean;
}

export interface NewManifest {
  /** As errors name it. */
  readonly file: string;
  readonly model: string;
  readonly version: string;
  readonly sequence: number;
  readonly framework: string;
  readonly interface: { readonly inputs: readonly InputTensor[]; readonly outputs: readonly OutputTensor[] };
  readonly variants: readonly Variant[];
  readonly kinds: ReadonlyMap<string, OutputKind>;
  readonly labels: Labels | null;
  /** Outputs that hold logits, should they hold scores of classes. */
  readonly logits: readonly string[];
  /** A manifest whose other fields are taken over, such as that of the version before. */
  readonly base: ModelManifest | null;
  /** What was registered of the version before its files were there: it wins over `base`. */
  readonly draft: ModelDraft | null;
  /** One more for the self-test; it takes the place of one with its name. */
  readonly example: ModelExample | null;
  /** Makes the bill of materials of the manifest, which then names it by its digest; null for none. */
  readonly bomOf: ((manifest: ModelManifest) => string) | null;
}

export interface WrittenManifest {
  readonly text: string;
  readonly manifest: ModelManifest;
  readonly bom: string | null;
}

function refused(message: string, remedy: string): CodedError {
  return new CodedError({ code: 'PACKAGE_MANIFEST', message, remedy });
}

/** The manifest; equal facts give equal bytes. Throws PACKAGE_MANIFEST for facts of which no valid manifest can be made. */
export function newManifest(facts: NewManifest): WrittenManifest {
  const { base, draft, example, model, version, sequence, framework, variants } = facts;
  const { description, owner, useCase } = { ...base?.metadata, ...draft?.metadata };
  // Lineage and metrics are of one version.
  const { lineage, metrics } = draft?.spec ?? {};
  const { confidence, compatibility, resources, parameters, parameterLimits, health } = base?.spec ?? {};
  const before = base?.spec.examples?.filter(({ name }) => name !== example?.name);
  const examples = example === null ? before : [...(before ?? []), example];
  const content = (bom: string | undefined) => ({
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'ModelManifest',
    metadata: { name: model, version, sequence, description, owner, useCase },
    spec: {
      framework,
      lineage,
      metrics,
      bom,
      interface: { inputs: facts.interface.inputs, outputs: declareOutputs(facts) },
      confidence,
      variants,
      ...{ compatibility, resources, examples, parameters, parameterLimits, health },
    },
  });
  const written = writeManifest(facts, content(undefined));
  if (facts.bomOf === null) return { ...written, bom: null };
  const bom = facts.bomOf(written.manifest);
  return { ...writeManifest(facts, content(digestOf(bom))), bom };
}

function writeManifest({ file, base }: NewManifest, content: object): Omit<WrittenManifest, 'bom'> {
  const text = writeDocument(content);
  const manifest = readBack(file, text, base !== null);
  const isSame = canonicalJson(manifest) === canonicalJson(JSON.parse(JSON.stringify(content)));
  assertInvariant(isSame, 'a manifest is read as it was written');
  return { text, manifest };
}

/** What is written must be what `slipway validate` accepts. */
function readBack(file: string, text: string, hasBase: boolean): ModelManifest {
  try {
    return parseDocumentOf('ModelManifest', file, Buffer.from(text));
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    const message = `The manifest would not be valid. ${cause.code}: ${cause.message}`;
    const taken = hasBase ? ' Fields that --from takes over, such as examples, may not fit these files.' : '';
    const remedy = `${cause.remedy ?? 'Correct the files.'}${taken}`;
    throw new CodedError({ code: 'PACKAGE_MANIFEST', message, remedy, cause });
  }
}

function declareOutputs({ interface: { outputs }, base, kinds, labels, logits }: NewManifest): OutputTensor[] {
  const unknown = [...kinds.keys()].find((name) => !outputs.some((output) => output.name === name));
  if (unknown !== undefined)
    throw refused(`The model has no output "${unknown}".`, `It has ${outputs.map(({ name }) => name).join(', ')}.`);
  const declared = outputs.map((output): OutputTensor => {
    const before = base?.spec.interface.outputs.find(({ name }) => name === output.name);
    const kind = kinds.get(output.name);
    if (kind !== undefined && kind !== (before?.kind ?? 'classes')) return { ...output, kind };
    const { name: _name, type: _type, shape: _shape, ...meaning } = before ?? output;
    return { ...output, ...meaning, ...(kind === undefined ? {} : { kind }) };
  });
  if (labels === null) return declared;
  const chosen = outputOfLabels(declared, labels.names.length);
  const { classes: _classes, classCount: _classCount, ...rest } = chosen;
  const named = labels.inFile ? { classCount: labels.names.length } : { classes: [...labels.names] };
  const scores: Pick<OutputTensor, 'scores'> =
    logits.includes(chosen.name) && chosen.scores === undefined ? { scores: 'logits' } : {};
  return declared.map((output) => (output === chosen ? { ...rest, ...named, ...scores } : output));
}

/** The output that is said to hold classes, or else the only one whose rows hold so many scores. */
function outputOfLabels(outputs: readonly OutputTensor[], count: number): OutputTensor {
  const isNamed = ({ kind, classes, classCount }: OutputTensor): boolean =>
    kind === 'classes' || classes !== undefined || classCount !== undefined;
  const fits = ({ kind, type, shape }: OutputTensor): boolean =>
    kind === undefined && type.startsWith('float') && [count, -1].includes(shape.at(-1) ?? 1);
  const named = outputs.filter(isNamed);
  const [found, ...others] = named.length > 0 ? named : outputs.filter(fits);
  if (found !== undefined && others.length === 0) return found;
  const rows = outputs.map(({ name, shape }) => `${name} [${shape}]`).join(', ');
  throw refused(
    `${found === undefined ? 'No output has' : 'Several outputs may have'} a score for each of the ${count} labels: ${rows}.`,
    'Say which one with --kind <output>=classes, and check the labels.',
  );
}
