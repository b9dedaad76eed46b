// Laws of asking providers: a usable answer is read exactly, and whatever else comes back counts as no answer, in time and in bounds.
import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { PrometheusProvider, readPrometheusAnswer } from '../../src/signals/prometheus-provider.ts';
import { lackingSecrets, readProviders } from '../../src/signals/read-providers.ts';
import type { SignalAnswer, SignalQuestion } from '../../src/signals/signal-provider.ts';
import { readWebhookAnswer } from '../../src/signals/webhook-provider.ts';

const clock = new SystemClock();
const never = new AbortController().signal;

function vector(...results: readonly unknown[]): string {
  return JSON.stringify({ status: 'success', data: { resultType: 'vector', result: results } });
}
const seconds = (): number => Date.now() / 1000;
const one = (value: unknown, at = seconds()) => ({ metric: {}, value: [at, value] });
const readAnswer = (status: number, body: string): SignalAnswer => readPrometheusAnswer(status, body, Date.now());

describe('of Prometheus', () => {
  test('one finite number is the answer, as a vector of one series or as a scalar', () => {
    expect(readAnswer(200, vector(one('0.25')))).toEqual({ kind: 'value', value: 0.25 });
    const scalar = JSON.stringify({ status: 'success', data: { resultType: 'scalar', result: [seconds(), '-3e-7'] } });
    expect(readAnswer(200, scalar)).toEqual({ kind: 'value', value: -3e-7 });
  });

  test('every finite number comes through as it is', () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(finite, (value) => {
        const answer = readAnswer(200, vector(one(String(value))));
        expect(answer).toEqual({ kind: 'value', value: value === 0 ? Number(String(value)) : value });
      }),
    );
  });

  test.each([
    ['no series', 200, vector(), /returns no series/],
    ['several series', 200, vector(one('1'), one('2')), /2 series: aggregate them/],
    ['NaN', 200, vector(one('NaN')), /NaN/],
    ['an infinite number', 200, vector(one('+Inf')), /division by zero/],
    ['a number beyond all bounds', 200, vector(one('1e999')), /not one of the Prometheus API/],
    ['a number that is none', 200, vector(one('0x10')), /not one of the Prometheus API/],
    ['a value that is no text', 200, vector(one(1)), /not one of the Prometheus API/],
    [
      'a range',
      200,
      JSON.stringify({ status: 'success', data: { resultType: 'matrix', result: [] } }),
      /neither an instant/,
    ],
    ['a native histogram', 200, vector({ metric: {}, histogram: [1, {}] }), /not one of the Prometheus API/],
    [
      'a refused query',
      400,
      JSON.stringify({ status: 'error', error: 'parse error: x' }),
      /refuses the query: parse error/,
    ],
    ['refused credentials', 401, 'no', /credentials/],
    ['a server error', 503, vector(one('1')), /HTTP 503/],
    [
      'a partial answer',
      200,
      JSON.stringify({ ...JSON.parse(vector(one('1'))), warnings: ['store away'] }),
      /may be incomplete/,
    ],
    [
      'an answer that says itself that it is partial',
      200,
      JSON.stringify({ ...JSON.parse(vector(one('1'))), isPartial: true }),
      /incomplete/,
    ],
    ['a sample of 1970', 200, vector(one('1', 0)), /of 1970-01-01T00:00:00Z, not of now/],
    ['a sample of 2099', 200, vector(one('1', 4_070_908_800)), /of 2099-01-01T00:00:00Z, not of now/],
    ['a sample of a time that is none', 200, vector(one('1', 1e300)), /of no time/],
    ['a page', 200, '<html>', /not one of the Prometheus API/],
    ['nothing', 200, '', /not one of the Prometheus API/],
    ['null', 200, 'null', /not one of the Prometheus API/],
  ])('%s is no answer', (_, status, body, reason) => {
    expect(readAnswer(status, body)).toEqual({ kind: 'none', reason: expect.stringMatching(reason) });
  });

  test('no answer whatsoever throws, nor gives a number that is not there', () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((value) => vector(value)),
    );
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), hostile, (status, body) => {
        const answer = readAnswer(status, body);
        if (answer.kind === 'value') expect(status).toBe(200);
        if (answer.kind === 'none') expect(answer.reason.length).toBeLessThanOrEqual(300);
      }),
    );
  });
});

describe('of a webhook', () => {
  test.each(['pass', 'fail', 'undecided'] as const)('%s is an answer', (verdict) => {
    const body = JSON.stringify({ verdict, reason: 'two chargebacks' });
    expect(readWebhookAnswer(200, body)).toEqual({ kind: 'judged', verdict, reason: 'two chargebacks' });
    expect(readWebhookAnswer(200, JSON.stringify({ verdict }))).toEqual({ kind: 'judged', verdict, reason: '' });
  });

  test.each([
    [200, '{"verdict":"PASS"}'],
    [200, '{"verdict":true}'],
    [200, '["pass"]'],
    [200, '"pass"'],
    [200, 'null'],
    [200, 'pass'],
    [200, '{"verdict":"fail","reason":{}}'],
    [204, ''],
    [500, '{"verdict":"fail"}'],
    [403, '{"verdict":"pass"}'],
  ])('HTTP %i with %s is no answer', (status, body) => {
    expect(readWebhookAnswer(status, body).kind).toBe('none');
  });

  test('no answer whatsoever throws, and reasons are bounded', () => {
    const given = fc.record({ verdict: fc.constantFrom('pass', 'fail', 'x'), reason: fc.string({ maxLength: 5000 }) });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          given.map((one) => JSON.stringify(one)),
        ),
        (body) => {
          const answer = readWebhookAnswer(200, body);
          expect(answer.kind === 'value' ? 0 : answer.reason.length).toBeLessThanOrEqual(500);
        },
      ),
    );
  });

  test('a reason is one line of plain text, whatever a provider writes', () => {
    const reason = 'two\nchargebacks\u001b[2J\r\n\u2028Slipway-Transition: 9 \u202e\ud800';
    const told = { kind: 'judged', verdict: 'fail', reason: 'two chargebacks [2J Slipway-Transition: 9' };
    expect(readWebhookAnswer(200, JSON.stringify({ verdict: 'fail', reason }))).toEqual(told);
    const refused = readAnswer(400, JSON.stringify({ status: 'error', error: 'parse\u001b[2J\nerror' }));
    expect(refused).toMatchObject({ kind: 'none', reason: expect.stringContaining('parse [2J error') });
  });
});

describe('over HTTP', () => {
  let behave: (request: IncomingMessage, response: ServerResponse, body: string) => void = () => undefined;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => behave(request, response, Buffer.concat(chunks).toString()));
  });
  let folder = '';
  let url = '';

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'signals-'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  });

  function ask(timeoutMs = 5_000, at = url): Promise<SignalAnswer> {
    const options = { name: 'main', url: at, credentials: { kind: 'none' }, everyMs: 1000, timeoutMs } as const;
    return new PrometheusProvider(options, clock).ask('up{a="b&c"}', never);
  }

  test('a query is posted as it is, and its number read', async () => {
    const asked: string[] = [];
    behave = (request, response, body) => {
      asked.push(`${request.method} ${request.url}`, new URLSearchParams(body).get('query') ?? '');
      response.end(vector(one('7')));
    };
    expect(await ask(5000, `${url}/prefix/`)).toEqual({ kind: 'value', value: 7 });
    expect(asked).toEqual(['POST /prefix/api/v1/query', 'up{a="b&c"}']);
  });

  test('a provider that does not answer, or drips, is given up in time', async () => {
    for (const drips of [false, true]) {
      behave = (_, response) => {
        if (drips) {
          const timer = setInterval(() => response.write(' '), 20);
          response.on('close', () => clearInterval(timer));
        }
      };
      expect(await ask(300)).toEqual({ kind: 'none', reason: 'no answer within 0.3 s' });
    }
  });

  test('an answer beyond 1 MiB is not read to its end, compressed or not', async () => {
    let sent = 0;
    behave = (_, response) => {
      const chunk = Buffer.alloc(64 * 1024, 0x20);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
        response.once('drain', more);
      };
      more();
    };
    expect(await ask()).toEqual({ kind: 'none', reason: 'its answer is longer than 1 MiB' });
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    behave = (_, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync(Buffer.alloc(50_000_000)));
    };
    expect(await ask()).toEqual({ kind: 'none', reason: 'its answer is longer than 1 MiB' });
  });

  test('a redirect is not followed: credentials go to the configured address alone', async () => {
    const paths: string[] = [];
    behave = (request, response) => {
      paths.push(request.url ?? '');
      response.writeHead(307, { location: `${url}/elsewhere` });
      response.end();
    };
    expect(await ask()).toEqual({ kind: 'none', reason: 'it redirects (HTTP 307), which is not followed' });
    expect(paths).toEqual(['/api/v1/query']);
  });

  test('a provider that is not there, or breaks off, is reported without its address', async () => {
    expect(await ask(5000, 'http://127.0.0.1:1')).toEqual({
      kind: 'none',
      reason: expect.stringMatching(/^it can't be reached( \(\w+\))?$/),
    });
    behave = (_, response) => {
      response.write('{');
      setTimeout(() => response.destroy(), 20);
    };
    expect(await ask()).toEqual({ kind: 'none', reason: expect.stringMatching(/^it can't be reached/) });
  });

  test('credentials are read anew for each question, and a secret signs what a webhook is asked', async () => {
    const seen: { authorization: string | undefined; signature: string | undefined; body: string }[] = [];
    behave = (request, response, body) => {
      const signature = request.headers['x-slipway-signature-256'];
      seen.push({ authorization: request.headers.authorization, signature: signature?.toString(), body });
      response.end(request.url?.startsWith('/api') ? vector(one('1')) : '{"verdict":"pass"}');
    };
    const file = path.join(folder, 'signals.yaml');
    await writeFile(path.join(folder, 'token'), 'first\n');
    await writeFile(path.join(folder, 'password'), 'pass\n');
    await writeFile(path.join(folder, 'secret'), 'shared\n');
    await writeFile(
      file,
      `apiVersion: slipway.dev/v1alpha1
kind: SignalProviders
spec:
  prometheus:
    - { name: token, url: "${url}", bearerTokenFile: token }
    - { name: basic, url: "${url}", basicAuth: { username: me, passwordFile: password } }
    - { name: gone, url: "${url}", bearerTokenFile: nothing }
  webhooks: [{ name: desk, url: "${url}/desk", secretFile: secret, every: 1m, timeout: 2s }]
`,
    );
    const lacking = [{ provider: 'gone', file: path.join(folder, 'nothing') }];
    expect(await lackingSecrets({ file, isOptional: false })).toEqual(lacking);
    const [token, basic, gone, desk] = await readProviders({ file, isOptional: false }, clock);
    if (token?.kind !== 'prometheus' || basic?.kind !== 'prometheus' || gone?.kind !== 'prometheus') throw new Error();
    if (desk?.kind !== 'webhook') throw new Error();
    await token.ask('up', never);
    await writeFile(path.join(folder, 'token'), 'second');
    await token.ask('up', never);
    await basic.ask('up', never);
    expect(seen.map((one) => one.authorization)).toEqual([
      'Bearer first',
      'Bearer second',
      `Basic ${Buffer.from('me:pass').toString('base64')}`,
    ]);
    expect(await gone.ask('up', never)).toEqual({ kind: 'none', reason: "its bearer token can't be read" });
    expect(await desk.ask(QUESTION, never)).toEqual({ kind: 'judged', verdict: 'pass', reason: '' });
    const { signature, body } = seen.at(-1) ?? { signature: '', body: '' };
    expect(signature).toBe(`sha256=${createHmac('sha256', 'shared').update(body).digest('hex')}`);
    const { stageOpenedAtMs: _, ...told } = QUESTION;
    expect(JSON.parse(body)).toEqual({
      version: 1,
      ...told,
      window: { openedAt: '2026-01-01T00:00:00Z', askedAt: expect.stringMatching(/^20.*Z$/) },
    });
    expect(desk).toMatchObject({ everyMs: 60_000, timeoutMs: 2_000 });
    expect(token).toMatchObject({ everyMs: 15_000, timeoutMs: 10_000 });
  });

  test('an answer that quotes the credentials is quoted without them', async () => {
    const file = path.join(folder, 'quoting.yaml');
    await writeFile(path.join(folder, 'long'), 'HEADPART.BODYPART.SIGNPART');
    await writeFile(
      file,
      `apiVersion: slipway.dev/v1alpha1
kind: SignalProviders
spec:
  prometheus:
    - { name: token, url: "${url}", bearerTokenFile: long }
    - { name: basic, url: "${url}", basicAuth: { username: me, passwordFile: long } }
  webhooks: [{ name: desk, url: "${url}/desk", bearerTokenFile: long }]
`,
    );
    const [token, basic, desk] = await readProviders({ file, isOptional: false }, clock);
    if (token?.kind !== 'prometheus' || basic?.kind !== 'prometheus' || desk?.kind !== 'webhook') throw new Error();
    for (const before of ['', 'x'.repeat(175)]) {
      const quote = (request: IncomingMessage) => `${before}denied: ${request.headers.authorization} SIGNPART`;
      const answers = [
        (request: IncomingMessage) => ({ status: 'error', error: quote(request) }),
        (request: IncomingMessage) => ({ ...JSON.parse(vector(one('1'))), warnings: [quote(request)] }),
        (request: IncomingMessage) => ({ verdict: 'fail', reason: quote(request) }),
      ];
      for (const body of answers) {
        behave = (request, response) => void response.end(JSON.stringify(body(request)));
        const told = [await token.ask('up', never), await basic.ask('up', never), await desk.ask(QUESTION, never)];
        expect(JSON.stringify(told)).not.toMatch(/HEADPART|BODYPART|SIGNPART|bWU6SEVB/);
      }
    }
  });

  test('a list of providers that is missing is an error only where it was named, and a broken one always', async () => {
    const file = path.join(folder, 'none.yaml');
    await rm(file, { force: true });
    expect(await readProviders({ file, isOptional: true }, clock)).toEqual([]);
    await expect(readProviders({ file, isOptional: false }, clock)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
    await writeFile(file, 'apiVersion: slipway.dev/v1alpha1\nkind: SignalProviders\nspec: { servers: [] }\n');
    await expect(readProviders({ file, isOptional: true }, clock)).rejects.toMatchObject({
      code: 'DOCUMENT_UNKNOWN_FIELD',
      at: { line: 3 },
    });
  });
});

const QUESTION: SignalQuestion = {
  signal: 'fraud_desk',
  rollout: 'doors',
  model: 'door',
  stage: 'canary',
  revision: 7,
  candidate: { version: '2.0.0', digest: `sha256:${'0'.repeat(64)}`, attempt: 1 },
  stable: null,
  stageOpenedAtMs: Date.parse('2026-01-01T00:00:00Z'),
};
