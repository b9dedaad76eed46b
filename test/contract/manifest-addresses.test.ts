// Laws of addresses in manifests: what devices can fetch is taken, and nothing that leaves its place or tells a secret.
import { expect, test } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { parseManifest } from '../../src/contract/manifest/parse-manifest.ts';

const HEX = '0'.repeat(64);

function problemsOf(url: string): string {
  const manifest = {
    ...{ apiVersion: 'slipway.dev/v1alpha1', kind: 'ModelManifest', metadata: { name: 'm', version: '1' } },
    spec: {
      framework: 'onnx',
      interface: {
        inputs: [{ name: 'x', type: 'float32', shape: [-1, 4] }],
        outputs: [{ name: 'y', type: 'float32', shape: [-1, 2] }],
      },
      variants: [
        { platform: 'any', files: [{ role: 'model', name: 'm.onnx', digest: `sha256:${HEX}`, sizeBytes: 1, url }] },
      ],
    },
  };
  try {
    parseManifest(Buffer.from(JSON.stringify(manifest)), 'models/m/1.yaml');
    return 'none';
  } catch (error) {
    return error instanceof CodedError ? error.code : String(error);
  }
}

test.each([
  `artifacts/${HEX}`,
  'https://models.example.com/private/m.onnx?version=3',
  'http://127.0.0.1:9000/m.onnx',
  `s3://models/${HEX}`,
  `s3://my-models.eu/prod/2026-11-30/${HEX}`,
])('%s is an address', (url) => {
  expect(problemsOf(url)).toBe('none');
});

test.each([
  's3://models',
  's3://models/',
  `s3://Models/${HEX}`,
  's3://models/prod/../secrets',
  's3://models/./m.onnx',
  's3://models//m.onnx',
  's3://models/%2e%2e/secrets',
  's3://models/m.onnx?versionId=1',
  's3://user:password@models/m.onnx',
])('%s is none: a bucket and a key of plain names, so that no two programs read it differently', (url) => {
  expect(problemsOf(url)).toBe('DOCUMENT_FIELD_VALUE');
});

test.each([
  'https://user:password@models.example.com/m.onnx',
  'https://token@models.example.com/m.onnx',
  'https://models.s3.amazonaws.com/m.onnx?X-Amz-Expires=900&X-Amz-Signature=0a',
  'https://storage.googleapis.com/models/m.onnx?X-Goog-Signature=0a',
  'https://account.blob.core.windows.net/models/m.onnx?sv=2024&sig=0a',
])('%s is refused: a manifest is public, and whoever reads it has the secret in the address', (url) => {
  expect(problemsOf(url)).toBe('MANIFEST_FILE_SECRET');
});
