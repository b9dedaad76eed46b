// Laws of the link to the service: the agent needs nothing else to be enrolled, heard and woken, and over HTTP every failure is an answer.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { ChangeResult, SendResult, ServiceLink } from '../../../fleet-agent/src/link/service-link.ts';
import { CodedError } from '../../../src/base/errors.ts';
import type { DeviceReport } from '../../../src/contract/report.ts';
import type { DsseEnvelope } from '../../../src/contract/trust/dsse.ts';
import { constantClassifier } from '../../support/onnx-fixture.ts';
import { DeviceWorld, linkTo, openHost, until, untilRuns } from '../device-world.ts';

const host = openHost();
afterAll(() => host.close());

/** A service in memory: it takes every report, and wakes whoever waits on request. */
class MemoryLink implements ServiceLink {
  readonly reports: DeviceReport[] = [];
  #publication = 1;
  #waiting: (() => void)[] = [];

  async enrol({ device }: Parameters<ServiceLink['enrol']>[0]) {
    return { kind: 'enrolled', enrolment: { device, epoch: 7, labels: { site: 'lab' } } } as const;
  }

  async send(envelopes: readonly DsseEnvelope[]): Promise<SendResult> {
    const reports: DeviceReport[] = envelopes.map(({ payload }) =>
      JSON.parse(Buffer.from(payload, 'base64').toString()),
    );
    this.reports.push(...reports);
    return { kind: 'answered', answers: reports.map(({ sequence }) => ({ kind: 'accepted', sequence })) };
  }

  async locate() {
    return { kind: 'failed', error: new CodedError({ code: 'NONE', message: 'None.' }), retryAfterMs: null } as const;
  }

  async waitForChange({ known, signal }: Parameters<ServiceLink['waitForChange']>[0]): Promise<ChangeResult> {
    if (known === String(this.#publication) && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    if (signal.aborted) return { kind: 'unchanged' };
    return { kind: 'changed', publication: String(this.#publication) };
  }

  publish(): void {
    this.#publication += 1;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

test('an agent enrols, reports and is woken by its link alone, whatever carries it', async () => {
  await using world = await DeviceWorld.open();
  const link = new MemoryLink();
  const one = await world.publishModel({ version: '1.0.0' });
  const two = await world.publishModel({ version: '2.0.0', onnx: constantClassifier(1), expects: 'receipt' });
  await world.direct(world.entry({ stable: one }));
  const intervals = { pollMs: 3_600_000, reportMs: 100, wakeSpreadMs: 0 };
  const { agent } = await world.startAgent(host, { link, intervals });
  await untilRuns(agent, '1.0.0');
  await world.direct(world.entry({ stable: two }));
  link.publish();
  await untilRuns(agent, '2.0.0');
  const committed = (digest: string) => () =>
    link.reports.some((report) => report.outcomes.some((one) => one.kind === 'committed' && one.digest === digest));
  await until(committed(two.digest), 'the report of the install');
  expect(link.reports.at(-1)).toMatchObject({ device: 'device-1', epoch: 7, labels: { site: 'lab' } });
  expect((await world.store.findDevice('device-1')) ?? null).toBeNull();
});

describe('over HTTP', () => {
  let answer: (response: ServerResponse) => void = (response) => void response.end();
  const server = createServer((request, response) => {
    request.resume();
    answer(response);
  });
  const ready = new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterEach(() => server.closeAllConnections());
  afterAll(() => void server.close());
  const signal = new AbortController().signal;
  const order = { token: 't', device: 'd', publicKey: 'k', labels: {} };
  const link = async (): Promise<ServiceLink> => {
    await ready;
    return linkTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  };

  test('a refused enrolment says what the service said, and can be mended', async () => {
    const body = JSON.stringify({ error: { code: 'ENROLMENT_USED_TOKEN', message: 'The token was used.' } });
    answer = (response) => void response.writeHead(403).end(body);
    expect(await (await link()).enrol(order, signal)).toMatchObject({
      kind: 'failed',
      error: { code: 'AGENT_ENROLMENT', kind: 'fix-input', message: expect.stringContaining('The token was used.') },
    });
  });

  test('a refusal that quotes the enrolment token is not quoted with it', async () => {
    const token = 'once-only.TOKEN-OF-THE-DEVICE';
    const message = `${'x'.repeat(160)} no such token: ${token}`;
    answer = (response) => void response.writeHead(403).end(JSON.stringify({ error: { code: token, message } }));
    const refused = await (await link()).enrol({ ...order, token }, signal);
    expect(refused).toMatchObject({ error: { message: expect.stringContaining('no such token: [secret removed]') } });
    expect(JSON.stringify(refused)).not.toMatch(/once-only|TOKEN-OF/);
  });

  test('a busy service is left alone for as long as it asks, ten minutes at most', async () => {
    answer = (response) => void response.writeHead(503, { 'retry-after': '7' }).end();
    const busy = { kind: 'failed', error: { kind: 'retry-later' }, retryAfterMs: 7000 };
    expect(await (await link()).send([], signal)).toMatchObject(busy);
    expect(await (await link()).enrol(order, signal)).toMatchObject(busy);
    expect(await (await link()).waitForChange({ known: '', waitMs: 0, signal })).toMatchObject(busy);
    answer = (response) => void response.writeHead(429, { 'retry-after': '86400' }).end();
    expect(await (await link()).send([], signal)).toMatchObject({ kind: 'failed', retryAfterMs: 600_000 });
  });

  test('something else than the service answers: nothing of it is believed', async () => {
    answer = (response) => void response.end('<html>Log in to the network</html>');
    expect(await (await link()).enrol(order, signal)).toMatchObject({ kind: 'failed' });
    expect(await (await link()).send([{} as DsseEnvelope], signal)).toMatchObject({ kind: 'failed' });
    expect(await (await link()).waitForChange({ known: '1', waitMs: 0, signal })).toEqual({ kind: 'unchanged' });
  });

  test('a publication whose name no address can hold is none, and ends no wait by an exception', async () => {
    answer = (response) => void response.end('{"etag":"\\ud800"}');
    const wait = { waitMs: 0, signal };
    expect(await (await link()).waitForChange({ known: '1', ...wait })).toEqual({ kind: 'unchanged' });
    expect(await (await link()).waitForChange({ known: '\ud800', ...wait })).toMatchObject({ kind: 'failed' });
  });

  test('a service that is away is a failure without a time to wait', async () => {
    const away = linkTo('http://127.0.0.1:9');
    const failed = { kind: 'failed', error: { code: 'AGENT_HTTP', kind: 'retry-later' }, retryAfterMs: null };
    expect(await away.enrol(order, signal)).toMatchObject(failed);
    expect(await away.send([], signal)).toMatchObject(failed);
    expect(await away.waitForChange({ known: '', waitMs: 0, signal })).toMatchObject(failed);
  });
});
