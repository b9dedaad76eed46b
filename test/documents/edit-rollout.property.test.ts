// Laws of the reconciler's edits: the new value is there, and everything else is byte for byte as people wrote it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { spliceSpec, spliceStatus } from '../../src/documents/edit-rollout.ts';
import { parseDocument } from '../../src/documents/parse-document.ts';
import type { Rollout, RolloutStatus } from '../../src/documents/types.generated.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}` as const;

const STATUS: RolloutStatus = {
  revision: 7,
  opened: 7,
  state: 'rolling',
  stage: 'canary',
  since: '2026-11-20T10:00:00Z',
  candidate: {
    version: '2026.01.10-rc1',
    digest: DIGEST,
    attempt: 1,
    parameters: { threshold: 0.6, mode: 'no', '1.5': true },
  },
  stable: null,
  target: 'region:eu-west AND hw:(rev2 OR rev3)',
  policy: DIGEST,
  salt: `a\n${DIGEST}\n1`,
  cohort: { cut: 3458764513, select: null, devices: [] },
  limits: [{ rule: 'latency_p95 < 2x baseline', limit: 131.5, edge: 244 }],
  rejected: [],
  paused: null,
  evidence: 'evidence/a/7-start-canary.json',
};

function parse(text: string, file = 'rollouts/a.yaml'): Rollout {
  const parsed = parseDocument(file, Buffer.from(text));
  if (parsed.kind === 'broken')
    throw new Error(parsed.errors.map((error) => `${error.code} ${error.message}`).join('\n'));
  if (parsed.document.kind !== 'Rollout') throw new Error('no rollout');
  return parsed.document;
}

/** The one stretch of `text` that an edit replaced. */
function replaced(text: string, edited: string): string {
  let start = 0;
  while (start < text.length && text[start] === edited[start]) start++;
  let end = text.length;
  const shift = edited.length - text.length;
  while (end > start && end + shift > start && text[end - 1] === edited[end + shift - 1]) end--;
  return text.slice(start, end);
}

const BLOCK = `# our rollout
apiVersion: slipway.dev/v1alpha1
kind: Rollout # of the documents
metadata: { name: a }

spec:
  model: 'invoice-ocr'   # the model
  version: "2.0.0"  # pinned by alice
  # who
  target: region:eu-west
  requests: # please
    # first
    - act: approve
      digest: ${DIGEST}
      reason: |
        looks good

    # second
    - { act: retry, digest: ${DIGEST} } # again
    -
      act: abort
      digest: ${DIGEST}
  # the end of spec
# the end
`;

const FLOW = `{apiVersion: slipway.dev/v1alpha1, kind: Rollout, # c
  metadata: {name: a}, spec: {model: m, version: '2.0.0', target: "*", requests: [{act: approve, digest: "${DIGEST}"}, # x
   {act: abort, digest: "${DIGEST}"}]},
}
`;

const JSON_TEXT = JSON.stringify(parse(BLOCK), null, 2);
const STARTS: Readonly<Record<string, string>> = {
  block: BLOCK,
  'block without a last line break': BLOCK.trimEnd(),
  'block with CRLF': BLOCK.replaceAll('\n', '\r\n'),
  'block that is ended': `---\n${BLOCK}...\n# after\n`,
  'block, indented': BLOCK.replaceAll(/^(?=.)/gm, '  '),
  flow: FLOW,
  JSON: JSON_TEXT,
  'JSON on one line': JSON.stringify(parse(BLOCK)),
  'JSON with CRLF and tabs': JSON.stringify(parse(BLOCK), null, '\t').replaceAll('\n', '\r\n'),
  'spec in flow style': `apiVersion: slipway.dev/v1alpha1\nkind: Rollout\nmetadata:\n  name: a\nspec: { model: m, version: 2.x.y, target: "*", requests: [ { act: abort, digest: "${DIGEST}" } ] } # c\n`,
};

describe.each(Object.entries(STARTS))('%s', (name, text) => {
  test('gets a status where there is none, and loses nothing', () => {
    const edited = spliceStatus(text, STATUS);
    expect(parse(edited)).toEqual({ ...parse(text), status: STATUS });
    expect(replaced(text, edited)).toBe('');
    if (name.startsWith('JSON')) expect(JSON.parse(edited)).toEqual({ ...JSON.parse(text), status: STATUS });
    if (text.includes('\r\n')) expect(edited.replaceAll('\r\n', '')).not.toContain('\n');
  });

  test('gets another status in place of its first, and only there', () => {
    const first = spliceStatus(text, STATUS);
    const second = spliceStatus(first, { ...STATUS, revision: 8, state: 'idle', stage: null, candidate: null });
    expect(parse(second).status?.revision).toBe(8);
    expect(parse(second).spec).toEqual(parse(text).spec);
    expect(spliceStatus(second, STATUS)).toBe(first);
  });

  test('gets another version, is suspended and resumed', () => {
    const spec = parse(text).spec;
    const edited = spliceSpec(text, { version: '1.10', suspend: true });
    expect(parse(edited)).toEqual({ ...parse(text), spec: { ...spec, version: '1.10', suspend: true } });
    const back = spliceSpec(edited, { version: spec.version, suspend: false });
    expect(parse(back).spec).toEqual({ ...spec, suspend: false });
    if (name.startsWith('JSON')) expect(JSON.parse(edited).spec.version).toBe('1.10');
  });

  test('loses the requests that are answered, whichever they are', () => {
    const { requests = [] } = parse(text).spec;
    for (let mask = 1; mask < 2 ** requests.length; mask++) {
      const answered = requests.map((_, index) => index).filter((index) => mask & (1 << index));
      const edited = spliceSpec(text, { answered });
      const left = requests.filter((_, index) => !answered.includes(index));
      expect(parse(edited).spec.requests).toEqual(left.length === 0 ? undefined : left);
      if (name.startsWith('JSON')) JSON.parse(edited);
    }
  });

  test('gets a request behind the others, or as the first', () => {
    const { requests = [] } = parse(text).spec;
    const request = { act: 'promote', digest: DIGEST, stage: 'canary', reason: 'a: "b" # c', by: 'ann' } as const;
    const edited = spliceSpec(text, { request });
    expect(parse(edited)).toEqual({ ...parse(text), spec: { ...parse(text).spec, requests: [...requests, request] } });
    expect(replaced(text, edited)).toBe('');
    const alone = spliceSpec(text, { answered: requests.map((_, index) => index) });
    expect(parse(spliceSpec(alone, { request })).spec.requests).toEqual([request]);
    const back = spliceSpec(edited, { answered: [requests.length] });
    expect(parse(back)).toEqual(parse(text));
    if (name.startsWith('JSON')) expect(JSON.parse(edited).spec.requests).toHaveLength(requests.length + 1);
  });

  test('stays as it is when nothing is asked', () => {
    expect(spliceSpec(text, {})).toBe(text);
    expect(spliceSpec(text, { answered: [], suspend: false })).toBe(text);
  });
});

test('people read a status in block style below what they wrote', () => {
  expect(spliceStatus(BLOCK, STATUS)).toBe(`${BLOCK}status:
  revision: 7
  opened: 7
  state: rolling
  stage: canary
  since: 2026-11-20T10:00:00Z
  candidate:
    version: 2026.01.10-rc1
    digest: ${DIGEST}
    attempt: 1
    parameters:
      threshold: 0.6
      mode: "no"
      "1.5": true
  stable: null
  target: region:eu-west AND hw:(rev2 OR rev3)
  policy: ${DIGEST}
  salt: "a\\n${DIGEST}\\n1"
  cohort:
    cut: 3458764513
    select: null
    devices: []
  limits:
    - rule: "latency_p95 < 2x baseline"
      limit: 131.5
      edge: 244
  rejected: []
  paused: null
  evidence: evidence/a/7-start-canary.json
`);
});

test('removing one request keeps the comments of the others', () => {
  const edited = spliceSpec(BLOCK, { answered: [0] });
  const entry = `    - act: approve\n      digest: ${DIGEST}\n      reason: |\n        looks good\n`;
  expect(edited).toBe(BLOCK.replace(entry, ''));
});

test('the version keeps its kind of quotes', () => {
  expect(spliceSpec(BLOCK, { version: '3.0.0' })).toContain('version: "3.0.0"  # pinned by alice');
  expect(spliceSpec(FLOW, { version: '3.0.0' })).toContain("version: '3.0.0'");
  expect(spliceSpec(FLOW, { version: "it's" })).toContain("version: 'it''s'");
});

test.each([
  'status:',
  'status: # by the reconciler',
  'status: ~',
  'status: {}',
  'status: { revision: 1,\n  a: b } # old',
  'status:\n    revision: 1 # c\n    x: [1,\n      2]\n',
])('even a status that does not fit its schema is replaced: %j', (status) => {
  const start = 'apiVersion: slipway.dev/v1alpha1\nkind: Rollout\nmetadata: { name: a }\n';
  const spec = 'spec: { model: m, version: latest, target: "*" }\n# end\n';
  for (const text of [`${start}${spec}${status}`, `${start}${status}\n${spec}`]) {
    const edited = spliceStatus(text, STATUS);
    expect(parse(edited).status).toEqual(STATUS);
    expect(edited.startsWith(text.slice(0, text.indexOf('status:') + 7))).toBe(true);
    if (text.endsWith(spec)) expect(edited.endsWith(spec)).toBe(true);
  }
});

test('what can not be read is not edited', () => {
  expect(() => spliceStatus('a: [', STATUS)).toThrow(expect.objectContaining({ code: 'DOCUMENT_SYNTAX' }));
  expect(() => spliceStatus('- a', STATUS)).toThrow();
  expect(() => spliceSpec(BLOCK, { answered: [3] })).toThrow(expect.objectContaining({ code: 'ASSERT_INVARIANT' }));
});

/** Texts that YAML could take for something else, or that break lines, quotes and comments. */
const nasty = fc.oneof(
  fc.constantFrom(
    'no',
    'null',
    '1.10',
    '0x10',
    '1e5',
    '~',
    '- a',
    'a: b',
    'a #b',
    '#',
    '"',
    "'",
    '|',
    'a\nb',
    'a\r\nb',
    ' a ',
    '',
    '\u0085',
    '\u2028',
    '\ufeff',
    '\u007f',
    'é',
    '😀',
    '{',
    '[',
    '*a',
    '&a',
    '!t',
    '%',
    '@',
    '`',
    'a:',
    ':a',
    '---',
    '...',
    '?',
    '2026-01-01',
    '12:30',
    '<<',
    '=',
  ),
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 10 }),
);

test('any text survives in a status, in block style and in JSON', () => {
  fc.assert(
    fc.property(nasty, nasty, fc.constantFrom(...Object.keys(STARTS)), (reason, mode, start) => {
      const status: RolloutStatus = {
        ...STATUS,
        paused: { reason: { kind: 'aborted', reason: `${reason}.` }, since: STATUS.since },
        rejected: [
          {
            ...{ digest: DIGEST, version: '1', attempt: 1, evidence: reason, at: STATUS.since },
            reason: { kind: 'aborted', by: `${mode}x` },
          },
        ],
        stable: { version: '1', digest: DIGEST, target: '*', parameters: { mode } },
      };
      const text = STARTS[start]!;
      const edited = spliceStatus(text, status);
      expect(parse(edited)).toEqual({ ...parse(text), status });
    }),
    { numRuns: 500 },
  );
});

/** Random rollouts in the styles that people use, each line perhaps with a comment. */
const comment = fc.constantFrom('', ' # c', '  #: {', ' # - a');
const between = fc.constantFrom('', '\n', '# note\n', '  # note\n\n');
const lineEnd = fc.constantFrom('\n', '\r\n');
const request = fc.constantFrom(
  `- act: approve{c}\n  digest: ${DIGEST}{c}\n`,
  `- { act: retry, digest: ${DIGEST} }{c}\n`,
  `-   act: abort\n    reason: >-\n      a\n\n      b\n    digest: ${DIGEST}\n`,
  `-\n  digest: ${DIGEST}{c}\n  act: skip\n`,
);
const written = fc
  .record({
    comments: fc.array(comment, { minLength: 1, maxLength: 8 }),
    between: fc.array(between, { minLength: 1, maxLength: 5 }),
    version: fc.constantFrom('latest', '"1.0"', "'1.0'", '1.0.0', '>-\n    latest'),
    requests: fc.array(request, { maxLength: 4 }),
    margin: fc.constantFrom(0, 2, 4),
    requestsFirst: fc.boolean(),
    status: fc.constantFrom('none', 'first', 'last'),
    lineEnd,
    ends: fc.boolean(),
  })
  .map((style) => {
    let next = 0;
    const c = (): string => style.comments[next++ % style.comments.length]!;
    const gap = (): string => style.between[next++ % style.between.length]!;
    const entries = style.requests.map((entry) => gap() + entry.replaceAll(/^(?=.)/gm, ' '.repeat(style.margin + 2)));
    const requests = entries.length === 0 ? '' : `  requests:${c()}\n${entries.join('')}`;
    const rest = `  model: m${c()}\n${gap()}  version: ${style.version}\n${gap()}  target: "*"${c()}\n`;
    const status = `status:${c()}\n  revision: 1${c()}\n${gap()}  target: x${c()}\n${gap()}`;
    const spec = `spec:${c()}\n${style.requestsFirst ? requests + rest : rest + requests}${gap()}`;
    const head = `apiVersion: slipway.dev/v1alpha1${c()}\nkind: Rollout\n${gap()}metadata:\n    name: a${c()}\n`;
    const body =
      style.status === 'none' ? head + spec : style.status === 'first' ? status + head + spec : head + spec + status;
    const text = style.ends ? body : body.trimEnd();
    return { text: text.replaceAll('{c}', ' # r').replaceAll('\n', style.lineEnd), count: entries.length };
  });

test('whatever the style, an edit changes what it says and nothing else', () => {
  fc.assert(
    fc.property(
      written,
      fc.nat(15),
      fc.boolean(),
      fc.option(fc.boolean(), { nil: undefined }),
      ({ text, count }, mask, repin, suspend) => {
        const answered = Array.from({ length: count }, (_, index) => index).filter((index) => mask & (1 << index));
        // spliceSpec and spliceStatus compare the values before and after themselves, and throw when anything else changed.
        const edited = spliceStatus(
          spliceSpec(text, {
            answered,
            ...(repin ? { version: '1.10' } : {}),
            ...(suspend === undefined ? {} : { suspend }),
          }),
          STATUS,
        );
        const document = parse(edited);
        expect(document.status).toEqual(STATUS);
        expect(document.spec.requests?.length ?? 0).toBe(count - answered.length);
        if (repin) expect(document.spec.version).toBe('1.10');
        expect(/[^\r]\n/.test(edited)).toBe(text.includes('\r\n') ? false : /[^\r]\n/.test(edited));
        const once = spliceStatus(text, STATUS);
        if (!text.includes('status:')) expect(replaced(text, once)).toBe('');
        expect(spliceStatus(once, STATUS)).toBe(once);
        const pinned = spliceSpec(text, { version: '9.9.9' });
        expect(replaced(text, pinned)).toMatch(/^['"]?(?:latest|1\.0(?:\.0)?|>-\r?\n {4}latest)['"]?$/);
      },
    ),
    { numRuns: 1500 },
  );
});
