// Holds the laws of `slipway-agent ask`: what it sends, how it counts, and what it refuses.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { askFromFile } from '../../fleet-agent/src/ask.ts';
import { SystemClock } from '../../src/base/clock.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'slipway-ask-'));
const clock = new SystemClock();
const received: { readonly url: string | undefined; readonly body: unknown }[] = [];
/** What the endpoint answers to the nth request. */
let answerTo: (nth: number) => { readonly status: number; readonly body: object };

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

const server = createServer(async (request, response) => {
  received.push({ url: request.url, body: JSON.parse(await textOf(request)) });
  const { status, body } = answerTo(received.length);
  response.writeHead(status).end(JSON.stringify(body));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const port = String((server.address() as AddressInfo).port);
const version = (model_version: string) => ({ status: 200, body: { model_version } });

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  received.length = 0;
  answerTo = () => version('1.0.0');
});

function file(name: string, text: string): string {
  writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
}

async function ask(
  requests: string,
  more: readonly string[] = ['--rate', '500'],
  signal = new AbortController().signal,
) {
  const lines: string[] = [];
  const args = ['--requests', requests, '--model', 'door', '--endpoint-port', port, ...more];
  const isAnswered = await askFromFile({ args, clock, print: (line) => lines.push(line), signal });
  return {
    isAnswered,
    counts: lines
      .join('\n')
      .split('\n')
      .slice(1)
      .map((line) => line.trim()),
  };
}

test('each line goes out once, and answers are counted by version, beside what came in their place', async () => {
  answerTo = (nth) =>
    nth === 1
      ? { status: 404, body: { error: 'There is no model "door" here.' } }
      : version(nth === 4 ? '1.1.0' : '1.0.0');
  const { isAnswered, counts } = await ask(file('four.jsonl', '{"n":1}\n\n{"n":2}\n{"n":3}\n{"n":4}\n'));
  expect(received.map(({ body }) => body)).toEqual([1, 2, 3, 4].map((n) => ({ n })));
  expect(received[0]?.url).toBe('/v2/models/door/infer');
  expect({ isAnswered, counts }).toEqual({
    isAnswered: true,
    counts: ['2  1.0.0', '1  1.1.0', '1  404 There is no model "door" here.'],
  });
});

test('with a duration the requests of a folder go out again and again, at the given rate on each port', async () => {
  const place = path.join(folder, 'inputs');
  mkdirSync(place);
  for (const n of [1, 2]) file(`inputs/${n}.json`, `{\n  "n": ${n}\n}\n`);
  file('inputs/notes.txt', 'not a request');
  const before = performance.now();
  const { counts } = await ask(place, ['--rate', '20', '--duration', '500ms', '--endpoint-port', port]);
  expect(performance.now() - before).toBeGreaterThan(490);
  const sent = Number(/^\d+/.exec(counts[0] ?? '')?.[0]);
  expect([sent > 2, sent <= 22]).toEqual([true, true]);
});

test('a signal ends it with what was counted, and no answer at all is said', async () => {
  const stop = new AbortController();
  answerTo = (nth) => {
    if (nth === 3) stop.abort();
    return { status: 503, body: { error: 'Nothing serves yet.' } };
  };
  const { isAnswered, counts } = await ask(file('one.jsonl', '{}'), ['--rate', '500', '--duration', '1m'], stop.signal);
  expect({ isAnswered, counts }).toEqual({ isAnswered: false, counts: ['2  503 Nothing serves yet.'] });
});

test('requests that the model refuses from the first on are refused in its words', async () => {
  answerTo = () => ({ status: 400, body: { error: 'Input "x" is missing.' } });
  await expect(ask(file('wrong.jsonl', '{}'))).rejects.toThrow('door refuses a request: Input "x" is missing.');
});

test.each<[string, () => [string, string[]?], RegExp]>([
  ['a file that is not there', () => [path.join(folder, 'none.jsonl')], /none\.jsonl can't be read/],
  ['a line that is not JSON', () => [file('bad.jsonl', '{}\nx=1\n')], /bad\.jsonl:2 is not JSON/],
  ['an empty file', () => [file('empty.jsonl', '\n')], /holds no request/],
  ['a rate of nothing', () => [file('one.jsonl', '{}'), ['--rate', '0']], /--rate 0/],
  ['a duration without a unit', () => [file('one.jsonl', '{}'), ['--duration', '5']], /not a duration/],
  ['an unknown flag', () => [file('one.jsonl', '{}'), ['--speed', '5']], /speed/],
  ['a port that is no number', () => [file('one.jsonl', '{}'), ['--endpoint-port', 'http']], /numeric/],
])('refused: %s', async (_, given, message) => {
  const [requests, more] = given();
  await expect(ask(requests, more)).rejects.toThrow(message);
  expect(received).toEqual([]);
});

test('what an endpoint says is counted in one short line, which steers no terminal', async () => {
  answerTo = (nth) =>
    nth === 1 ? version('1.0.0') : { status: 500, body: { error: `\u001b[2J\n${'x'.repeat(5_000)}` } };
  const { counts } = await ask(file('two.jsonl', '{}\n{}\n'));
  expect(counts).toHaveLength(2);
  expect(counts.join(' ')).not.toContain('\u001b');
  for (const line of counts) expect(line.length).toBeLessThan(230);
});
