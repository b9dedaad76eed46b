// Laws of requests on the wire: strict, bounded, with a reason, and none that only a push may make.
import { expect, test } from 'vitest';
import { parseSteer } from '../../src/dashboard/parse-steer.ts';

const HEAD = 'a'.repeat(40);

function codeOf(body: unknown, key: string | null = null): string {
  try {
    parseSteer('ocr', body, key);
    return 'fine';
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
}

test('a request says what, why and on what it was seen', () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const body = { act: 'abort', group: 'hw:rev1', reason: ' it\nerrs ', digest, stage: 'canary', expectedHead: HEAD };
  expect(parseSteer('ocr', body, 'k2345678')).toEqual({
    ...{ rollout: 'ocr', key: 'k2345678', isDryRun: false, seen: { head: HEAD, digest, stage: 'canary' } },
    request: { verb: 'abort', reason: 'it errs', by: undefined, version: undefined, group: 'hw:rev1' },
  });
  const set = parseSteer('ocr', { act: 'set', version: '2', parameters: { t: 0.5, old: null }, dryRun: true }, null);
  expect(set.request.change).toEqual({ version: '2', parameters: { t: 0.5, old: null }, target: undefined });
});

test('anything else is refused by name', () => {
  expect(codeOf({ act: 'pause', reason: 'x' })).toBe('fine');
  const bad: unknown[] = [
    ...[null, [], 'x', {}, { act: 'pause' }, { act: 'pause', reason: '\u202e\n ' }, { act: 'erase', reason: 'x' }],
    ...[
      { act: 'pause', reason: 'x', by: 'bob' },
      { act: 'pause', reason: 'x'.repeat(1001) },
      { act: 'pause', reason: 7 },
    ],
    ...[
      { act: 'pause', reason: 'x', dryRun: 'no' },
      { act: 'pause', reason: 'x', expectedHead: 'main' },
    ],
    ...[
      { act: 'set', reason: 'x', parameters: { a: {} } },
      { act: 'set', reason: 'x', parameters: [] },
      { act: 'set', reason: 'x', parameters: JSON.parse('{"a":1e999}') },
    ],
    { act: 'pause', reason: 'x', constructor: 'x' },
  ];
  for (const body of bad) expect(codeOf(body), JSON.stringify(body)).toBe('REQUEST_FORM');
  expect(codeOf({ act: 'pause', reason: 'x' }, 'short')).toBe('REQUEST_FORM');
});

test('an approval is no button: whoever pushes says who approved', () => {
  for (const act of ['approve', 'adopt']) expect(codeOf({ act, reason: 'x' })).toBe('REQUEST_BY_COMMAND');
});
