// Laws of the read model over HTTP, with a real service, a real repository and an agent: answers fit their schemas, the stream tells, curves outlive a restart.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, expect, test } from 'vitest';
import type { Overview, RolloutView, Versions } from '../../src/dashboard/read-model/types.generated.ts';
import { problemsOf } from '../dashboard/read-model/schema-of-answers.ts';
import { rolloutText } from '../support/document-texts.ts';
import { answering, Installation, openHost } from '../support/installation.ts';
import { until } from '../support/until.ts';

const POLICY = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: watched }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - name: full
      size: 100%
      soak: 10m
      minimum: { devices: 1 }
      rules: [error_rate < 20%, "latency_p95 < 10s"]
`;

const host = openHost();
afterAll(() => host.close());

async function get<T>(world: Installation, path: string, more: Record<string, string> = {}) {
  const headers = { authorization: `Bearer ${world.set.viewerToken}`, ...more };
  const answer = await fetch(world.service.url + path, { headers });
  return {
    status: answer.status,
    etag: answer.headers.get('etag') ?? '',
    value: (answer.status === 200 ? await answer.json() : null) as T,
  };
}

interface Operation {
  readonly responses: {
    readonly 200: { readonly content?: Readonly<Record<string, { readonly schema: { readonly $ref?: string } }>> };
  };
}

/** Asks each address that is read with GET, and says whose answer does not fit the schema that the service's own document has for it. */
async function unlikeTheirSchemas(world: Installation): Promise<string[]> {
  const { value: document } = await get<{ paths: Record<string, Record<string, Operation>> }>(
    world,
    '/v1/openapi.json',
  );
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema({ $id: 'api', ...document });
  const names: Readonly<Record<string, string>> = { name: 'doors', id: 'kiosk-1' };
  const problems: string[] = [];
  for (const [path, { get: operation }] of Object.entries(document.paths)) {
    const reference = operation?.responses[200].content?.['application/json']?.schema.$ref;
    const asked = path.replaceAll(/\{(\w+)\}/g, (all, name: string) => names[name] ?? all);
    if (reference === undefined || asked.includes('{') || path.startsWith('/v1/tokens')) continue;
    // Nothing was taken back.
    if (path.endsWith('/postmortem')) continue;
    const query = path.startsWith('/v1/exposure') ? '?model=door&version=1.0.0' : '';
    const { status, value } = await get(world, asked + query);
    const check = ajv.getSchema(`api${reference}`);
    if (status !== 200 || check?.(value) !== true) problems.push(`${asked} ${status} ${ajv.errorsText(check?.errors)}`);
  }
  return problems;
}

test('a rollout is seen over the API while it rolls, and its curves outlive the service', async () => {
  await using world = await Installation.open();
  await world.pushStart(await world.signed('policies/watched.yaml', POLICY));
  await world.startService();
  const { agent } = await world.startAgent(host, { id: 'kiosk-1' });
  const traffic = setInterval(() => void answering(agent, 'door').catch(() => undefined), 20);
  await using _ = { [Symbol.asyncDispose]: async () => clearInterval(traffic) };

  const events: string[] = [];
  const gone = new AbortController();
  const headers = { authorization: `Bearer ${world.set.viewerToken}` };
  const stream = await fetch(`${world.service.url}/v1/events`, { headers, signal: gone.signal });
  const reading = (async () => {
    let rest = '';
    for await (const chunk of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const parts = (rest + chunk).split('\n\n');
      rest = parts.pop() ?? '';
      events.push(...parts);
    }
  })().catch(() => undefined);

  const { files } = await world.release('door', '1.0.0', 0);
  await world.push('roll out', [...files, ['rollouts/doors.yaml', rolloutText('doors', 'door', '1.0.0', 'watched')]]);
  const rolling = await until(
    async () => {
      const { value } = await get<RolloutView>(world, '/v1/rollouts/doors');
      return value !== null && value.devices?.ready === 1 && (value.rules[0]?.estimate ?? null) !== null && value;
    },
    async () => [await get(world, '/v1/rollouts/doors'), world.log.slice(-5)],
  );

  expect(problemsOf('RolloutView', rolling)).toEqual([]);
  expect(rolling).toMatchObject({
    rollout: 'doors',
    model: 'door',
    stage: 'full',
    to: { version: '1.0.0' },
    from: null,
  });
  expect(rolling.sentence).toMatch(/1\.0\.0 runs on 1 of 1 device in full\./);
  expect(rolling.rules.map(({ rule }) => rule)).toEqual(
    expect.arrayContaining(['error_rate < 20%', 'latency_p95 < 10s']),
  );
  expect(rolling.acts.find(({ act }) => act === 'abort')).toMatchObject({
    isAllowed: true,
    command: "slipway abort doors --reason '…'",
  });
  expect(rolling.acts.find(({ act }) => act === 'retry')).toMatchObject({
    isAllowed: false,
    why: 'No version was rejected.',
  });

  const overview = await get<Overview>(world, '/v1/overview');
  expect(problemsOf('Overview', overview.value)).toEqual([]);
  expect(overview.value.rollouts).toMatchObject([{ rollout: 'doors', state: 'rolling' }]);
  expect(overview.value.service.source.kind).toBe('followed');
  const strip = await until(
    async () => {
      const { service } = (await get<Overview>(world, '/v1/overview')).value;
      return service.publication.expiresAtMs !== null && (service.reports.perSecond ?? 0) > 0 && service;
    },
    async () => (await get<Overview>(world, '/v1/overview')).value.service,
  );
  expect(Math.abs(Date.now() - (strip.publication.atMs ?? 0))).toBeLessThan(60_000);
  expect(strip.lease?.holder).not.toBe('');
  expect(strip.lastCycleMs).toBeGreaterThan(0);
  expect((await get(world, '/v1/rollouts/none')).status).toBe(404);
  expect(problemsOf('Rollouts', (await get(world, '/v1/rollouts')).value)).toEqual([]);
  const versions = await until(async () => {
    const { value } = await get<Versions>(world, '/v1/versions?model=door');
    return value.models[0]?.versions[0]?.devices === 1 && value;
  }, 'the fleet is counted');
  expect(problemsOf('Versions', versions)).toEqual([]);
  expect(versions.models[0]?.versions[0]).toMatchObject({
    role: 'candidate',
    version: { version: '1.0.0' },
    devices: 1,
  });

  const marked = await until(async () => {
    const [model] = (await get<Overview>(world, '/v1/overview')).value.models;
    return model !== undefined && model.marks.length > 0 && model;
  }, 'the curve of versions has its letters');
  expect(marked.marks[0]).toMatchObject({
    letter: 'A',
    kind: 'start',
    commit: expect.stringMatching(/^[0-9a-f]{40}$/),
  });

  expect(await unlikeTheirSchemas(world)).toEqual([]);

  // Nothing new is not sent again.
  await until(async () => {
    const first = await get(world, '/v1/versions');
    return (await get(world, '/v1/versions', { 'if-none-match': first.etag })).status === 304;
  }, 'a view that did not change');

  await until(
    () => events.some((one) => one.includes('"rollout:doors"')),
    () => events,
  );
  expect(events.some((one) => /event: step\n/.test(one) && one.includes('"kind":"start"'))).toBe(true);
  const ids = events.flatMap((one) => /^id: (\d+)$/m.exec(one)?.[1] ?? []).map(Number);
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  const before = await until(async () => {
    const { value } = await get<RolloutView>(world, '/v1/rollouts/doors');
    return (value.rules[0]?.series.length ?? 0) > 0 && value;
  }, 'the rules have curves');
  const [point] = before.rules[0]?.series ?? [];

  await world.stopService();
  await reading;
  await world.startService();
  const after = await until(async () => {
    const { value } = await get<RolloutView>(world, '/v1/rollouts/doors');
    return (value?.rules[0]?.series.length ?? 0) > 0 && value;
  }, 'the curves are there again');
  expect(after.rules.find(({ rule }) => rule === before.rules[0]?.rule)?.series).toContainEqual(point);
  expect(problemsOf('RolloutView', after)).toEqual([]);

  // A number of the service before is none of this one.
  const again = await fetch(`${world.service.url}/v1/events`, {
    headers: { ...headers, 'last-event-id': String(ids.at(-1)) },
  });
  const reader = again.body?.pipeThrough(new TextDecoderStream()).getReader();
  let heard = '';
  while (!heard.includes('event: ')) heard += (await reader?.read())?.value ?? '';
  expect(heard).toContain('event: reset');
  await reader?.cancel();
}, 120_000);
