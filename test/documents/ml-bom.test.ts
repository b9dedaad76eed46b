// Laws of bills of materials: they fit CycloneDX 1.7, say what is known and no more, and equal facts make equal bytes.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { ModelManifest } from '../../src/contract/types.generated.ts';
import { type BomFacts, mlBom } from '../../src/documents/ml-bom.ts';
import { parseDocumentOf } from '../../src/documents/parse-document-of.ts';
import type { OnnxDescription } from '../../src/documents/read-onnx.ts';
import { bomProblems } from '../support/cyclonedx.ts';

const EXAMPLES = path.join(import.meta.dirname, '../../examples');
const example = (file: string): ModelManifest =>
  parseDocumentOf('ModelManifest', file, readFileSync(path.join(EXAMPLES, file)));
const INVOICES = 'manifests/models/invoice-ocr/2026.01.10-rc1.yaml';

const onnx: OnnxDescription = {
  ...{ irVersion: 8, opset: 17, inputs: [], outputs: [], dataFiles: [], logits: [] },
  ...{ producer: 'pytorch 2.9', license: 'Apache-2.0' },
};
const bomOf = (facts: Partial<BomFacts> = {}) => mlBom({ manifest: example(INVOICES), onnx, time: null, ...facts });

test.each([
  INVOICES,
  'outputs/models/price/1.1.0.yaml',
  'outputs/models/product-embedding/1.1.0.yaml',
  'outputs/models/shelf-detections/1.1.0.yaml',
  'outputs/models/summary/1.1.0.yaml',
])('the bill of %s fits the published schema', (file) => {
  for (const stated of [null, onnx, { ...onnx, license: 'AGPL-3.0 License (https://example.com)' }])
    expect(bomProblems(bomOf({ manifest: example(file), onnx: stated }))).toEqual([]);
});

test('a bill that does not fit the schema is found out', () => {
  expect(bomProblems(bomOf().replace('"CycloneDX"', '"SPDX"'))).not.toEqual([]);
  expect(bomProblems(bomOf().replace('"inputs"', '"input"'))).not.toEqual([]);
});

test('it says model, version, files, tensors, lineage, licence and producer', () => {
  const { metadata, spec } = example(INVOICES);
  const { component } = JSON.parse(bomOf()).metadata;
  expect(component).toMatchObject({ type: 'machine-learning-model', name: metadata.name, version: metadata.version });
  expect(component.licenses).toEqual([{ license: { id: 'Apache-2.0' } }]);
  expect(component.modelCard.modelParameters.task).toBe('classification');
  expect(component.modelCard.modelParameters.inputs).toHaveLength(spec.interface.inputs.length);
  expect(component.properties).toContainEqual({ name: 'slipway:onnx:producer', value: 'pytorch 2.9' });
  const hashes = JSON.parse(bomOf()).components.map((one: { hashes: { content: string }[] }) => one.hashes[0]?.content);
  const digests = spec.variants.flatMap(({ files }) => files.map(({ digest }) => digest.slice('sha256:'.length)));
  expect(new Set(hashes)).toEqual(new Set(digests));
});

test('equal facts make equal bytes; another fact makes another serial number, and only a given time stands in it', () => {
  const serial = (text: string): string => JSON.parse(text).serialNumber;
  expect(bomOf()).toBe(bomOf());
  expect(serial(bomOf())).not.toBe(serial(bomOf({ onnx: null })));
  expect(bomOf()).not.toContain('timestamp');
  const timed = bomOf({ time: '2026-11-30T00:00:00.000Z' });
  expect(JSON.parse(timed).metadata.timestamp).toBe('2026-11-30T00:00:00.000Z');
  expect(bomProblems(timed)).toEqual([]);
});
