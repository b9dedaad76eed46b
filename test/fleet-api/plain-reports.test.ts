// What the service promises to devices without an agent, over HTTP: the scope of the token, each report answered, all of it bounded.
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { enrolled } from '../store/reports.ts';
import { page } from '../support/pages.ts';
import { post, startService } from './service.ts';

const REPORT = {
  device_id: 'cam-1',
  model: 'invoice-ocr',
  version: '1.0.0',
  inference_latency_ms: 42,
  confidence: 0.9,
};

async function start() {
  const service = await startService({ perDevice: { perSecond: 1, burst: 5 } });
  const { token } = await service.store.createApiToken({
    ...{ name: 'cameras', scopes: ['report'], createdBy: 'test', expiresAtMs: null, nowMs: Date.now() },
  });
  const send = async (body: unknown, bearer = token): Promise<{ status: number; value: unknown }> => {
    const answer = await post(`${service.url}/v1/reports/plain`, body, { authorization: `Bearer ${bearer}` });
    return { status: answer.status, value: await answer.json() };
  };
  return { service, send, token };
}

it('a token of the scope report sends one report or many, and each is answered in its place', async () => {
  const { service, send } = await start();
  await using _service = service;
  await enrolled(service.store, 'signs');
  service.denied.add('out');
  expect(await send(REPORT)).toEqual({ status: 200, value: [{ kind: 'accepted' }] });
  const keyed = { ...REPORT, idempotency_key: 'k' };
  const bodies = [
    keyed,
    keyed,
    { ...REPORT, cpu: 7 },
    { ...REPORT, device_id: 'signs' },
    { ...REPORT, device_id: 'out' },
    null,
  ];
  const { value } = await send(bodies);
  expect(value).toMatchObject([
    { kind: 'accepted' },
    { kind: 'duplicate' },
    { kind: 'rejected', code: 'PLAIN_REPORT', message: expect.stringContaining('cpu') },
    { kind: 'rejected', code: 'PLAIN_ENROLLED' },
    { kind: 'rejected', code: 'PLAIN_DENIED' },
    { kind: 'rejected', code: 'REPORT_SHAPE' },
  ]);
  expect((await service.store.readFleet()).devices.size).toBe(1);
});

it('another token, too many reports and too many of one device are refused', async () => {
  const { service, send } = await start();
  await using _service = service;
  expect((await send(REPORT, 'viewer-token')).status).toBe(403);
  expect((await send(REPORT, 'slipwayapi_guess')).status).toBe(401);
  expect((await send(Array.from({ length: 501 }, () => REPORT))).status).toBe(400);
  const many = await send(Array.from({ length: 8 }, () => REPORT));
  const kinds = (many.value as { kind: string; code?: string }[]).map(({ kind, code }) => code ?? kind);
  expect(kinds.filter((one) => one === 'accepted')).toHaveLength(5);
  expect(kinds.slice(5)).toEqual(Array(3).fill('PLAIN_TOO_OFTEN'));
});

/** The command, where the machine has it; CI has to. */
function hasCurl(): boolean {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    if (process.env.REQUIRE_SERVICES === '1') throw new Error('curl is missing');
    console.warn('skipped: there is no curl');
    return false;
  }
}

it.skipIf(!hasCurl())('the commands of the page for devices without the agent work as they stand', async () => {
  const blocks = page('docs/how-to/report-without-the-agent.md', ['test/fleet-api/plain-reports.test.ts']);
  const commands = blocks.flatMap((block) => block.commands.map(({ command }) => command)).join('\n');
  const { service, token } = await start();
  await using _service = service;
  const env = { PATH: process.env.PATH, SLIPWAY_SERVER: service.url, SLIPWAY_TOKEN: token };
  const { stdout } = await promisify(execFile)('sh', ['-ec', commands], { env });
  expect(stdout).toBe('[{"kind":"accepted"}][{"kind":"accepted"}]');
  const recent = await service.store.readRecent('cam-7');
  expect(recent.reduce((sum, { inferences }) => sum + inferences, 0)).toBe(241);
});
