// Laws of reading ONNX files: they say what the runtime says, weights are never read, and broken files are told in our own words.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeOnnx, type OnnxGraph } from '../../examples/invoices/onnx-writer.ts';
import { DEMO_VERSIONS, trainClassifier } from '../../examples/invoices/train.ts';
import { CodedError } from '../../src/base/errors.ts';
import type { ByteSource } from '../../src/documents/protobuf-fields.ts';
import { readOnnx } from '../../src/documents/read-onnx.ts';

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    if (rest <= 127n) return Buffer.from(bytes);
  }
}
const number = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)]);
const bytes = (field: number, ...parts: (Buffer | string)[]): Buffer => {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
};
const dimension = (size: number | string | null): Buffer =>
  bytes(1, size === null ? '' : typeof size === 'number' ? number(1, size) : bytes(2, size));
const tensor = (element: number, shape: readonly (number | string | null)[]): Buffer =>
  bytes(1, number(1, element), bytes(2, ...shape.map(dimension)));
const port = (field: number, name: string, type: Buffer): Buffer => bytes(field, bytes(1, name), bytes(2, type));
const weights = (name: string, data: number, ...more: Buffer[]): Buffer =>
  bytes(5, number(1, data), bytes(9, Buffer.alloc(data)), ...more, bytes(8, name));
const model = (...graph: Buffer[]): Buffer =>
  Buffer.concat([
    number(1, 8),
    bytes(7, ...graph),
    bytes(8, bytes(1, 'com.microsoft'), number(2, 1)),
    bytes(8, bytes(1, ''), number(2, 17)),
  ]);
const y = port(12, 'y', tensor(1, [1]));

interface Watched extends ByteSource {
  readonly given: { total: number; largest: number };
}

/** A file in memory that counts what is read of it. */
function sourceOf(content: Uint8Array, file = 'model.onnx'): Watched {
  const given = { total: 0, largest: 0 };
  return {
    file,
    sizeBytes: content.length,
    given,
    read(at, length) {
      given.total += length;
      given.largest = Math.max(given.largest, length);
      return content.subarray(at, at + length);
    },
  };
}

const read = (content: Uint8Array) => readOnnx(sourceOf(content));
const demo = trainClassifier({ ...DEMO_VERSIONS.baseline, documents: 50, epochs: 1 }).onnx;

describe('a whole file', () => {
  test('says inputs, outputs, types and shapes; a named dimension is open', () => {
    expect(read(demo)).toEqual({
      irVersion: 8,
      opset: 13,
      inputs: [{ name: 'x', type: 'float32', shape: [-1, 24] }],
      outputs: [{ name: 'probabilities', type: 'float32', shape: [-1, 6] }],
      dataFiles: [],
      logits: [],
      producer: 'slipway-examples',
      license: null,
    });
  });

  test('has open dimensions where the size is named, unset, zero or negative, and scalars without dimensions', () => {
    const inputs = [port(11, 'a', tensor(10, ['n', null, 0, -1, 3])), port(11, 'b', tensor(7, []))];
    expect(read(model(...inputs, y))).toMatchObject({
      opset: 17,
      inputs: [
        { name: 'a', type: 'float16', shape: [-1, -1, -1, -1, 3] },
        { name: 'b', type: 'int64', shape: [] },
      ],
    });
  });

  test('says every type that a manifest has', () => {
    const types = 'float32 uint8 int8 uint16 int16 int32 int64 bytes bool float16 float64 uint32 uint64'.split(' ');
    const inputs = types.map((_, i) => port(11, `i${i}`, tensor(i + 1, [2])));
    expect(read(model(...inputs, y)).inputs.map(({ type }) => type)).toEqual(types);
  });

  test('has no input that is a weight, whether weights come before or after, dense or sparse', () => {
    const inputs = ['x', 'w1', 'w2', 'w3'].map((name) => port(11, name, tensor(1, [4])));
    const sparse = bytes(15, bytes(1, bytes(8, 'w3')));
    for (const graph of [
      [weights('w1', 9), weights('w2', 9), sparse, ...inputs, y],
      [...inputs, y, weights('w1', 9), weights('w2', 9), sparse],
    ])
      expect(read(model(...graph)).inputs.map(({ name }) => name)).toEqual(['x']);
  });

  test('says which outputs come straight out of a linear layer, wherever its nodes stand', () => {
    const node = (operator: string, ...made: string[]): Buffer =>
      bytes(1, ...made.map((name) => bytes(2, name)), bytes(3, 'node'), bytes(4, operator));
    const outputs = ['a', 'b', 'c'].map((name) => port(12, name, tensor(1, [1, 3])));
    const nodes = [node('Gemm', 'a'), node('Softmax', 'b'), node('Split', 'other', 'c'), node('Gemm', 'hidden')];
    expect(read(model(...nodes, ...outputs)).logits).toEqual(['a']);
    expect(read(model(...outputs, ...nodes)).logits).toEqual(['a']);
  });

  test('says its producer and its licence; a remark that is no text, or too long, is left out', () => {
    const entry = (key: string, value: Buffer | string): Buffer => bytes(14, bytes(1, key), bytes(2, value));
    const said = (...more: Buffer[]) => read(Buffer.concat([model(y), ...more]));
    expect(said(bytes(2, 'pytorch'), bytes(3, '2.9'), entry('License', 'MIT'), entry('x', 'y'))).toMatchObject({
      producer: 'pytorch 2.9',
      license: 'MIT',
    });
    for (const odd of [Buffer.from([0xff]), 'x'.repeat(5000), ''])
      expect(said(bytes(2, odd), entry('license', odd))).toMatchObject({ producer: null, license: null });
  });

  test('names the files beside it that hold its weights', () => {
    const outside = (location: string) =>
      bytes(
        5,
        bytes(8, 'w'),
        bytes(13, bytes(1, 'location'), bytes(2, location)),
        bytes(13, bytes(1, 'offset'), bytes(2, '9')),
      );
    expect(read(model(outside('b.bin'), outside('a.bin'), outside('b.bin'), y)).dataFiles).toEqual(['a.bin', 'b.bin']);
  });

  test('of 2 GB costs a few windows: weights are skipped by their length', () => {
    const size = 2 ** 31;
    const head = Buffer.concat([varint(9 * 8 + 2), varint(size)]);
    const rest = bytes(8, 'w');
    const tensorHead = Buffer.concat([varint(5 * 8 + 2), varint(head.length + size + rest.length), head]);
    const ports = Buffer.concat([port(11, 'x', tensor(1, [4])), y]);
    const graph = tensorHead.length + size + rest.length + ports.length;
    const before = Buffer.concat([number(1, 8), varint(7 * 8 + 2), varint(graph), tensorHead]);
    const after = Buffer.concat([rest, ports, bytes(8, number(2, 21))]);
    let total = 0;
    const answer = readOnnx({
      file: 'large.onnx',
      sizeBytes: before.length + size + after.length,
      read(at, length) {
        total += length;
        const content = Buffer.alloc(length);
        before.subarray(Math.min(at, before.length)).copy(content);
        const gap = before.length + size - at;
        if (gap < length) after.subarray(Math.max(0, -gap)).copy(content, Math.max(0, gap));
        return content;
      },
    });
    expect(answer).toMatchObject({ opset: 21, inputs: [{ name: 'x' }], outputs: [{ name: 'y' }] });
    expect(total).toBeLessThan(1e6);
  });
});

describe('a file that no manifest can be made of', () => {
  test.each([
    ['ONNX_NO_MODEL', Buffer.alloc(0)],
    ['ONNX_NO_MODEL', number(1, 8)],
    ['ONNX_NO_MODEL', model(port(11, 'x', tensor(1, [1])))],
    ['ONNX_DAMAGED', Buffer.from('PK\x03\x04 a zip of PyTorch')],
    ['ONNX_DAMAGED', demo.subarray(0, 500)],
    ['ONNX_DAMAGED', Buffer.concat([model(y), bytes(7, y)])],
    ['ONNX_DAMAGED', Buffer.alloc(100, 0xff)],
    // A negative length, whose last byte could be read as the next field; and a name that is longer than what holds it.
    ['ONNX_DAMAGED', Buffer.concat([model(y), Buffer.from([0x4a, ...Array<number>(9).fill(0xff), 0x08, 0x08])])],
    ['ONNX_DAMAGED', model(bytes(12, Buffer.from([0x0a, 2, 0x79])), y)],
    ['ONNX_DAMAGED', model(port(12, '\u00e9'.repeat(2000), tensor(1, [1])))],
    ['ONNX_DAMAGED', model(bytes(12, bytes(1, Buffer.from([0xff]))))],
    ['ONNX_UNSUPPORTED', model(port(12, 'y', bytes(4, '')))],
    ['ONNX_UNSUPPORTED', model(bytes(12, bytes(1, 'y')))],
    ['ONNX_UNSUPPORTED', model(port(12, 'y', tensor(16, [1])))],
    ['ONNX_UNSUPPORTED', model(port(12, 'y', bytes(1, number(1, 1))))],
    ['ONNX_UNSUPPORTED', model(port(12, 'y', tensor(1, [1, 1, 1, 1, 1, 1, 1, 1, 1])))],
    ['ONNX_UNSUPPORTED', model(port(12, 'y', tensor(1, [2 ** 40])))],
  ])('is %s, with its name and a remedy', (code, content) => {
    expect(() => read(content)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining('model.onnx'), remedy: expect.any(String) }),
    );
  });

  test('is one that is cut while it is read', () => {
    const source = {
      ...sourceOf(demo),
      read: (at: number, length: number) => demo.subarray(at, Math.min(at + length, 40)),
    };
    expect(() => readOnnx(source)).toThrow(expect.objectContaining({ code: 'ONNX_DAMAGED' }));
  });
});

describe('however a file is damaged', () => {
  const graph: OnnxGraph = {
    name: 'g',
    inputs: [{ name: 'x', shape: ['batch', 3] }],
    outputs: [{ name: 'y', shape: ['batch', 2] }],
    tensors: [{ name: 'w', shape: [3, 2], float32: new Float32Array(6) }],
    nodes: [{ operator: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
  };
  const small = encodeOnnx(graph);

  /** It is read, or refused in our own words; and nothing longer than the file is asked for. */
  function holds(content: Uint8Array): void {
    const source = sourceOf(content);
    try {
      const { inputs, outputs } = readOnnx(source);
      for (const { shape } of [...inputs, ...outputs])
        expect(shape.every((size) => size === -1 || size > 0)).toBe(true);
    } catch (error) {
      expect(error).toBeInstanceOf(CodedError);
      expect((error as CodedError).code).toMatch(/^ONNX_(DAMAGED|NO_MODEL|UNSUPPORTED)$/);
      expect((error as CodedError).kind).toBe('fix-input');
    }
    expect(source.given.largest).toBeLessThanOrEqual(content.length);
  }

  test('every truncation is refused or read in words of ours', () => {
    for (let length = 0; length < small.length; length++) holds(small.subarray(0, length));
    // The versions of the operators stand last: no shorter file is whole.
    for (let length = 0; length < small.length; length++)
      expect(() => read(small.subarray(0, length))).toThrow(CodedError);
  });

  test('every single flipped bit is refused or read in words of ours', () => {
    for (let bit = 0; bit < small.length * 8; bit++) {
      const flipped = Buffer.from(small);
      flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7));
      holds(flipped);
    }
  });

  test('so are many flipped bytes, and bytes of nothing at all', () => {
    const places = fc.array(fc.tuple(fc.nat(small.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(places, (flips) => {
        const flipped = Buffer.from(small);
        for (const [at, value] of flips) flipped[at] = value;
        holds(flipped);
      }),
      { numRuns: 3000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), holds), { numRuns: 3000 });
  });
});
