// Owns ONNX Runtime: a thread that holds sessions by content digest and runs one request after the other.
import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-web/wasm';
import type { FoundError } from '../../../src/contract/report.ts';
import type { Port } from '../record/slots.ts';
import { fromHalfBits, halfBits } from './half-float.ts';
import type { OnnxAnswer, OnnxRequest } from './onnx-messages.ts';
import { elementTypeOf, findDatatype, type Tensor } from './tensor.ts';

/** The bundle sets this to its own copy of the WebAssembly; the sources let ONNX Runtime find the one in its package. */
declare const SLIPWAY_WASM_BROTLI_BASE64: string | undefined;

/** Set for each run: the session's setting does not keep the runtime from printing errors to stderr, which the answer holds anyway. */
const QUIETLY: ort.InferenceSession.RunOptions = { logSeverityLevel: 4 };

/** An answer may hold this many values: more would keep the agent busy for seconds to write them as JSON. */
const MOST_VALUES = 8 * 1024 * 1024;
/** Characters in an answer's texts: they lie in JavaScript's heap, here and in the agent. */
const MOST_CHARACTERS = 4 * 1024 * 1024;

const sessions = new Map<string, ort.InferenceSession>();

/** What a thread is started with. */
interface ThreadData {
  readonly role: 'slipway-onnx';
  readonly memoryMebibytes: number;
}

/**
 * ONNX Runtime reserves 4 GiB and takes of it what models ask for, until the system ends the whole agent. A lower ceiling makes the runtime
 * refuse the one model that wants more.
 */
function capMemory(mebibytes: number): void {
  const pages = mebibytes * 16;
  const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: { Memory: new (wanted: Wanted) => object } };
  wasm.Memory = class extends wasm.Memory {
    constructor({ initial, maximum = pages, ...rest }: Wanted) {
      super({ ...rest, initial, maximum: Math.min(maximum, Math.max(pages, initial)) });
    }
  };
}

/** What a WebAssembly memory is made with, in pages of 64 KiB. */
interface Wanted {
  readonly initial: number;
  readonly maximum?: number;
  readonly shared?: boolean;
}

async function prepareRuntime({ memoryMebibytes }: ThreadData): Promise<void> {
  capMemory(memoryMebibytes);
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  if (typeof SLIPWAY_WASM_BROTLI_BASE64 === 'string') {
    const { brotliDecompressSync } = await import('node:zlib');
    const bytes = brotliDecompressSync(Buffer.from(SLIPWAY_WASM_BROTLI_BASE64, 'base64'));
    ort.env.wasm.wasmBinary = new Uint8Array(bytes).buffer;
  }
}

function toOrtTensor({ datatype, data, shape }: Tensor): ort.Tensor {
  const type = datatype === 'BYTES' ? 'string' : elementTypeOf(datatype);
  const held = datatype === 'FP16' ? Uint16Array.from(data as Float32Array, halfBits) : data;
  return new ort.Tensor(type as 'float32', held as Float32Array, shape);
}

function fromOrtTensor(name: string, tensor: ort.Tensor): Tensor {
  const datatype = findDatatype(tensor.type);
  if (datatype === undefined)
    throw new Error(`output "${name}" has the type ${tensor.type}, which the protocol does not have`);
  let data = tensor.data as unknown as Tensor['data'];
  if (datatype === 'FP16') {
    const { buffer, byteOffset, length } = data as Float32Array;
    data = Float32Array.from(new Uint16Array(buffer, byteOffset, length), fromHalfBits);
  }
  return { name, datatype, shape: tensor.dims, data };
}

class TooLong extends Error {}

function checkLength(tensors: readonly ort.Tensor[]): void {
  const values = tensors.reduce((sum, { size }) => sum + size, 0);
  if (values > MOST_VALUES) throw new TooLong(`it holds ${values} values, and ${MOST_VALUES} are passed on`);
  const texts = tensors.filter(({ type }) => type === 'string').map(({ data }) => data as string[]);
  const characters = texts.reduce((sum, some) => some.reduce((total, { length }) => total + length, sum), 0);
  if (characters > MOST_CHARACTERS)
    throw new TooLong(`its texts hold ${characters} characters, and ${MOST_CHARACTERS} are passed on`);
}

async function load({ key, file, data, ports }: Extract<OnnxRequest, { kind: 'load' }>): Promise<void> {
  const known = sessions.get(key);
  const externalData =
    known !== undefined
      ? []
      : await Promise.all(data.map(async ({ name, path }) => ({ path: name, data: await readFile(path) })));
  const session =
    known ?? (await ort.InferenceSession.create(await readFile(file), { executionProviders: ['wasm'], externalData }));
  sessions.set(key, session);
  for (const port of ports?.inputs ?? []) {
    const { shape } = findTensor(session.inputMetadata, port, 'input');
    if (!mayTake(shape, port.shape))
      throw new Error(`the input "${port.name}" is [${shape}]; the model's interface says [${port.shape}]`);
  }
  // Files often say other shapes of their outputs than they give: answers are held to the manifest.
  for (const port of ports?.outputs ?? []) findTensor(session.outputMetadata, port, 'output');
}

type Metadata = ort.InferenceSession['inputMetadata'][number];

/** Throws where the file has no such tensor. */
function findTensor(has: readonly Metadata[], { name, datatype }: Port, side: 'input' | 'output') {
  const found = has.find((one) => one.name === name);
  if (found === undefined) {
    const names = has.map((one) => one.name).join(', ');
    throw new Error(`the model has no ${side} "${name}"; it has ${names.slice(0, 200)}`);
  }
  if (!found.isTensor) throw new Error(`the ${side} "${name}" is a sequence or a map, and only tensors can be served`);
  if (findDatatype(found.type) !== datatype)
    throw new Error(`the ${side} "${name}" is ${found.type}; the model's interface says ${datatype}`);
  return found;
}

/** Is there a tensor that fits both? A file that says nothing of a shape has none here. */
function mayTake(has: Extract<Metadata, { isTensor: true }>['shape'], promised: readonly number[]): boolean {
  if (has.length === 0) return true;
  const fits = (length: number, i: number): boolean => length === -1 || typeof has[i] !== 'number' || has[i] === length;
  return has.length === promised.length && promised.every(fits);
}

async function run({ key, inputs, outputs }: Extract<OnnxRequest, { kind: 'run' }>): Promise<readonly Tensor[]> {
  const session = sessions.get(key);
  if (session === undefined) throw new Error('the model is not loaded');
  const feeds = Object.fromEntries(inputs.map((tensor) => [tensor.name, toOrtTensor(tensor)]));
  // Sequences and maps can't be fetched: asking for one fails the whole run.
  const names = outputs ?? session.outputMetadata.filter(({ isTensor }) => isTensor).map(({ name }) => name);
  const results = await session.run(feeds, names, QUIETLY);
  checkLength(Object.values(results));
  return Object.entries(results).map(([name, tensor]) => fromOrtTensor(name, tensor));
}

async function carryOut(request: OnnxRequest): Promise<readonly Tensor[]> {
  if (request.kind === 'run') return run(request);
  if (request.kind === 'load') {
    await load(request);
    return [];
  }
  const session = sessions.get(request.key);
  sessions.delete(request.key);
  await session?.release();
  return [];
}

/** What WebAssembly and ONNX Runtime say when a model wants more memory than 32 bits can address, or than there is. */
const MEMORY =
  /out of memory|bad_alloc|memory access out of bounds|cannot enlarge memory|array buffer allocation|SafeIntOnOverflow|tensor shape is too large|failed to allocate/i;
/** After these the instance's memory can't be trusted. */
const FATAL = /aborted\(|RuntimeError|unreachable|memory access out of bounds|table index/i;
const SHAPE =
  /invalid dimensions|invalid rank|unexpected input data type|input '.*' is missing|invalid input name|ERROR_CODE: 2\b/i;

/** The manifest leaves a dimension open that the file does not: found before the model ran, so it says nothing of the model. */
const REFUSED = /got invalid dimensions for input/i;

/** ONNX Runtime tells its errors apart only by their wording. */
function classify(message: string, kind: OnnxRequest['kind']): { reason: FoundError | 'refused'; fatal: boolean } {
  const fatal = FATAL.test(message);
  if (REFUSED.test(message)) return { reason: 'refused', fatal };
  if (MEMORY.test(message)) return { reason: 'out-of-memory', fatal };
  if (kind === 'load') return { reason: 'load', fatal };
  return { reason: SHAPE.test(message) ? 'bad-shape' : 'runtime', fatal };
}

async function answerTo(request: OnnxRequest): Promise<OnnxAnswer> {
  try {
    return { kind: 'done', id: request.id, outputs: await carryOut(request) };
  } catch (error) {
    const name = error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : '';
    const message = `${name}${error instanceof Error ? error.message : String(error)}`.slice(0, 500);
    if (error instanceof TooLong)
      return { kind: 'failed', id: request.id, message: error.message, reason: 'too-long', fatal: false };
    return { kind: 'failed', id: request.id, message, ...classify(message, request.kind) };
  }
}

/** The arrays of an answer go over as they are: a copy would need their memory twice. */
function buffersOf(answer: OnnxAnswer): ArrayBuffer[] {
  if (answer.kind === 'failed') return [];
  const arrays = answer.outputs.filter(({ datatype }) => datatype !== 'BYTES');
  return [...new Set(arrays.map(({ data }) => (data as Float32Array).buffer as ArrayBuffer))];
}

/** One request at a time, in their order: releasing a session while it runs breaks the run. */
function serve(port: NonNullable<typeof parentPort>, data: ThreadData): void {
  let last: Promise<void> = prepareRuntime(data);
  port.on('message', (request: OnnxRequest) => {
    last = last.then(async () => {
      const answer = await answerTo(request);
      port.postMessage(answer, buffersOf(answer));
    });
  });
}

const started = workerData as ThreadData | null;
if (parentPort !== null && started?.role === 'slipway-onnx') serve(parentPort, started);
