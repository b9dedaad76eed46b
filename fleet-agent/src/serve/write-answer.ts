// Owns writing an answer as JSON in pieces: neither its text nor a copy of its values is ever whole in memory, and others get their turn between two.
import type { ServerResponse } from 'node:http';
import { setImmediate as others } from 'node:timers/promises';
import type { Tensor } from '../model/tensor.ts';
import type { InferenceAnswer } from './model-server.ts';
import type { RequestId } from './read-infer-request.ts';

const VALUES_AT_ONCE = 4096;
/** Characters that are gathered before they are written. */
const PIECE = 32_768;
/** A client that takes nothing for so long is let go. */
const PATIENCE_MS = 60_000;

/** Ends when the whole answer is with the system, or the client is gone. */
export async function writeAnswer(
  response: ServerResponse,
  answer: InferenceAnswer,
  id: RequestId | undefined,
): Promise<void> {
  const pieces = piecesOf(answer, id);
  const first = pieces.next();
  if (first.done === true) {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(first.value) };
    response.writeHead(200, headers).end(first.value);
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  response.setTimeout(PATIENCE_MS, () => response.destroy());
  let piece: IteratorResult<string, string> = first;
  for (; piece.done !== true && !response.destroyed; piece = pieces.next()) {
    if (response.write(piece.value)) await others();
    else await drained(response);
  }
  if (piece.done === true) response.end(piece.value);
}

/** All but the last piece, and the last as what it returns. */
function* piecesOf(answer: InferenceAnswer, id: RequestId = answer.id): Generator<string, string> {
  const { modelName, modelVersion, digest, outputs } = answer;
  const head = { model_name: modelName, model_version: modelVersion, id, parameters: { digest } };
  let text = `${JSON.stringify(head).slice(0, -1)},"outputs":[`;
  for (const [i, output] of outputs.entries()) {
    const { name, datatype, shape, data } = output;
    text += `${i > 0 ? ',' : ''}${JSON.stringify({ name, datatype, shape }).slice(0, -1)},"data":[`;
    for (let from = 0; from < data.length; from += VALUES_AT_ONCE) {
      text += `${from > 0 ? ',' : ''}${textOf(output, from, from + VALUES_AT_ONCE)}`;
      if (text.length < PIECE) continue;
      yield text;
      text = '';
    }
    text += ']}';
  }
  return `${text}]}`;
}

function textOf({ datatype, data }: Tensor, from: number, to: number): string {
  if (datatype === 'BYTES') return JSON.stringify(data.slice(from, to)).slice(1, -1);
  const part = (data as Float32Array).subarray(from, to);
  return datatype === 'BOOL' ? Array.from(part, (value) => value !== 0).join() : part.join();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
    if (response.destroyed) done();
  });
}
