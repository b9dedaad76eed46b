// Laws of the routes of the past: what is not there is 404 with names that are, what can't be asked is 400, and answers are in the form of their schema.
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, expect, test, vi } from 'vitest';
import type { HistoryPage, RolloutView } from '../../src/dashboard/read-model/types.generated.ts';
import { PastSource, type PastSourceParts, pastRoutes } from '../../src/dashboard/routes-past.ts';
import type { Answer, Asked, Route } from '../../src/fleet-api/http/route.ts';
import { VirtualClock } from '../../src/simulation/virtual-service.ts';
import { ROLLOUT } from '../simulation/faulty-world.ts';
import { type StormyPast, stormyPast } from './stormy-past.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const CLOCK = new VirtualClock(Date.parse('2026-11-21T00:00:00Z'));
const schema = JSON.parse(readFileSync(new URL('../../schemas/read-model.schema.json', import.meta.url), 'utf8'));
const ajv = new Ajv2020({ allowUnionTypes: true });
ajv.addSchema(schema, 'read-model');

const unread: string[] = [];
const onUnread = ({ code }: { readonly code: string }): number => unread.push(code);

let stormy: StormyPast;
let routes: Route[];
beforeAll(async () => {
  stormy = await stormyPast(14);
  routes = pastRoutes(new PastSource({ past: stormy.read(), head: () => stormy.head, clock: CLOCK, onUnread }));
});

async function ask(
  name: string,
  query = '',
  headers: Record<string, string> = {},
  rollout = ROLLOUT,
  commit = stormy.head,
): Promise<Answer> {
  const route = routes.find((one) => one.name === name);
  const asked = { params: { name: rollout, commit }, query: new URLSearchParams(query), headers } as unknown as Asked;
  return (await route?.handle(asked)) as Answer;
}

test('each answer is in the form of its schema', async () => {
  for (const { name, response } of routes) {
    const answer = await ask(name);
    expect(answer).toMatchObject({ kind: 'json' });
    const validate = ajv.getSchema(`read-model#/$defs/${response}`);
    const isValid = validate?.(JSON.parse(JSON.stringify((answer as { value: unknown }).value)));
    expect([name, isValid, validate?.errors]).toEqual([name, true, null]);
  }
});

test('each step is shown as it was decided, with no act, whole and in numbers', async () => {
  const { rows } = ((await ask('rollout-history', 'limit=200')) as { value: HistoryPage }).value;
  const steps = rows.filter(({ kind, commit }) => kind !== 'person' && commit !== null);
  const validate = ajv.getSchema('read-model#/$defs/RolloutView');
  const states = new Set<string>();
  for (const { commit, revision, what } of steps) {
    const answer = await ask('rollout-at', '', {}, ROLLOUT, commit?.slice(0, 12));
    const { value } = answer as { value: RolloutView };
    expect([validate?.(JSON.parse(JSON.stringify(value))), validate?.errors]).toEqual([true, null]);
    expect(value).toMatchObject({ revision, acts: [], asOf: { commit } });
    expect(value.sentence.toLowerCase()).toContain(`step ${revision}: ${what}`.toLowerCase());
    expect([revision, what, value.stages.length > 0]).toEqual([revision, what, true]);
    expect(JSON.stringify(value)).not.toMatch(/NaN|Infinity/);
    states.add(value.state);
  }
  expect([...states]).toEqual(expect.arrayContaining(['reverted', 'complete', 'rolling']));
});

test('a post-mortem is Markdown for whoever asks for it', async () => {
  const answer = await ask('rollout-postmortem', '', { accept: 'text/markdown' });
  expect(answer).toMatchObject({ kind: 'text', headers: { 'Content-Type': 'text/markdown; charset=utf-8' } });
  expect((answer as { text: string }).text).toMatch(/^# model \S+: /);
});

test('an unknown rollout, revision or cursor, and a question that is none, have their code and status', async () => {
  const error = async (...asked: Parameters<typeof ask>) => {
    const answer = await ask(...asked);
    return answer.kind === 'error' ? [answer.status, answer.error.code] : [200];
  };
  for (const name of ['rollout-history', 'rollout-postmortem'])
    for (const rollout of ['stormi', '../x', '__proto__'])
      expect(await error(name, '', {}, rollout)).toEqual([404, 'ROLLOUT_UNKNOWN']);
  expect(await error('rollout-postmortem', 'revision=4000')).toEqual([404, 'POSTMORTEM_NONE']);
  expect(await error('rollout-history', `cursor=${'a'.repeat(40)}`)).toEqual([400, 'HISTORY_CURSOR']);
  for (const query of ['limit=0', 'limit=201', 'limit=x'])
    expect(await error('rollout-history', query)).toEqual([400, 'HTTP_QUERY']);
  for (const query of ['since=0s', 'since=99999w', 'since=<x>'])
    expect(await error('figures', query)).toEqual([400, 'HTTP_QUERY']);
  for (const commit of ['ffffffffff', 'abc', '../../x', ''])
    expect(await error('rollout-at', '', {}, ROLLOUT, commit)).toEqual([404, 'COMMIT_UNKNOWN']);
  const first = (await stormy.repository.log(stormy.head, 10_000)).at(-1)?.oid;
  expect(await error('rollout-at', '', {}, ROLLOUT, first)).toEqual([404, 'STEP_UNKNOWN']);
  const empty = pastRoutes(new PastSource({ past: stormy.read(), head: () => null, clock: CLOCK, onUnread }));
  const asked = { params: {}, query: new URLSearchParams(), headers: {} } as unknown as Asked;
  for (const { handle } of empty) expect(await handle(asked)).toMatchObject({ kind: 'error', status: 503 });
});

test('a page goes without its history where that can not be read, and says so, but not of what is only not there yet', async () => {
  const broken = { at: async () => Promise.reject(new TypeError('a bug')) } as unknown as PastSourceParts['past'];
  const parts = { head: () => stormy.head, clock: CLOCK, onUnread };
  expect(await new PastSource({ ...parts, past: broken }).newest(ROLLOUT)).toEqual([]);
  expect(await new PastSource({ ...parts, past: broken }).newestSteps()).toEqual([]);
  expect(unread.splice(0)).toEqual(['INTERNAL_ERROR', 'INTERNAL_ERROR']);
  const whole = { ...parts, past: stormy.read() };
  expect(await new PastSource({ ...whole, head: () => null }).newest(ROLLOUT)).toEqual([]);
  expect(await new PastSource(whole).newest('nobody')).toEqual([]);
  expect((await new PastSource(whole).newest(ROLLOUT)).length).toBeGreaterThan(0);
  expect(unread).toEqual([]);
});
