// Laws of tensors in manifests: a real model's interface fits, and what no device could serve or judge is refused before it is signed.
import { describe, expect, test } from 'vitest';
import { parseManifest } from '../../src/contract/manifest/parse-manifest.ts';

interface Facts {
  readonly input?: object;
  readonly output?: object;
  readonly files?: readonly object[];
  readonly example?: object;
}

const DIGEST = `sha256:${'0'.repeat(64)}`;
const file = (role: string, name: string) => ({
  role,
  name,
  digest: DIGEST,
  sizeBytes: 1,
  url: `artifacts/${'0'.repeat(64)}`,
});

function parse({ input = {}, output = {}, files = [], example }: Facts) {
  const manifest = {
    ...{ apiVersion: 'slipway.dev/v1alpha1', kind: 'ModelManifest', metadata: { name: 'm', version: '1' } },
    spec: {
      framework: 'onnx',
      interface: {
        inputs: [{ name: 'x', type: 'float32', shape: [-1, 4], ...input }],
        outputs: [{ name: 'y', type: 'float32', shape: [-1, 2], ...output }],
      },
      variants: [{ platform: 'any', files: [file('model', 'm.onnx'), ...files] }],
      ...(example === undefined ? {} : { examples: [{ name: 'e', expect: { outputs: { y: [0, 0] } }, ...example }] }),
    },
  };
  return parseManifest(Buffer.from(JSON.stringify(manifest)), 'm.yaml');
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `class ${i}`);

describe('classes', () => {
  test.each<[string, object]>([
    ['[-1, 2]', { classes: names(2) }],
    ['[2]', { classes: names(2), shape: [2] }],
    ['[-1, 2, 1, 1], as image classifiers have', { classes: names(2), shape: [-1, 2, 1, 1] }],
    ['[-1, -1]', { classes: names(2), shape: [-1, -1] }],
    ['[8, 2]', { classes: names(2), shape: [8, 2] }],
    ['none at all', {}],
    ['none, and any number of values', { shape: [-1, -1, 6625] }],
    ['logits', { classes: names(2), scores: 'logits' }],
  ])('fit where a row holds a score for each: %s', (_, output) => {
    expect(parse({ output }).kind).toBe('ModelManifest');
  });

  test.each<[string, object]>([
    ['any number of judgements a row', { classes: names(25), shape: [-1, -1, 25] }],
    ['two judgements a row', { classes: names(2), shape: [-1, 2, 2] }],
    ['fewer values than classes', { classes: names(3) }],
    ['two open dimensions beside the batch', { classes: names(4), shape: [-1, -1, -1] }],
    ['a name that no report could hold', { classes: ['a', 'b\tc'] }],
    ['a name that JavaScript keeps for itself', { classes: ['a', '__proto__'] }],
    ['texts, which are no scores', { classes: names(2), type: 'bytes' }],
    ['names twice', { classes: names(2), classCount: 2 }],
  ])('are refused for %s', (_, output) => {
    expect(() => parse({ output })).toThrow(expect.objectContaining({ code: 'MANIFEST_CLASSES' }));
  });

  test('come from a labels file where they are 21,841, and a variant without that file is refused', () => {
    const output = { classCount: 21_841, shape: [-1, 21_841] };
    const files = [file('labels', 'labels.txt')];
    expect(parse({ output, files }).spec.interface.outputs[0]?.classCount).toBe(21_841);
    expect(() => parse({ output })).toThrow(expect.objectContaining({ code: 'MANIFEST_CLASSES' }));
    expect(() => parse({ output: { ...output, shape: [-1, 1000] }, files })).toThrow(
      /1000 values, and there are 21841/,
    );
  });
});

test('names of tensors may have 512 characters, and weights may lie in files of their own', () => {
  const name = `StatefulPartitionedCall/${'x'.repeat(488)}`;
  const example = { inputs: { x: [1, 2, 3, 4] }, expect: { outputs: { [name]: [0, 0] } } };
  const files = [file('data', 'm.onnx.data'), file('data', 'm.onnx.data2')];
  expect(parse({ output: { name, type: 'float16' }, files, example }).spec.interface.outputs[0]?.name).toBe(name);
  expect(() => parse({ output: { name: `${name}x` } })).toThrow();
});

describe('an example', () => {
  const open = { shape: [-1, 3, -1, -1] };
  const values = (count: number) => Array.from({ length: count }, () => 0.5);

  test('states the lengths of open dimensions, for inputs and outputs', () => {
    const example = {
      ...{ inputs: { x: values(36) }, shapes: { x: [1, 3, 3, 4], y: [1, 5] } },
      expect: { outputs: { y: values(5) } },
    };
    expect(parse({ input: open, output: { shape: [-1, -1] }, example }).spec.examples).toHaveLength(1);
  });

  test.each<[string, Facts]>([
    [
      'values that are not as many as its shape',
      { input: open, example: { inputs: { x: values(35) }, shapes: { x: [1, 3, 3, 4] } } },
    ],
    [
      'a shape that the interface does not allow',
      { input: open, example: { inputs: { x: values(48) }, shapes: { x: [1, 4, 3, 4] } } },
    ],
    ['the shape of no tensor', { example: { inputs: { x: values(4) }, shapes: { z: [1] } } }],
    ['300 for uint8', { input: { type: 'uint8' }, example: { inputs: { x: [1, 2, 3, 300] } } }],
    ['1.5 for int32', { input: { type: 'int32' }, example: { inputs: { x: [1, 2, 3, 1.5] } } }],
    ['65520 for float16', { input: { type: 'float16' }, example: { inputs: { x: [1, 2, 3, 65_520] } } }],
    ['a text with a NUL', { input: { type: 'bytes' }, example: { inputs: { x: ['a', 'b', 'c', 'd\0'] } } }],
    [
      'an expectation that its type never meets',
      { output: { type: 'int8' }, example: { inputs: { x: values(4) }, expect: { outputs: { y: [0, 128] } } } },
    ],
  ])('is refused for %s', (_, facts) => {
    expect(() => parse(facts)).toThrow(expect.objectContaining({ code: 'MANIFEST_EXAMPLE' }));
  });

  test('is refused where a number is not the one that was written', () => {
    for (const value of [2 ** 53, 1e39])
      expect(() => parse({ input: { type: 'int64' }, example: { inputs: { x: [1, 2, 3, value] } } })).toThrow(
        /stored exactly/,
      );
  });

  test('writes long integers as text', () => {
    const example = { inputs: { x: ['9223372036854775807', '-1', 1, 2] } };
    expect(parse({ input: { type: 'int64' }, example }).spec.examples).toHaveLength(1);
  });
});
