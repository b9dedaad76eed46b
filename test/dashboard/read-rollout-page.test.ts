// Laws of what the page of a rollout shows for what its address asks.
import { expect, test } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { type RolloutPageSource, readRolloutPage } from '../../src/dashboard/read-rollout-page.ts';
import { DOCUMENT_READER } from './fixtures/document-reader.ts';
import { PRODUCE_SCAN } from './fixtures/produce-scan.ts';

function sourceOf(asked: string[] = []): RolloutPageSource {
  return {
    rollout: async (name) => (name === 'produce-scan' ? PRODUCE_SCAN : undefined),
    rolloutAt: async (_, commit) => {
      asked.push(commit);
      return commit === 'abcdef0'
        ? undefined
        : { ...PRODUCE_SCAN, asOf: { ...PRODUCE_SCAN.asOf, commit, atMs: 1 }, history: [] };
    },
    commitMessage: async (commit) => `message of ${commit}`,
    postmortem: async () => DOCUMENT_READER,
  };
}

const read = (query: string, source = sourceOf()) =>
  readRolloutPage(source, 'produce-scan', new URLSearchParams(query));

test('a rollout that nobody knows has no page', async () => {
  expect(await readRolloutPage(sourceOf(), 'other', new URLSearchParams())).toBeUndefined();
});

test('at a past commit it shows that, with the history of now, and as of now', async () => {
  const value = await read('at=91c4e6b0');
  expect(value).toMatchObject({
    at: '91c4e6b0',
    asOf: PRODUCE_SCAN.asOf,
    view: { asOf: { atMs: 1 }, history: PRODUCE_SCAN.history },
  });
  expect(await read('at=abcdef0')).toMatchObject({ at: null, view: { asOf: PRODUCE_SCAN.asOf } });
});

test('a version stands for its newest step with evidence; what is neither version nor commit is not asked for', async () => {
  const asked: string[] = [];
  expect((await read('compare=3.1.4', sourceOf(asked)))?.other).not.toBeNull();
  expect((await read('compare=..%2Fetc', sourceOf(asked)))?.other).toBeNull();
  expect(asked).toEqual(['c03b77e1']);
});

test('the message is of commits that the history has alone', async () => {
  expect((await read('commit=91c4e6b0'))?.message).toBe('message of 91c4e6b0');
  expect((await read('commit=0123456789'))?.message).toBeNull();
});

test('of a thousand rules it hands on as many as are drawn, those that need a look first', async () => {
  const rules = Array.from({ length: 1_000 }, (_, i) => ({
    ...PRODUCE_SCAN.rules[0]!,
    rule: `r${i}`,
    state: i === 999 ? ('fail' as const) : ('pass' as const),
  }));
  const source = { ...sourceOf(), rollout: async () => ({ ...PRODUCE_SCAN, rules }) };
  const value = await read('', source);
  expect([value?.view.rules.length, value?.view.rules[0]?.rule, value?.moreRules]).toEqual([100, 'r999', 900]);
});

test('a commit without evidence is told by the page, other errors are not swallowed', async () => {
  const failing = (code: string) => ({
    ...sourceOf(),
    rolloutAt: async () => {
      throw new CodedError({ code, message: 'no' });
    },
  });
  expect(await read('at=91c4e6b0', failing('EVIDENCE_MISSING'))).toMatchObject({
    at: null,
    view: { asOf: PRODUCE_SCAN.asOf },
  });
  await expect(read('at=91c4e6b0', failing('GIT_FETCH'))).rejects.toThrow('no');
});
