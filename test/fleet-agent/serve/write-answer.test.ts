// Laws of writing answers: the text is the tensors' values to the last digit, it goes out in pieces, and a client that leaves ends it.
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { Tensor } from '../../../fleet-agent/src/model/tensor.ts';
import type { InferenceAnswer } from '../../../fleet-agent/src/serve/model-server.ts';
import { writeAnswer } from '../../../fleet-agent/src/serve/write-answer.ts';
import { digestOf } from '../../../src/contract/digest.ts';

const answerOf = (...outputs: Tensor[]): InferenceAnswer => ({
  ...{ id: 'q', modelName: 'm', modelVersion: '1', digest: digestOf('m') },
  outputs,
});

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** The answer over a real connection, and what `writeAnswer` did on its side. */
async function ask(
  answer: InferenceAnswer,
): Promise<{ response: IncomingMessage; written: Promise<void>; server: ServerResponse }> {
  let written: Promise<void> = Promise.resolve();
  let other: ServerResponse | undefined;
  server = createServer((_, response) => {
    other = response;
    written = writeAnswer(response, answer, undefined);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const response = await new Promise<IncomingMessage>((resolve) =>
    httpRequest({ host: '127.0.0.1', port }, resolve).end(),
  );
  return { response, written, server: other as ServerResponse };
}

async function textOf(answer: InferenceAnswer): Promise<string> {
  const { response } = await ask(answer);
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
}

test('every datatype is written as it is held, 64-bit integers to the last digit', async () => {
  const outputs: Tensor[] = [
    { name: 'long', datatype: 'INT64', shape: [2], data: BigInt64Array.of(9007199254740993n, -1n) },
    { name: 'unsigned', datatype: 'UINT64', shape: [1], data: BigUint64Array.of(18446744073709551615n) },
    { name: 'float', datatype: 'FP32', shape: [2], data: Float32Array.of(0.1, -1e-30) },
    { name: 'is', datatype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) },
    { name: 'text', datatype: 'BYTES', shape: [2], data: ['a"\n', 'é'] },
  ];
  const text = await textOf(answerOf(...outputs));
  expect(text).toContain('"data":[9007199254740993,-1]');
  expect(text).toContain('"data":[18446744073709551615]');
  expect(JSON.parse(text)).toMatchObject({
    ...{ id: 'q', model_name: 'm', model_version: '1', parameters: { digest: digestOf('m') } },
    outputs: [
      { name: 'long', datatype: 'INT64', shape: [2] },
      { name: 'unsigned' },
      { data: [Math.fround(0.1), Math.fround(-1e-30)] },
      { data: [true, false, true] },
      { data: ['a"\n', 'é'] },
    ],
  });
});

test('a long answer is whole, and the loop is free between its pieces', async () => {
  const data = Float32Array.from({ length: 500_000 }, (_, i) => i / 7);
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  const text = await textOf(answerOf({ name: 'y', datatype: 'FP32', shape: [data.length], data }));
  clearInterval(timer);
  const { outputs } = JSON.parse(text) as { outputs: [{ data: number[] }] };
  expect(outputs[0].data).toEqual(Array.from(data));
  expect(turns).toBeGreaterThan(3);
});

test('a client that reads nothing and leaves ends the writing', async () => {
  const data = new Float32Array(4_000_000).fill(1 / 3);
  const { response, written } = await ask(answerOf({ name: 'y', datatype: 'FP32', shape: [data.length], data }));
  response.pause();
  await new Promise((resolve) => setTimeout(resolve, 50));
  response.destroy();
  await written;
});
