// Laws of the addresses of devices and exposure: what they take, what they refuse, and what they answer.
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { fleetRoutes } from '../../src/dashboard/routes-fleet.ts';
import type { Asked } from '../../src/fleet-api/http/route.ts';
import { Fleet, NEW, NOW, OLD } from './fleet.ts';

const ajv = new Ajv2020({ strict: false });
ajv.addSchema(JSON.parse(readFileSync('schemas/read-model.schema.json', 'utf8')) as object, 'model');

interface Answered {
  readonly next?: string | null;
  readonly rows?: readonly { readonly device: string }[];
}

/** The answer of the route that the address is of; it has the shape that the table names. */
async function ask(fleet: Fleet, address: string): Promise<Answered> {
  const url = new URL(address, 'http://slipway');
  const routes = fleetRoutes({ reader: fleet.reader, exposure: fleet.store, now: () => NOW + fleet.ms });
  const id = /^\/v1\/devices\/(.+)$/.exec(url.pathname)?.[1];
  const route = routes.find(({ path }) => path === (id === undefined ? url.pathname : '/v1/devices/{id}'))!;
  const params = id === undefined ? {} : { id: decodeURIComponent(id) };
  const answer = await route.handle({ query: url.searchParams, params } as unknown as Asked);
  if (answer.kind !== 'json') return answer as Answered;
  const check = ajv.compile({ $ref: `model#/$defs/${route.response}` });
  check(JSON.parse(JSON.stringify(answer.value)));
  expect(check.errors).toBeNull();
  return answer.value as Answered;
}

async function fleetOfThree(): Promise<Fleet> {
  const fleet = new Fleet();
  for (const id of ['a', 'b', 'c']) {
    await fleet.enrol(id, { shop: id });
    await fleet.report(id, NEW);
  }
  fleet.pass(60 * 60_000);
  await fleet.report('a', OLD);
  fleet.pass(60 * 60_000);
  return fleet;
}

it('answers which devices run what, by filters of the address', async () => {
  await using fleet = await fleetOfThree();
  const all = await ask(fleet, '/v1/devices?model=invoice-ocr&version=2.0.0&limit=1');
  expect(all).toMatchObject({ total: 2, devices: [{ device: 'b' }] });
  const more = await ask(fleet, `/v1/devices?model=invoice-ocr&version=2.0.0&limit=1&cursor=${all.next}`);
  expect(more).toMatchObject({ next: null, devices: [{ device: 'c' }] });
  expect(await ask(fleet, '/v1/devices?selector=shop%3Aa')).toMatchObject({ total: 1 });
  expect(await ask(fleet, '/v1/devices/a')).toMatchObject({ device: 'a' });
  expect(await ask(fleet, '/v1/devices/nobody')).toMatchObject({ kind: 'error', status: 404 });
  for (const query of ['state=fine', 'limit=0', 'limit=x', 'arm=left'])
    await expect(ask(fleet, `/v1/devices?${query}`)).rejects.toMatchObject({ code: 'QUERY_VALUE' });
});

it('answers who had a version when, and how they left it', async () => {
  await using fleet = await fleetOfThree();
  const rows = async (query: string): Promise<string[]> =>
    ((await ask(fleet, `/v1/exposure?${query}`)).rows ?? []).map(({ device }) => device);
  expect(await rows(`digest=${NEW.digest}`)).toEqual(['a', 'b', 'c']);
  expect(await rows('model=invoice-ocr&version=2.0.0&from=30m')).toEqual(['b', 'c']);
  expect(await rows('model=invoice-ocr&version=2.0.0&from=2026-11-20&to=2026-11-20T10:30:00Z')).toEqual([
    'a',
    'b',
    'c',
  ]);
  expect(await rows('model=invoice-ocr&version=2.0.0&to=2026-11-19')).toEqual([]);
  const curve = await ask(fleet, `/v1/exposure/patching?digest=${NEW.digest}`);
  expect(curve).toMatchObject({ exposed: 3, left: 1, share: 1 / 3, halfMs: null });
  expect(await ask(fleet, '/v1/exposure/patching?model=nothing')).toMatchObject({ exposed: 0, share: null });
  await expect(ask(fleet, '/v1/exposure?version=1')).rejects.toMatchObject({ code: 'EXPOSURE_QUESTION' });
  for (const query of ['from=whenever', 'from=1h&to=2h', 'cursor=x', 'limit=-1'])
    await expect(ask(fleet, `/v1/exposure?model=m&${query}`)).rejects.toMatchObject({ code: 'QUERY_VALUE' });
});
