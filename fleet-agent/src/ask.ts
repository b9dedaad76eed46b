// Owns `slipway-agent ask`: sends requests out of a file to endpoints of this machine at a steady pace, and counts the answers.
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { readBoundedFile } from '../../src/base/bounded-file.ts';
import type { Clock } from '../../src/base/clock.ts';
import { CodedError } from '../../src/base/errors.ts';
import { clipped, oneLine } from '../../src/base/plain-text.ts';
import { parseDurationMs } from '../../src/contract/duration.ts';
import { ask } from './link/http.ts';

const MOST_BYTES = 64 * 1024 * 1024;
const ANSWER_LIMIT_MS = 60_000;
/** Messages of an endpoint may differ each time. */
const MOST_OUTCOMES = 20;
/** Characters of one. */
const MOST_OUTCOME = 200;

function refused(message: string, remedy: string, cause?: unknown): CodedError {
  return new CodedError({ code: 'AGENT_ASK', message, remedy, cause });
}

function parseFlags(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const many = { type: 'string', multiple: true } as const;
  const options = { requests: text, model: text, 'endpoint-port': many, rate: text, duration: text } as const;
  try {
    const { requests, model, 'endpoint-port': ports, rate, duration } = parseArgs({ args: [...args], options }).values;
    if (
      requests === undefined ||
      model === undefined ||
      ports === undefined ||
      !ports.every((port) => /^\d{1,5}$/.test(port))
    )
      throw new TypeError('--requests, --model and a numeric --endpoint-port are needed.');
    const perSecond = Number(rate ?? 10);
    if (!(perSecond > 0 && perSecond <= 1000)) throw new TypeError(`--rate ${rate} is not between 0 and 1000.`);
    return { requests, model, ports, perSecond, durationMs: duration === undefined ? null : parseDurationMs(duration) };
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw refused((error as Error).message, 'See `slipway-agent --help`.', error);
  }
}

/** Bodies of the Open Inference Protocol: each line of a file, or each .json file of a folder. */
async function readRequests(place: string): Promise<unknown[]> {
  const isFolder = statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
  const files = isFolder
    ? readdirSync(place)
        .filter((name) => name.endsWith('.json'))
        .sort()
    : [''];
  const requests: unknown[] = [];
  for (const name of files) {
    const file = path.join(place, name);
    const text = (await readBoundedFile(file, MOST_BYTES)).toString('utf8');
    for (const [index, line] of (isFolder ? [text] : text.split('\n')).entries()) {
      if (line.trim() === '') continue;
      try {
        requests.push(JSON.parse(line));
      } catch (error) {
        const remedy =
          'Write a request a line, as `{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[0,1]}]}`.';
        throw refused(`${file}:${index + 1} is not JSON.`, remedy, error);
      }
    }
  }
  if (requests.length > 0) return requests;
  throw refused(`${place} holds no request.`, 'Name a file with a request a line, or a folder of .json files.');
}

export interface AskOrder {
  readonly args: readonly string[];
  readonly clock: Clock;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Each port gets `--rate` requests a second: all of the file once, or over and over for `--duration`. A restart or a switch costs a request,
 * which is counted, and the next one goes out. Returns whether a model answered. Throws AGENT_ASK, also where the endpoint refuses requests
 * before it answered any, and FILE_….
 */
export async function askFromFile({ args, clock, print, signal }: AskOrder): Promise<boolean> {
  const { requests: place, model, ports, perSecond, durationMs } = parseFlags(args);
  const requests = await readRequests(place);
  const counts = new Map<string, number>();
  let isAnswered = false;
  const endMs = clock.monotonicMs() + (durationMs ?? Number.POSITIVE_INFINITY);
  const sendTo = async (port: string): Promise<void> => {
    const url = `http://127.0.0.1:${port}/v2/models/${encodeURIComponent(model)}/infer`;
    for (let sent = 0; (durationMs !== null || sent < requests.length) && clock.monotonicMs() < endMs; sent++) {
      const startMs = clock.monotonicMs();
      const json = requests[sent % requests.length];
      const question = { url, json, timeoutMs: ANSWER_LIMIT_MS, mostBytes: MOST_BYTES, signal };
      const answer = await ask(question, clock).catch(() => null);
      if (signal.aborted) return;
      const { model_version: version, error } = answer === null ? {} : readAnswer(answer.body);
      isAnswered ||= answer?.status === 200;
      if (answer?.status === 400 && !isAnswered)
        throw refused(`${model} refuses a request: ${error}`, `Correct ${place}.`);
      const outcome =
        answer === null ? 'no answer' : answer.status === 200 ? `${version}` : `${answer.status} ${error}`;
      const said = clipped(oneLine(outcome), MOST_OUTCOME);
      const key = counts.has(said) || counts.size < MOST_OUTCOMES ? said : 'others';
      counts.set(key, (counts.get(key) ?? 0) + 1);
      await clock.sleep(startMs + 1000 / perSecond - clock.monotonicMs(), signal);
    }
  };
  await Promise.all(ports.map(sendTo));
  const lines = [...counts].sort().map(([outcome, count]) => `${String(count).padStart(8)}  ${outcome}`);
  print(['REQUESTS  ANSWERED BY VERSION, OR WHY NOT', ...lines].join('\n'));
  return isAnswered;
}

function readAnswer(body: Buffer): { readonly model_version?: unknown; readonly error?: unknown } {
  try {
    return Object(JSON.parse(body.toString('utf8')));
  } catch {
    return {};
  }
}
