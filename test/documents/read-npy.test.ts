// Laws of reading NumPy's files: values are those that were saved, and broken or foreign files are told in our own words.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { readNpy } from '../../src/documents/read-npy.ts';

/** As `numpy.save` (2.4) writes it. */
function npy(type: string, shape: string, data: Uint8Array, { order = 'False', version = 1 } = {}): Buffer {
  const header = `{'descr': '${type}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
  const head = version === 1 ? 10 : 12;
  const padded = `${header.padEnd(Math.ceil((head + header.length + 1) / 64) * 64 - head - 1)}\n`;
  const length = Buffer.alloc(head - 8);
  if (version === 1) length.writeUInt16LE(padded.length);
  else length.writeUInt32LE(padded.length);
  return Buffer.concat([
    Buffer.from(`\x93NUMPY`, 'latin1'),
    Buffer.from([version, 0]),
    length,
    Buffer.from(padded),
    data,
  ]);
}
const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const read = (file: Uint8Array) => readNpy('x.npy', file);

test.each<[string, string, ArrayBufferView, unknown[], number[]]>([
  ['<f4', '(2, 2)', new Float32Array([0.1, -2.5, 1e-7, 3]), [0.1, -2.5, 1e-7, 3], [2, 2]],
  ['<f2', '(2,)', new Uint16Array([0x2e66, 0x7bff]), [0.099975586, 65504], [2]],
  ['<f8', '(1,)', new Float64Array([0.1]), [0.1], [1]],
  ['>i2', '(1,)', new Uint8Array([0xff, 0xfe]), [-2], [1]],
  ['<i8', '(2,)', new BigInt64Array([1n, 2n ** 60n]), [1, '1152921504606846976'], [2]],
  ['<u8', '()', new BigUint64Array([16_000n]), [16_000], []],
  ['|b1', '(2,)', new Uint8Array([1, 0]), [true, false], [2]],
  ['|u1', '(1, 1)', new Uint8Array([255]), [255], [1, 1]],
])('%s %s gives the values that were saved', (type, shape, data, values, dimensions) => {
  for (const version of [1, 2])
    expect(read(npy(type, shape, bytesOf(data), { version }))).toEqual({ values, shape: dimensions });
});

test('a file that NumPy wrote is read', () => {
  const base64 =
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAA/AAAAQQ==';
  const file = Buffer.from(base64, 'base64');
  expect(read(file)).toEqual({ values: [0.5, 8], shape: [2] });
});

test('values in column-major order come in rows', () => {
  const data = bytesOf(new Int16Array([0, 3, 1, 4, 2, 5]));
  expect(read(npy('<i2', '(2, 3)', data, { order: 'True' })).values).toEqual([0, 1, 2, 3, 4, 5]);
});

test.each([
  ['NPY_DAMAGED', Buffer.alloc(0)],
  ['NPY_DAMAGED', Buffer.from('<!doctype html><p>Sign in')],
  ['NPY_DAMAGED', npy('<f4', '(2,)', Buffer.alloc(7))],
  ['NPY_DAMAGED', npy('<f4', '(2,)', Buffer.alloc(9))],
  ['NPY_DAMAGED', npy('<f4', '(2,)', Buffer.alloc(8)).subarray(0, 40)],
  ['NPY_DAMAGED', npy('<f4', '(x)', Buffer.alloc(8))],
  ['NPY_DAMAGED', npy('<f4', '(2,)', Buffer.alloc(8), { order: 'Perhaps' })],
  ['NPY_DAMAGED', npy('<f4', '(2,)', Buffer.alloc(8), { version: 9 })],
  ['NPY_UNSUPPORTED', npy('|O', '(1,)', Buffer.from('pickle'))],
  ['NPY_UNSUPPORTED', npy('<U5', '(1,)', Buffer.alloc(20))],
  ['NPY_UNSUPPORTED', npy('<f4', '(0,)', Buffer.alloc(0))],
  ['NPY_UNSUPPORTED', npy('<f4', '(1, 1, 1, 1, 1, 1, 1, 1, 1)', Buffer.alloc(4))],
  ['NPY_UNSUPPORTED', npy('<f4', '(1,)', bytesOf(new Float32Array([Number.NaN])))],
  ['NPY_SIZE', npy('|u1', '(1, 3, 224, 224)', Buffer.alloc(0))],
  ['NPY_SIZE', npy('|u1', '(9007199254740991, 9007199254740991)', Buffer.alloc(0))],
])('%s is told with the name of the file and a remedy', (code, file) => {
  expect(() => read(file)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining('x.npy'), remedy: expect.any(String) }),
  );
});

test('however a file is damaged, it is read or refused in our own words', () => {
  const whole = npy('<f4', '(2, 2)', bytesOf(new Float32Array([1, 2, 3, 4])));
  const places = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(places, fc.nat(whole.length), (flips, length) => {
      const file = Buffer.from(whole.subarray(0, length));
      for (const [at, value] of flips) if (at < file.length) file[at] = value;
      try {
        expect(read(file).values.length).toBeLessThanOrEqual(20_000);
      } catch (error) {
        expect(error).toBeInstanceOf(CodedError);
      }
    }),
    { numRuns: 3000 },
  );
});
