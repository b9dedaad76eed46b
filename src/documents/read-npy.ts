// Owns NumPy's format of arrays (NEP 1): values and shape out of a `.npy` file. Pickled objects are refused, never run.
import { CodedError } from '../base/errors.ts';

export type NpyValue = number | string | boolean;

export interface NpyArray {
  /** In row-major order. Whole numbers that JavaScript can't tell from their neighbours are text. */
  readonly values: readonly NpyValue[];
  readonly shape: readonly number[];
}

/** As many as an example of a manifest holds. */
export const MOST_NPY_VALUES = 20_000;
const MOST_HEADER_BYTES = 10_000;
const MOST_DIMENSIONS = 8;
const MAGIC = Buffer.from('\x93NUMPY', 'latin1');

type Reading = (view: DataView, at: number, isLittle: boolean) => NpyValue;

const long = (value: bigint): NpyValue => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
};

/** How to read one element, by kind and size in bytes as in `f4`. */
const READINGS: Readonly<Record<string, Reading>> = {
  b1: (view, at) => view.getUint8(at) !== 0,
  i1: (view, at) => view.getInt8(at),
  u1: (view, at) => view.getUint8(at),
  i2: (view, at, isLittle) => view.getInt16(at, isLittle),
  u2: (view, at, isLittle) => view.getUint16(at, isLittle),
  i4: (view, at, isLittle) => view.getInt32(at, isLittle),
  u4: (view, at, isLittle) => view.getUint32(at, isLittle),
  i8: (view, at, isLittle) => long(view.getBigInt64(at, isLittle)),
  u8: (view, at, isLittle) => long(view.getBigUint64(at, isLittle)),
  f2: (view, at, isLittle) => shortest(view.getFloat16(at, isLittle)),
  f4: (view, at, isLittle) => shortest(view.getFloat32(at, isLittle)),
  f8: (view, at, isLittle) => view.getFloat64(at, isLittle),
};

/** The shortest decimal fraction that is the same float32: 0.1 rather than 0.10000000149011612. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const written = Number(value.toPrecision(digits));
    if (Math.fround(written) === value) return written;
  }
  return value;
}

function refused(code: string, message: string, remedy: string): CodedError {
  return new CodedError({ code, message, remedy });
}

function damaged(file: string, why: string): CodedError {
  return refused('NPY_DAMAGED', `${file} is no whole NumPy file: ${why}.`, 'Write it again with `numpy.save`.');
}

interface Header {
  readonly type: string;
  readonly isLittle: boolean;
  readonly isFortran: boolean;
  readonly shape: readonly number[];
  readonly dataAt: number;
}

/** Throws NPY_DAMAGED, NPY_UNSUPPORTED or NPY_SIZE, each with the file's name. */
export function readNpy(file: string, bytes: Uint8Array): NpyArray {
  const { type, isLittle, isFortran, shape, dataAt } = readHeader(file, Buffer.from(bytes));
  const read = READINGS[type];
  if (read === undefined)
    throw refused(
      'NPY_UNSUPPORTED',
      `${file} holds elements of NumPy's type \`${type}\`.`,
      'Save numbers or booleans, as in `numpy.save(file, x.astype("float32"))`; write text as JSON.',
    );
  const count = shape.reduce((product, size) => product * size, 1);
  if (count > MOST_NPY_VALUES)
    throw refused(
      'NPY_SIZE',
      `${file} has ${count} values [${shape}], and an example holds at most ${MOST_NPY_VALUES}.`,
      'Use a smaller example: one row, or a smaller picture where the model takes any size.',
    );
  const sizeBytes = Number(type.slice(1));
  if (bytes.length - dataAt !== count * sizeBytes)
    throw damaged(file, `it has ${bytes.length - dataAt} bytes of data, and its shape needs ${count * sizeBytes}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset + dataAt, count * sizeBytes);
  const stored = Array.from({ length: count }, (_, i) => read(view, i * sizeBytes, isLittle));
  const odd = stored.findIndex((value) => typeof value === 'number' && !Number.isFinite(value));
  if (odd >= 0)
    throw refused('NPY_UNSUPPORTED', `Value ${odd + 1} of ${file} is ${stored[odd]}.`, 'Save finite numbers only.');
  return { values: isFortran ? inRows(stored, shape) : stored, shape };
}

function readHeader(file: string, bytes: Buffer): Header {
  if (bytes.length < 12 || !bytes.subarray(0, 6).equals(MAGIC)) throw damaged(file, 'it does not begin as one');
  const [version] = bytes.subarray(6);
  if (version !== 1 && version !== 2 && version !== 3) throw damaged(file, `there is no version ${version} of it`);
  const length = version === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8);
  const dataAt = (version === 1 ? 10 : 12) + length;
  if (length > MOST_HEADER_BYTES || dataAt > bytes.length) throw damaged(file, `its header has ${length} bytes`);
  const text = bytes.subarray(dataAt - length, dataAt).toString('utf8');
  const type = /'descr': *'([<>|=]?)([A-Za-z]\d{0,9})'/.exec(text);
  const order = /'fortran_order': *(True|False)\b/.exec(text)?.[1];
  const dimensions = /'shape': *\(([\d, ]{0,200})\)/.exec(text)?.[1];
  if (order === undefined || dimensions === undefined) throw damaged(file, "its header isn't NumPy's");
  const shape = dimensions
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .map(Number);
  if (shape.length > MOST_DIMENSIONS || !shape.every((size) => Number.isSafeInteger(size) && size > 0))
    throw refused(
      'NPY_UNSUPPORTED',
      `${file} has the shape (${dimensions}).`,
      `Save an array of at most ${MOST_DIMENSIONS} dimensions, none of them empty.`,
    );
  // Structured types are lists; what is neither has no number of bytes.
  return {
    type: type?.[2] ?? 'record',
    isLittle: type?.[1] !== '>',
    isFortran: order === 'True',
    shape,
    dataAt,
  };
}

/** Values of column-major order in row-major order. */
function inRows(stored: readonly NpyValue[], shape: readonly number[]): NpyValue[] {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, 1));
  return stored.map((_, index) => {
    let [rest, from] = [index, 0];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const size = shape[axis] ?? 1;
      from += (rest % size) * (strides[axis] ?? 1);
      rest = Math.floor(rest / size);
    }
    return stored[from] ?? 0;
  });
}
