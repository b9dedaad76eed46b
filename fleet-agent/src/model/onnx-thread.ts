// Owns ONNX Runtime: a thread that holds sessions by content digest and runs one request after the other.
import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-web/wasm';
import type { ErrorReason } from '../../../src/contract/report.ts';
import type { OnnxAnswer, OnnxRequest } from './onnx-messages.ts';
import { findDatatype, runtimeTypeOf, type Tensor } from './tensor.ts';

/** The bundle sets this to its own copy of the WebAssembly; the sources let ONNX Runtime find the one in its package. */
declare const SLIPWAY_WASM_BROTLI_BASE64: string | undefined;

/** Set for each run: the session's setting does not keep the runtime from printing errors to stderr, which the answer holds anyway. */
const QUIETLY: ort.InferenceSession.RunOptions = { logSeverityLevel: 4 };

const sessions = new Map<string, ort.InferenceSession>();

async function prepareRuntime(): Promise<void> {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  if (typeof SLIPWAY_WASM_BROTLI_BASE64 === 'string') {
    const { brotliDecompressSync } = await import('node:zlib');
    const bytes = brotliDecompressSync(Buffer.from(SLIPWAY_WASM_BROTLI_BASE64, 'base64'));
    ort.env.wasm.wasmBinary = new Uint8Array(bytes).buffer;
  }
}

function toOrtTensor(tensor: Tensor): ort.Tensor {
  const type = runtimeTypeOf(tensor.datatype);
  return new ort.Tensor(type as 'float32', tensor.data as Float32Array, tensor.shape);
}

function fromOrtTensor(name: string, tensor: ort.Tensor): Tensor {
  const datatype = findDatatype(tensor.type);
  if (datatype === undefined)
    throw new Error(`output "${name}" has the type ${tensor.type}, which the protocol does not have`);
  const data = tensor.data as unknown as Tensor['data'];
  return { name, datatype, shape: tensor.dims, data };
}

async function carryOut(request: OnnxRequest): Promise<readonly Tensor[]> {
  if (request.kind === 'load') {
    if (!sessions.has(request.key)) {
      const bytes = await readFile(request.file);
      sessions.set(request.key, await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] }));
    }
    return [];
  }
  const session = sessions.get(request.key);
  if (request.kind === 'release') {
    sessions.delete(request.key);
    await session?.release();
    return [];
  }
  if (session === undefined) throw new Error('the model is not loaded');
  const feeds = Object.fromEntries(request.inputs.map((tensor) => [tensor.name, toOrtTensor(tensor)]));
  const results = await session.run(feeds, QUIETLY);
  return Object.entries(results).map(([name, tensor]) => fromOrtTensor(name, tensor));
}

/** What WebAssembly and ONNX Runtime say when a model wants more memory than 32 bits can address, or than there is. */
const MEMORY =
  /out of memory|bad_alloc|memory access out of bounds|cannot enlarge memory|array buffer allocation|SafeIntOnOverflow|tensor shape is too large/i;
/** After these the instance's memory can't be trusted. */
const FATAL = /aborted\(|RuntimeError|unreachable|memory access out of bounds|table index/i;
const SHAPE =
  /invalid dimensions|invalid rank|unexpected input data type|input '.*' is missing|invalid input name|ERROR_CODE: 2\b/i;

/** ONNX Runtime tells its errors apart only by their wording. */
function classify(message: string, kind: OnnxRequest['kind']): { reason: ErrorReason; fatal: boolean } {
  const fatal = FATAL.test(message);
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
    return { kind: 'failed', id: request.id, message, ...classify(message, request.kind) };
  }
}

/** One request at a time, in their order: releasing a session while it runs breaks the run. */
function serve(port: NonNullable<typeof parentPort>): void {
  let last: Promise<void> = prepareRuntime();
  port.on('message', (request: OnnxRequest) => {
    last = last.then(async () => port.postMessage(await answerTo(request)));
  });
}

if (parentPort !== null && (workerData as { role?: string } | null)?.role === 'slipway-onnx') serve(parentPort);
