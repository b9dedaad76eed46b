// Owns reading an inference request: data goes from the body's bytes straight into typed arrays, so that neither its length nor its large integers pass through JSON values.
import { isUtf8 } from 'node:buffer';
import { setImmediate as others } from 'node:timers/promises';
import { CodedError } from '../../../src/base/errors.ts';
import { holderOf } from '../../../src/contract/tensor-values.ts';
import {
  type Datatype,
  elementError,
  elementsOf,
  elementTypeOf,
  emptyData,
  heldAs,
  isDatatype,
  shapeError,
  type Tensor,
} from '../model/tensor.ts';
import { CLOSE_LIST, endOfList, endOfText, OPEN_LIST, QUOTE, skipSpace, ValueReader } from './json-values.ts';

export type RequestId = string | number | boolean;

export interface InferRequest {
  readonly id: RequestId | undefined;
  readonly inputs: readonly Tensor[];
  /** Names of the outputs that are asked for; undefined = all. */
  readonly outputs: readonly string[] | undefined;
}

/** What a request may say besides its data. */
const MOST_FRAME_BYTES = 256 * 1024;
const MOST_TENSORS = 64;
const LONGEST_NAME = 512;
const LONGEST_ID = 256;
/** Texts of one tensor, and their bytes: they lie in the heap. */
const MOST_TEXTS = 65_536;
const MOST_TEXT_BYTES = 4 * 1024 * 1024;
/** Values read before others get their turn. */
const VALUES_AT_ONCE = 16_384;

const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

export function requestError(problem: string): CodedError {
  return new CodedError({
    code: 'INFER_REQUEST',
    message: `The request is not an Open Inference Protocol request: ${problem}.`,
    remedy: 'Send { inputs: [{ name, datatype, shape, data }] } as JSON.',
  });
}

/** Where a list stands in the body: from its bracket to behind the closing one. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** Throws INFER_REQUEST or INFER_SHAPE. */
export async function readInferRequest(body: Buffer): Promise<InferRequest> {
  if (!isUtf8(body)) throw requestError('it is not UTF-8');
  const { frame, spans } = takeFrame(body);
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    throw requestError('it is not JSON');
  }
  const { id, inputs, outputs } = Object(value) as Record<string, unknown>;
  if (!Array.isArray(inputs) || inputs.length === 0 || inputs.length > MOST_TENSORS)
    throw requestError(`\`inputs\` is not a list of 1 to ${MOST_TENSORS} tensors`);
  const asked = { id: parseId(id), outputs: parseOutputs(outputs) };
  const headers = inputs.map((one) => parseHeader(one, spans));
  const names = new Set(headers.map(({ name }) => name));
  if (names.size < headers.length) throw requestError('two inputs have the same name');
  // A key that is written with escapes is not seen above, and may hold any number.
  if (new Set(headers.map(({ span }) => span)).size < headers.length) throw requestError('two inputs share their data');
  const tensors: Tensor[] = [];
  for (const header of headers) tensors.push(await readTensor(body, header));
  return { ...asked, inputs: tensors };
}

/** The request without its data: each `data` of a tensor is a number there, the index of its span. */
function takeFrame(body: Buffer): { frame: string; spans: readonly Span[] } {
  const spans: Span[] = [];
  const parts: string[] = [];
  let [kept, depth, length] = [0, 0, 0];
  const keep = (to: number): void => {
    length += to - kept;
    if (length > MOST_FRAME_BYTES) throw requestError('it says too much besides its data');
    parts.push(body.toString('utf8', kept, to));
  };
  for (let at = 0; at < body.length; ) {
    const byte = body[at];
    if (byte !== QUOTE) {
      if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth += 1;
      if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) depth -= 1;
      at += 1;
      continue;
    }
    const end = endOfText(body, at);
    if (end === -1) throw requestError('it is not JSON');
    const isData = depth === 3 && end - at === 6 && body.toString('latin1', at, end) === '"data"';
    const colon = isData ? skipSpace(body, end) : end;
    at = end;
    if (!isData || body[colon] !== COLON) continue;
    const from = skipSpace(body, colon + 1);
    if (body[from] !== OPEN_LIST) throw requestError('`data` is not a list');
    keep(from);
    parts.push(String(spans.length));
    kept = endOfList(body, from);
    if (kept === -1) throw requestError('it is not JSON');
    spans.push({ from, to: kept });
    at = kept;
  }
  keep(body.length);
  return { frame: parts.join(''), spans };
}

function parseId(id: unknown): RequestId | undefined {
  if (id === undefined || id === null) return undefined;
  if (typeof id === 'string' && id.length <= LONGEST_ID) return id;
  if (typeof id === 'boolean') return id;
  if (typeof id === 'number' && Number.isFinite(id) && (!Number.isInteger(id) || Number.isSafeInteger(id))) return id;
  throw requestError(`\`id\` is not a text of at most ${LONGEST_ID} characters, a number or a truth value`);
}

function parseOutputs(outputs: unknown): readonly string[] | undefined {
  if (outputs === undefined) return undefined;
  if (!Array.isArray(outputs)) throw requestError('`outputs` is not a list');
  const names = outputs.map((one: unknown) => (Object(one) as { name?: unknown }).name);
  if (!names.every((name) => typeof name === 'string')) throw requestError('an output that is asked for has no name');
  if (new Set(names).size < names.length) throw requestError('an output is asked for twice');
  return names;
}

interface Header {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly span: Span;
}

function parseHeader(value: unknown, spans: readonly Span[]): Header {
  const { name, datatype, shape, data } = Object(value) as Record<string, unknown>;
  if (typeof name !== 'string' || name.length > LONGEST_NAME) throw requestError('a tensor has no name');
  if (!isDatatype(datatype)) throw requestError(`the datatype of "${name}" is not one that is served`);
  if (!Array.isArray(shape) || shape.length > 8 || !shape.every((length) => typeof length === 'number'))
    throw requestError(`"${name}" has no shape of at most 8 numbers`);
  const span = typeof data === 'number' ? spans[data] : undefined;
  if (span === undefined) throw requestError(`"${name}" has no data`);
  return { name, datatype, shape: shape as number[], span };
}

/** Data is flat, or nested exactly as the shape says. */
async function readTensor(body: Buffer, { name, datatype, shape, span }: Header): Promise<Tensor> {
  const elements = elementsOf(name, shape);
  const ragged = (): CodedError =>
    shapeError(`"${name}" does not hold ${elements} values, flat or nested as its shape [${shape}] says`);
  // Each value takes a byte and its comma: nobody gets an array that is longer than what was sent.
  if (elements > (span.to - span.from) / 2) throw ragged();
  const isNested = body[skipSpace(body, span.from + 1)] === OPEN_LIST;
  const lengths = isNested ? shape : [elements];
  const sizes = lengths.map((_, level) => lengths.slice(level).reduce((product, length) => product * length, 1));
  const data = emptyData(datatype, elements);
  const isWhole = !datatype.startsWith('FP');
  const holds = holderOf(elementTypeOf(datatype));
  const reader = new ValueReader(body, span.from);
  if (datatype === 'BYTES' && (elements > MOST_TEXTS || span.to - span.from > MOST_TEXT_BYTES))
    throw shapeError(`"${name}" has more than ${MOST_TEXTS} texts or ${MOST_TEXT_BYTES} bytes of them`);
  for (let index = 0; index < elements; index++) {
    if (index > 0 && !reader.takes(COMMA)) throw ragged();
    for (const size of sizes) if (index % size === 0 && !reader.takes(OPEN_LIST)) throw ragged();
    const start = reader.at;
    const value = reader.value(isWhole);
    if (value === undefined || !holds(value)) {
      const written = reader.written(start);
      throw /^[[\]]/.test(written) ? ragged() : elementError(name, index, written, datatype);
    }
    data[index] = heldAs(datatype, value);
    for (const size of sizes) if ((index + 1) % size === 0 && !reader.takes(CLOSE_LIST)) throw ragged();
    if (index % VALUES_AT_ONCE === VALUES_AT_ONCE - 1) await others();
  }
  if (reader.at !== span.to) throw ragged();
  return { name, datatype, shape, data: data as unknown as Tensor['data'] };
}
