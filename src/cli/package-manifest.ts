// Owns making a version of files: reads what the model says of itself, and writes the manifest once all files lie where devices download them.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { ModelFiles } from '../../fleet-agent/src/record/slots.ts';
import { readBoundedFile } from '../base/bounded-file.ts';
import { readFileIfPresent, writeFileDurably } from '../base/durable-file.ts';
import { CodedError } from '../base/errors.ts';
import { type Digest, digestOf } from '../contract/digest.ts';
import type { ModelManifest, OutputTensor, Variant } from '../contract/types.generated.ts';
import type { Artifact, ArtifactStore } from '../distribution/artifact-store.ts';
import { measureArtifact } from '../distribution/artifacts.ts';
import { bomBeside, mlBom } from '../documents/ml-bom.ts';
import {
  type Labels,
  type NewManifest,
  newManifest,
  type OutputKind,
  type WrittenManifest,
} from '../documents/new-manifest.ts';
import { parseDocument } from '../documents/parse-document.ts';
import { parseDocumentOf } from '../documents/parse-document-of.ts';
import type { OnnxDescription } from '../documents/read-onnx.ts';
import { DEFAULT_LAYOUT, nameOfPath } from '../documents/repository-layout.ts';
import type { ModelDraft } from '../documents/types.generated.ts';
import { describeOnnx } from './describe-onnx.ts';
import { withAnswer } from './example-answer.ts';
import { readQuestion } from './example-question.ts';
import { findLabels, LABELS_NAME } from './model-labels.ts';
import { type PlacedArtifact, type Placing, placeAll } from './place-artifact.ts';
import { highestBeside, MOST_DOCUMENT_BYTES, sequenceIn } from './sequences.ts';
import { assertHoldsContent, type FileRole, findVariants, refused, type VariantFiles } from './variant-files.ts';

export interface ManifestOrder {
  readonly files: readonly string[];
  /** `models/<model>/<version>.yaml`: its path says which model and version it is. */
  readonly manifest: string;
  readonly from: string | null;
  readonly labels: string | null;
  /** Files with inputs whose answer is to be worked out; none, or as in `readQuestion`. */
  readonly example: readonly string[];
  readonly kinds: ReadonlyMap<string, OutputKind>;
  readonly roles: ReadonlyMap<string, FileRole>;
  /** Makes a bill of materials as well; null for none. `time` as in `BomFacts`. */
  readonly bom: { readonly time: string | null } | null;
  /** Says under which addresses devices find the files. */
  readonly store: ArtifactStore;
}

export interface PackageOrder extends ManifestOrder, Placing {
  /** Where the bill of materials goes; null: beside the manifest. */
  readonly bomFile: string | null;
}

export interface DraftedManifest {
  readonly framework: string;
  /** Of the first variant; null for other frameworks. */
  readonly onnx: OnnxDescription | null;
  readonly variants: readonly Variant[];
  readonly text: string;
  /** The bill of materials; null where none is asked for. */
  readonly bom: string | null;
  /** What nobody but people can know, and is still to be said; null when nothing is. */
  readonly note: string | null;
  /** What devices fetch, by file. */
  readonly files: ReadonlyMap<string, Artifact>;
}

export interface PackedManifest extends Omit<DraftedManifest, 'files' | 'note' | 'bom'> {
  readonly manifest: string;
  readonly digest: Digest;
  readonly sequence: number;
  readonly artifacts: readonly PlacedArtifact[];
  /** Where the bill of materials is. */
  readonly bomFile: string | null;
}

/** Throws PACKAGE_FILES, PACKAGE_MANIFEST, ONNX_… or what reading and writing files throws. Repeating it changes nothing. */
export async function packageManifest(order: PackageOrder): Promise<PackedManifest> {
  const { manifest: file, isDryRun } = order;
  const model = modelOf(file);
  const written = await readFileIfPresent(file, MOST_DOCUMENT_BYTES);
  const before = written === undefined ? 0 : sequenceIn(file, written, model);
  const sequence = before > 0 ? before : (await highestBeside(file, model)) + 1;
  const registered = written === undefined ? null : draftIn(file, written);
  const { files, note, bom, ...draft } = await draftManifest(order, { sequence, draft: registered });
  const { text } = draft;
  if (written !== undefined && registered === null && written.toString('utf8') !== text)
    throw new CodedError({
      code: 'PACKAGE_EXISTS',
      message: `${file} is there already, and says something else.`,
      remedy: 'Versions never change: package these files as another version, or remove a manifest that nobody signed.',
    });
  const bomFile = bom === null ? null : (order.bomFile ?? bomBeside(file));
  const artifacts = await placeAll(files, order);
  if (note !== null) order.say(note);
  if (!isDryRun) {
    await mkdir(path.dirname(file), { recursive: true });
    if (bomFile !== null && bom !== null) await writeFileDurably(bomFile, bom);
    await writeFileDurably(file, text);
  }
  return { manifest: file, digest: digestOf(text), sequence, ...draft, artifacts, bomFile };
}

/** What was registered in the place of the manifest; null where that is a manifest, or nothing that can be read. */
export function draftIn(file: string, bytes: Uint8Array): ModelDraft | null {
  const parsed = parseDocument(file, bytes, { isCopy: true });
  return parsed.kind === 'parsed' && parsed.document.kind === 'ModelDraft' ? parsed.document : null;
}

const MODELS = DEFAULT_LAYOUT.models;

/** A manifest's path says its model. Throws PACKAGE_FILES. */
function modelOf(file: string): string {
  const [above = '', folder = ''] = path.dirname(path.resolve(file)).split(path.sep).slice(-2);
  const hasModel = folder !== MODELS || above === MODELS;
  if (hasModel && /\.ya?ml$/.test(file)) return folder;
  throw refused(`${file} is no name of a manifest.`, 'Write models/<model>/<version>.yaml.');
}

/** The manifest of the files; it reads them alone. Throws PACKAGE_FILES, PACKAGE_MANIFEST, ONNX_…. */
export async function draftManifest(
  order: ManifestOrder,
  { sequence, draft }: { readonly sequence: number; readonly draft: ModelDraft | null },
): Promise<DraftedManifest> {
  const { manifest: file, store } = order;
  const model = modelOf(file);
  const base = order.from === null ? null : await readManifest(order.from);
  const found = await findVariants(order.files);
  for (const variant of found) await assertHoldsContent(variant.model);
  const described = found.map(({ model: one }) => (one.endsWith('.onnx') ? describeOnnx(one) : null));
  const { labels, labelsFile } = await findLabels(order.labels, found);
  const files = new Map<string, Artifact>();
  const variants: Variant[] = [];
  const onDisk: ModelFiles[] = [];
  for (const [index, variant] of found.entries()) {
    const roles = rolesOf(variant, { order, labels, labelsFile, dataFiles: described[index]?.dataFiles ?? [] });
    for (const one of roles.keys()) {
      await assertHoldsContent(one);
      files.set(one, files.get(one) ?? (await measureArtifact(one)));
    }
    variants.push(variantEntry(variant, roles, { files, store }));
    if (described[index] !== null) onDisk.push(filesOnDisk(roles, files));
  }
  const framework = frameworkOf(found, base);
  const facts = { file, model, version: nameOfPath(path.basename(file)), sequence, framework, variants, base, draft };
  const its = interfaceOf(found, described, base);
  const [onnx = null] = described;
  const all = { ...facts, interface: its, kinds: order.kinds, labels, logits: onnx?.logits ?? [] };
  const { bom: wanted } = order;
  const bomOf = wanted && ((manifest: ModelManifest): string => mlBom({ manifest, onnx, ...wanted }));
  const { text, manifest, bom } = await withExample({ ...all, bomOf, example: null }, order.example, onDisk);
  return { framework, onnx, variants, text, bom, note: noteOf(manifest.spec.interface.outputs), files };
}

function noteOf(outputs: readonly OutputTensor[]): string | null {
  const hasMeaning = outputs.some((one) => (one.kind ?? one.classes ?? one.classCount) !== undefined);
  const names = outputs.map(({ name }) => name);
  if (hasMeaning) return null;
  return `Note: devices sum up nothing of the answers (${names.join(', ')}), so rules can judge errors and latency only. Say what an output is with --labels <file>, or --kind ${names[0]}=scalar.`;
}

/** The manifest with one example more, whose answer is worked out. */
async function withExample(
  facts: NewManifest,
  files: readonly string[],
  variants: readonly ModelFiles[],
): Promise<WrittenManifest> {
  if (files.length === 0) return newManifest(facts);
  const question = await readQuestion(files, facts.interface.inputs);
  const { manifest } = newManifest({ ...facts, example: { ...question, expect: { outputs: {} } } });
  const labels = facts.labels?.names ?? [];
  return newManifest({ ...facts, example: await withAnswer({ question, manifest, labels, variants }) });
}

function filesOnDisk(roles: ReadonlyMap<string, FileRole>, measured: ReadonlyMap<string, Artifact>): ModelFiles {
  const all = [...roles].map(([file, role]) => {
    const digest = measured.get(file)?.digest ?? '';
    return { role, name: path.basename(file), path: path.resolve(file), digest };
  });
  const byRole = Object.fromEntries(all.map((one) => [one.role, one]));
  return { byRole, data: all.filter(({ role }) => role === 'data') };
}

async function readManifest(file: string): Promise<ModelManifest> {
  return parseDocumentOf('ModelManifest', file, await readBoundedFile(file, MOST_DOCUMENT_BYTES));
}

interface RoleFacts {
  readonly order: ManifestOrder;
  readonly labels: Labels | null;
  readonly labelsFile: string | null;
  /** Files with weights that the model names. */
  readonly dataFiles: readonly string[];
}

/** The role of each file of the variant. Weights that the model names are found beside it. */
function rolesOf(variant: VariantFiles, { order, labels, labelsFile, dataFiles }: RoleFacts): Map<string, FileRole> {
  const roles = new Map<string, FileRole>([[variant.model, 'model']]);
  const nested = dataFiles.find((name) => name !== path.basename(name) || name === '');
  if (nested !== undefined)
    throw refused(
      `${variant.model} has weights in ${JSON.stringify(nested)}, which is not beside it.`,
      'Save it with its weights in one file beside it (`onnx.save_model` with `location="model.data"`).',
    );
  for (const name of dataFiles) roles.set(path.join(path.dirname(variant.model), name), 'data');
  for (const file of variant.others) {
    const name = path.basename(file);
    const guess = /^(pre|post)process/.exec(name)?.[0] as FileRole | undefined;
    const role = order.roles.get(name) ?? roles.get(path.join(path.dirname(file), name)) ?? guess;
    if (role !== undefined) roles.set(file, role);
    else if (name !== LABELS_NAME && file !== labelsFile)
      throw refused(
        `The role of ${file} is unknown.`,
        `Say it with --role ${name}=preprocess, pass the names of classes with --labels, or leave the file out.`,
      );
  }
  if (labels?.inFile && labelsFile !== null) roles.set(labelsFile, 'labels');
  return roles;
}

function variantEntry(
  { platform, capabilities, precision }: VariantFiles,
  roles: ReadonlyMap<string, FileRole>,
  { files: measured, store }: { readonly files: ReadonlyMap<string, Artifact>; readonly store: ArtifactStore },
): Variant {
  const files = [...roles].flatMap(([file, role]) => {
    const one = measured.get(file);
    return one === undefined ? [] : [{ role, name: path.basename(file), ...one, url: store.urlOf(one.digest) }];
  });
  return {
    platform,
    ...(capabilities.length > 0 ? { capabilities: [...capabilities] } : {}),
    ...(precision === undefined ? {} : { precision }),
    files,
  };
}

function frameworkOf(found: readonly VariantFiles[], base: ModelManifest | null): string {
  const frameworks = new Set(
    found.map(({ model }) => {
      const ending = path.extname(model).slice(1).toLowerCase();
      return ending === 'onnx' ? 'onnx' : (base?.spec.framework ?? ending);
    }),
  );
  const [framework = '', ...others] = frameworks;
  if (others.length === 0) return framework;
  throw refused(`The variants have different formats: ${[...frameworks].join(', ')}.`, 'Package one format at a time.');
}

/** All variants must have one; only of ONNX can it be read. */
function interfaceOf(
  found: readonly VariantFiles[],
  described: readonly (OnnxDescription | null)[],
  base: ModelManifest | null,
): ModelManifest['spec']['interface'] {
  const ports = described.map((one) => (one === null ? null : { inputs: [...one.inputs], outputs: [...one.outputs] }));
  const other = ports.findIndex((one) => JSON.stringify(one) !== JSON.stringify(ports[0]));
  if (other > 0)
    throw refused(
      `${found[other]?.model} has other inputs or outputs than ${found[0]?.model}.`,
      'A manifest has one interface: export both alike, or package them as two models.',
    );
  const known = ports[0] ?? base?.spec.interface;
  if (known !== undefined) return known;
  throw refused(
    `Inputs and outputs can be read only out of ONNX files, and ${found[0]?.model} is none.`,
    'Pass a manifest that has them with --from.',
  );
}
