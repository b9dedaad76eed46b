// Laws of reading requests: what arrives is what was sent, to the last digit, and anything else is refused with tensor and place.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Datatype, elementTypeOf } from '../../../fleet-agent/src/model/tensor.ts';
import { readInferRequest } from '../../../fleet-agent/src/serve/read-infer-request.ts';
import { holderOf } from '../../../src/contract/tensor-values.ts';

const read = (text: string | Buffer) => readInferRequest(Buffer.from(text));
const request = (tensor: string) => `{"inputs":[${tensor}]}`;
const one = (datatype: string, data: string, shape = '[1]') =>
  request(`{"name":"x","shape":${shape},"datatype":"${datatype}","data":${data}}`);
const valuesOf = async (text: string) => Array.from<unknown>((await read(text)).inputs[0]?.data ?? []);

const EXTREMES: Readonly<Record<string, readonly (number | bigint | boolean | string)[]>> = {
  UINT8: [0, 255],
  INT8: [-128, 127],
  INT16: [-32_768, 32_767],
  UINT16: [0, 65_535],
  INT32: [-2_147_483_648, 2_147_483_647],
  UINT32: [0, 4_294_967_295],
  INT64: [-9223372036854775808n, 9223372036854775807n, 9007199254740993n],
  UINT64: [0n, 18446744073709551615n],
  FP16: [65_504, -0.5],
  FP32: [-1.5, 3.4028234663852886e38],
  FP64: [1.7976931348623157e308, 5e-324, 0.1],
  BYTES: ['', 'a"]b\\', '\u2028é😀'],
};

describe('what a datatype holds arrives as it was sent', () => {
  test.each(Object.entries(EXTREMES))('%s', async (datatype, values) => {
    const text = values
      .map((value) => (typeof value === 'bigint' ? String(value) : JSON.stringify(value)))
      .join(' ,\n');
    expect(await valuesOf(one(datatype, `[ ${text} ]`, `[${values.length}]`))).toEqual(values);
  });

  test('any doubles, however they are written', async () => {
    const number = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
      fc.tuple(fc.integer(), fc.nat(1e9)).map(([whole, part]) => `${whole}.${String(part).padStart(9, '0')}`),
      fc.tuple(fc.integer(), fc.integer({ min: -300, max: 290 })).map(([whole, power]) => `${whole}e${power}`),
      fc.constantFrom('0', '-0', '0.1', '123456789012345678', '0.000000000000000000000001', '1E+2'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(number, { minLength: 1, maxLength: 50 }), async (numbers) => {
        const found = await valuesOf(one('FP64', `[${numbers}]`, `[${numbers.length}]`));
        expect(found).toEqual(numbers.map(Number));
      }),
    );
  });

  test('nested as its shape says, it is what it is flat', async () => {
    const nested = JSON.stringify([
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      [
        [7, 8, 9],
        [10, 11, 12],
      ],
    ]);
    expect(await valuesOf(one('INT32', nested, '[2,2,3]'))).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(await valuesOf(one('BOOL', '[true,false,0,1]', '[4]'))).toEqual([1, 0, 0, 1]);
  });

  test('16 MB of short numbers are read whole', async () => {
    const count = 8_000_000;
    const { inputs } = await readInferRequest(Buffer.from(one('UINT8', `[${'7,'.repeat(count - 1)}7]`, `[${count}]`)));
    expect(inputs[0]?.data).toHaveLength(count);
    expect(new Set<unknown>(inputs[0]?.data)).toEqual(new Set([7]));
  });
});

describe('what a datatype does not hold is refused with tensor, place and value', () => {
  test.each([
    ['UINT8', '300'],
    ['UINT8', '-1'],
    ['INT8', '128'],
    ['INT32', '3000000000'],
    ['INT32', '1.5'],
    ['INT32', '0.99999999999999999999'],
    ['INT32', '1e-400'],
    ['UINT8', '254.99999999999999999'],
    ['INT64', '9007199254740990.99999'],
    ['INT64', '-0.0000000000000000000000000001e-320'],
    ['BOOL', '0.99999999999999999999'],
    ['INT64', '9223372036854775808'],
    ['INT64', '1e19'],
    ['INT64', '"5"'],
    ['UINT64', '-1'],
    ['FP16', '65520'],
    ['FP32', '1e39'],
    ['FP64', '1e999'],
    ['FP32', 'null'],
    ['FP32', 'NaN'],
    ['FP32', '"a"'],
    ['FP32', 'true'],
    ['BOOL', '"true"'],
    ['BOOL', '2'],
    ['BYTES', '"a\\u0000b"'],
    ['BYTES', '"\\ud800"'],
    ['BYTES', '5'],
  ])('%s %s', async (datatype, written) => {
    const fine = datatype === 'BYTES' ? '"b"' : datatype === 'BOOL' ? 'true' : '1';
    await expect(read(one(datatype, `[${fine},${written}]`, '[2]'))).rejects.toMatchObject({
      code: 'INFER_SHAPE',
      message: expect.stringContaining(`"x" at 1 is ${written}, which ${datatype} can't hold`),
    });
  });

  test.each([
    ['INT32', '1.00000000000000000000', 1],
    ['INT32', '0.000000000000000000e-400', 0],
    ['UINT8', '2.5500000000000000000e2', 255],
    ['INT32', '12000000000000000000e-18', 12],
  ])('%s holds %s: it is whole', async (datatype, written, meant) => {
    expect(Array.from(await valuesOf(one(datatype as Datatype, `[${written}]`)))).toEqual([meant]);
  });

  test('whatever is written, the array holds it or the request is refused', async () => {
    const datatypes = Object.keys(EXTREMES).filter((name) => name !== 'BYTES') as Datatype[];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...datatypes),
        fc.oneof(fc.double(), fc.integer(), fc.bigInt()),
        async (datatype, value) => {
          const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'null');
          const isLong = datatype.endsWith('INT64') && /^-?\d+$/.test(text);
          const meant = text === 'null' ? null : isLong ? BigInt(text) : Number(text);
          const found = await valuesOf(one(datatype, `[${text}]`)).catch(() => undefined);
          expect(found !== undefined).toBe(holderOf(elementTypeOf(datatype))(meant));
          if (found !== undefined && !datatype.startsWith('FP'))
            expect(String(found[0])).toBe(String(meant === 0 ? 0 : isLong ? meant : BigInt(meant as number)));
        },
      ),
    );
  });
});

describe('a request is refused whole', () => {
  const tensor = '{"name":"x","datatype":"FP32","shape":[1],"data":[1]}';
  test.each<[string, string, string]>([
    ['ragged lists', one('FP32', '[[1,2],[3]]', '[2,2]'), 'INFER_SHAPE'],
    ['ragged lists of the right number', one('FP32', '[[1,2,3],[4]]', '[2,2]'), 'INFER_SHAPE'],
    ['lists within lists that the shape has not', one('FP32', '[[[1]],[[2]]]', '[2,1]'), 'INFER_SHAPE'],
    ['a list among numbers', one('FP32', '[1,[2]]', '[2]'), 'INFER_SHAPE'],
    ['too few values', one('FP32', '[1]', '[2]'), 'INFER_SHAPE'],
    ['too many values', one('FP32', '[1,2,3]', '[2]'), 'INFER_SHAPE'],
    ['a comma too many', one('FP32', '[1,]', '[1]'), 'INFER_SHAPE'],
    ['no comma', one('FP32', '[1 2]', '[2]'), 'INFER_SHAPE'],
    ['leading zeros', one('FP32', '[01]', '[1]'), 'INFER_SHAPE'],
    ['an empty dimension', one('FP32', '[]', '[0]'), 'INFER_SHAPE'],
    ['a broken dimension', one('FP32', '[1]', '[1.5]'), 'INFER_SHAPE'],
    ['more than the body holds', one('FP64', '[1]', '[1000000000]'), 'INFER_SHAPE'],
    ['a number for data', one('FP32', '0', '[1]'), 'INFER_REQUEST'],
    [
      'another tensor’s data by its place',
      request(`${tensor},{"name":"y","datatype":"FP32","shape":[1],"d\\u0061ta":0}`),
      'INFER_REQUEST',
    ],
    ['two inputs of one name', request(`${tensor},${tensor}`), 'INFER_REQUEST'],
    ['data without end', '{"inputs":[{"data":[1,2', 'INFER_REQUEST'],
    ['a text without end', '{"inputs":["', 'INFER_REQUEST'],
    ['too much beside the data', `{"note":"${'x'.repeat(300_000)}","inputs":[${tensor}]}`, 'INFER_REQUEST'],
    ['an id that is a list', `{"id":[],"inputs":[${tensor}]}`, 'INFER_REQUEST'],
    ['an id that is an object', `{"id":{},"inputs":[${tensor}]}`, 'INFER_REQUEST'],
    ['an id whose digits would change', `{"id":12345678901234567890,"inputs":[${tensor}]}`, 'INFER_REQUEST'],
    ['an id that is too long', `{"id":"${'x'.repeat(257)}","inputs":[${tensor}]}`, 'INFER_REQUEST'],
    ['an output without a name', `{"outputs":[{}],"inputs":[${tensor}]}`, 'INFER_REQUEST'],
    [
      'an output that is asked for twice',
      `{"outputs":[{"name":"y"},{"name":"y"}],"inputs":[${tensor}]}`,
      'INFER_REQUEST',
    ],
  ])('%s', async (_, text, code) => {
    await expect(read(text)).rejects.toMatchObject({ code });
  });

  test('bytes that are no UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from(request('{"name":"').slice(0, -2)), Buffer.from([0xff])]);
    await expect(read(bytes)).rejects.toMatchObject({ code: 'INFER_REQUEST' });
  });
});

test.each([
  ['"q"', 'q'],
  ['5', 5],
  ['1.5', 1.5],
  ['true', true],
  ['null', undefined],
])('an id may be %s', async (text, id) => {
  expect((await read(`{"id":${text},"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}]}`)).id).toBe(id);
});
