// Owns the bill of materials of a version: CycloneDX 1.7 with a model card, out of what its manifest and its ONNX file say.
import { canonicalJson, digestOf, hexOf } from '../contract/digest.ts';
import type { ModelManifest, OutputTensor, Variant } from '../contract/types.generated.ts';
import type { OnnxDescription } from './read-onnx.ts';

export interface BomFacts {
  readonly manifest: ModelManifest;
  /** Null for other formats. */
  readonly onnx: OnnxDescription | null;
  /** ISO 8601; null leaves the time out, so that equal files make equal bytes. */
  readonly time: string | null;
}

/** What lies beside a manifest, as in `1.0.0.cdx.json`. */
export const BOM_SUFFIX = '.cdx.json';

/** Where the bill of a manifest lies, unless it is kept elsewhere. */
export function bomBeside(manifest: string): string {
  return manifest.replace(/\.(?:ya?ml|json)$/, BOM_SUFFIX);
}

/** Licences that are told by their SPDX id where a model states exactly that; any other text stays a name. */
const SPDX_IDS: ReadonlySet<string> = new Set([
  ...['Apache-2.0', 'MIT', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MPL-2.0', 'AGPL-3.0-only', 'GPL-3.0-only'],
  ...['LGPL-3.0-only', 'CC-BY-4.0', 'CC-BY-SA-4.0', 'CC-BY-NC-4.0', 'CC-BY-NC-SA-4.0', 'CC0-1.0', 'Unlicense'],
]);

const TASKS: Readonly<Record<NonNullable<OutputTensor['kind']>, string>> = {
  classes: 'classification',
  scalar: 'regression',
  embedding: 'embedding',
  detections: 'object detection',
  text: 'text',
};

/** JSON; equal facts give equal bytes. The serial number is made of the content. */
export function mlBom(facts: BomFacts): string {
  const { manifest, time } = facts;
  const files = filesOf(manifest.spec.variants);
  const content = {
    metadata: { ...(time === null ? {} : { timestamp: time }), component: modelOf(facts) },
    components: files,
    dependencies: [{ ref: 'model', dependsOn: files.map((file) => file['bom-ref']) }],
  };
  const head = {
    $schema: 'http://cyclonedx.org/schema/bom-1.7.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.7',
  };
  const bom = { ...head, serialNumber: serialOf(content), version: 1, ...content };
  return `${JSON.stringify(bom, null, 2)}\n`;
}

/** A UUID of version 8, whose bits are those of a digest. */
function serialOf(content: object): string {
  const hex = hexOf(digestOf(canonicalJson(JSON.parse(JSON.stringify(content)))));
  const variant = '89ab'[Number.parseInt(hex[16] ?? '0', 16) % 4];
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function modelOf({ manifest: { metadata, spec }, onnx }: BomFacts) {
  const { name, version, description, owner } = metadata;
  const { parent, run, code } = spec.lineage ?? {};
  const ancestor = { type: 'machine-learning-model', name, version: parent };
  return {
    type: 'machine-learning-model',
    'bom-ref': 'model',
    ...(owner === undefined ? {} : { authors: [{ name: owner }] }),
    name,
    version,
    description,
    ...(onnx?.license == null ? {} : { licenses: [{ license: licenceOf(onnx.license) }] }),
    ...(parent === undefined ? {} : { pedigree: { ancestors: [ancestor] } }),
    ...(run === undefined ? {} : { externalReferences: [{ type: 'build-meta', url: run }] }),
    modelCard: cardOf({ metadata, spec }),
    properties: propertiesOf({
      'slipway:framework': spec.framework,
      'slipway:onnx:opset': onnx?.opset,
      'slipway:onnx:ir': onnx?.irVersion,
      'slipway:onnx:producer': onnx?.producer,
      'slipway:lineage:code': code,
    }),
  };
}

function licenceOf(stated: string): object {
  return SPDX_IDS.has(stated) ? { id: stated } : { name: stated };
}

function cardOf({ metadata, spec }: Pick<ModelManifest, 'metadata' | 'spec'>) {
  const { inputs, outputs } = spec.interface;
  const task = outputs.map(taskOf).find((one) => one !== undefined);
  const data = spec.lineage?.data;
  const metrics = Object.entries(spec.metrics ?? {}).map(([type, value]) => ({ type, value: String(value) }));
  const format = ({ name, type, shape }: Pick<OutputTensor, 'name' | 'type' | 'shape'>) => ({
    format: `${name}: ${type} [${shape.join(', ')}]`,
  });
  return {
    modelParameters: {
      ...(task === undefined ? {} : { task }),
      ...(data === undefined ? {} : { datasets: [{ type: 'dataset', name: data }] }),
      inputs: inputs.map(format),
      outputs: outputs.map(format),
    },
    ...(metrics.length === 0 ? {} : { quantitativeAnalysis: { performanceMetrics: metrics } }),
    ...(metadata.useCase === undefined ? {} : { considerations: { useCases: [metadata.useCase] } }),
  };
}

function taskOf({ kind, classes, classCount }: OutputTensor): string | undefined {
  if (kind !== undefined) return TASKS[kind];
  return classes === undefined && classCount === undefined ? undefined : TASKS.classes;
}

/** Each file once, however many variants share it. */
function filesOf(variants: readonly Variant[]) {
  const all = variants.flatMap(({ files, platform, precision }) =>
    files.map((file) => ({ ...file, platform, precision })),
  );
  const byDigest = [...Map.groupBy(all, ({ digest }) => digest).values()];
  return byDigest.flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const { digest, name, url, role } = first;
    const joined = (words: readonly (string | undefined)[]): string | undefined =>
      [...new Set(words.filter((word) => word !== undefined))].join(' ') || undefined;
    return [
      {
        type: 'file',
        'bom-ref': digest,
        name,
        hashes: [{ alg: 'SHA-256', content: hexOf(digest) }],
        ...(/^https?:/.test(url) ? { externalReferences: [{ type: 'distribution', url }] } : {}),
        properties: propertiesOf({
          'slipway:role': role,
          'slipway:sizeBytes': first.sizeBytes,
          'slipway:platform': joined(same.map(({ platform }) => platform)),
          'slipway:precision': joined(same.map(({ precision }) => precision)),
        }),
      },
    ];
  });
}

function propertiesOf(values: Readonly<Record<string, string | number | null | undefined>>) {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [{ name, value: String(value) }],
  );
}
