// Laws of what documents of one repository say about each other.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { formatError } from '../../src/base/errors.ts';
import { checkReferences, type RepositoryFile } from '../../src/documents/check-references.ts';
import { warnOfGroups } from '../../src/documents/check-rule-groups.ts';
import { warnOfSubjects } from '../../src/documents/check-rule-subjects.ts';
import { warnOfSequences } from '../../src/documents/check-sequences.ts';
import { parseDocument } from '../../src/documents/parse-document.ts';

const ROOT = path.join(import.meta.dirname, '../../examples/manifests');
const EXAMPLES: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => [file.replaceAll('\\', '/'), readFileSync(path.join(ROOT, file), 'utf8')]),
);

function repository(changes: Readonly<Record<string, string | ((text: string) => string)>> = {}): RepositoryFile[] {
  const texts: Record<string, string> = { ...EXAMPLES };
  for (const [file, change] of Object.entries(changes)) {
    texts[file] = typeof change === 'string' ? change : change(texts[file] ?? '');
  }
  return Object.entries(texts).map(([file, text]) => ({ file, parsed: parseDocument(file, Buffer.from(text)) }));
}

function problems(changes: Parameters<typeof repository>[0]): string[] {
  return checkReferences(repository(changes)).map((error) => formatError(error));
}

const ROLLOUT = 'rollouts/invoice-ocr-eu.yaml';

test('the examples are whole', () => {
  expect(Object.keys(EXAMPLES).length).toBeGreaterThanOrEqual(6);
  for (const { file, parsed } of repository()) expect(parsed.kind, file).toBe('parsed');
  expect(problems({})).toEqual([]);
});

test.each([
  ['model: invoice-ocr', 'model: invoice-orc', 'REFERENCE_MODEL', '`invoice-ocr`?', '8:10'],
  ['"2025.12.01"', '2025.12.1', 'REFERENCE_VERSION', '`2025.12.01`?', '9:12'],
  ['"2025.12.01"', '">=1.2 <2"', 'REFERENCE_VERSION', 'matches >=1.2 <2', '9:12'],
  ['policy: careful', 'policy: carefull', 'REFERENCE_POLICY', '`careful`?', '10:11'],
  ['threshold', 'treshold', 'REFERENCE_PARAMETER', '`threshold`?', '13:5'],
  ['threshold: 0.6', 'threshold: high', 'REFERENCE_PARAMETER', 'a number', '13:16'],
])('%s written as %s gives %s', (right, wrong, code, words, place) => {
  const [found, ...others] = problems({ [ROLLOUT]: (text) => text.replace(right, wrong) });
  expect(others).toEqual([]);
  expect(found).toContain(`${code}  ${ROLLOUT}:${place}`);
  expect(found).toContain(words);
});

test('a rollout without a policy takes the default one, and needs it', () => {
  const without = (text: string): string => text.replace('  policy: careful\n', '');
  expect(problems({ [ROLLOUT]: without })).toEqual([]);
  const [found] = problems({ [ROLLOUT]: without, 'slipway.yaml': (text) => text.slice(0, text.indexOf('  defaults')) });
  expect(found).toContain('REFERENCE_POLICY');
});

test('a policy serves only the rollouts that it is signed for', () => {
  const [found] = problems({
    'policies/careful.yaml': (text) => text.replace('rollouts: ["*"]', 'rollouts: [shelf-*]'),
  });
  expect(found).toContain('REFERENCE_POLICY_SCOPE');
  expect(
    problems({ 'policies/careful.yaml': (text) => text.replace('rollouts: ["*"]', 'rollouts: [invoice-*]') }),
  ).toEqual([]);
});

test('a broken document stops only the rollouts that use it', () => {
  const other = EXAMPLES[ROLLOUT]!.replaceAll('invoice-ocr-eu', 'other')
    .replace('"2025.12.01"', '2026.01.10-rc1')
    .replace('region:eu-west', 'region:us');
  const errors = problems({ 'models/invoice-ocr/2025.12.01.yaml': 'kind: [', 'rollouts/other.yaml': other });
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain(`REFERENCE_BROKEN  ${ROLLOUT}`);
  const [stopped] = problems({ 'policies/careful.yaml': 'kind: [' });
  expect(stopped).toContain('REFERENCE_BROKEN');
});

test('two rollouts of one model to one target, and two documents of one name, are refused', () => {
  const twin = EXAMPLES[ROLLOUT]!;
  const errors = problems({ 'rollouts/eu/invoice-ocr-eu.yaml': twin });
  expect(errors.filter((error) => error.startsWith('DOCUMENT_TWICE'))).toHaveLength(1);
  expect(errors.filter((error) => error.startsWith('ROLLOUT_TARGETS_OVERLAP'))).toHaveLength(1);
});

test('an unknown device group is named', () => {
  const [found] = problems({
    'fleet/kiosks.yaml': (text) => text,
    'models/invoice-ocr/2025.12.01.yaml': (text) => text.replace('[kiosks]', '[kiosk]'),
  });
  expect(found).toContain('Did you mean `kiosks`?');
});

function versionOf(version: string, shape: string): [string, string] {
  const text = EXAMPLES['models/invoice-ocr/2025.12.01.yaml']!.replace(
    'version: "2025.12.01"',
    `version: "${version}"`,
  );
  const inputs =
    shape === '8' ? text : text.replace('shape: [-1, 8]', 'shape: [-1, 9]').replace('x: [0.9,', 'x: [0.5, 0.9,');
  return [`models/invoice-ocr/${version}.yaml`, inputs];
}

test.each([
  ['1.0.0', '1.1.0', true],
  ['1.0.0', '2.0.0', false],
  ['1.0.0', '1.0.0-rc1', false],
  ['0.1.0', '0.2.0', false],
  ['2025.12.02', '2025.12.03', false],
])('a changed interface from %s to %s is refused: %s', (before, after, refused) => {
  const changes = Object.fromEntries([versionOf(before, '8'), versionOf(after, '9')]);
  const found = problems(changes).filter((error) => error.startsWith('MANIFEST_INTERFACE'));
  expect(found).toHaveLength(refused ? 1 : 0);
  if (refused) expect(found[0]).toContain(`models/invoice-ocr/${after}.yaml`);
});

const POLICY_FILE = 'policies/careful.yaml';
const subjectWarnings = (changes: Parameters<typeof repository>[0]): string[] =>
  warnOfSubjects(repository(changes)).map((error) => formatError(error));
const withRule =
  (rule: string) =>
  (text: string): string =>
    text.replace('- vanished_classes == 0', `- ${rule}`);

test('a class in a rule that no manifest of the rolled-out model names is warned of where it stands', () => {
  expect(subjectWarnings({})).toEqual([]);
  expect(subjectWarnings({ [POLICY_FILE]: withRule('class_share[receipt] > 1%') })).toEqual([]);
  const [mistyped, ...others] = subjectWarnings({ [POLICY_FILE]: withRule('class_share[reciept] > 1%') });
  expect(others).toEqual([]);
  expect(mistyped).toContain(`REFERENCE_CLASS  ${POLICY_FILE}:29:23`);
  expect(mistyped).toContain('Did you mean `receipt`?');
  const [unknown] = subjectWarnings({ [POLICY_FILE]: withRule('{ rule: "recall[nonsense] > 90%", dryRun: true }') });
  expect(unknown).toContain(`REFERENCE_CLASS  ${POLICY_FILE}:29:27`);
  expect(unknown).toContain('Its classes: invoice, receipt, letter, other.');
});

test('gauges are no classes; a policy that nothing uses, and one of a model with a manifest that tells no classes, are not warned of', () => {
  const wrong = withRule('class_share[reciept] > 1%');
  const noClasses = (text: string): string => text.replace(/^ +classes: .*\n/m, '');
  expect(subjectWarnings({ [POLICY_FILE]: withRule('gauge[reciept] < 5') })).toEqual([]);
  const unused = { [ROLLOUT]: (text: string) => text.replace('policy: careful', 'policy: other') };
  expect(subjectWarnings({ [POLICY_FILE]: wrong, ...unused })).toEqual([]);
  const broken = { 'models/invoice-ocr/2025.12.01.yaml': 'kind: ModelManifest' };
  expect(subjectWarnings({ [POLICY_FILE]: wrong, ...broken })).toEqual([]);
  const oneWithout = { 'models/invoice-ocr/2025.12.01.yaml': noClasses };
  expect(subjectWarnings({ [POLICY_FILE]: wrong, ...oneWithout })).toEqual([]);
});

test('an input in a rule that no report of the rolled-out model tells of is warned of where it stands', () => {
  expect(subjectWarnings({ [POLICY_FILE]: withRule('input[x[7]] < 1.2x baseline') })).toEqual([]);
  const [beyond, ...others] = subjectWarnings({ [POLICY_FILE]: withRule('input[x[8]] < 1.2x baseline') });
  expect(others).toEqual([]);
  expect(beyond).toContain(`REFERENCE_INPUT  ${POLICY_FILE}:29:17`);
  expect(beyond).toContain('Its inputs in reports: x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7].');
  const [whole] = subjectWarnings({ [POLICY_FILE]: withRule('input[x] < 5') });
  expect(whole).toContain('is about an input that reports of "invoice-ocr" don\'t tell of, so it would see no value.');
});

test.each(['[-1, -1]', '[-1, 8, 1]'])(
  'an input that reports of one manifest may tell of, its shape %s, is not warned of',
  (shape) => {
    const file = 'models/invoice-ocr/2025.12.01.yaml';
    const shaped = (text: string): string =>
      text.replace('[-1, 8]', shape).replace(/^ {2}examples:\n(?: {4}.*\n)+/m, '');
    const changes = { [POLICY_FILE]: withRule('input[x] < 5'), [file]: shaped };
    expect(repository(changes).every(({ parsed }) => parsed.kind === 'parsed')).toBe(true);
    expect(subjectWarnings(changes)).toEqual([]);
  },
);

const groupWarnings = (rule: string, changes: Parameters<typeof repository>[0] = {}): string[] =>
  warnOfGroups(repository({ [POLICY_FILE]: withRule(rule), ...changes })).map((error) => formatError(error));

test('a label in a rule that no device group names and nothing selects by is warned of where it stands', () => {
  const group = `apiVersion: slipway.dev/v1alpha1
kind: DeviceGroup
metadata: { name: kiosks }
spec: { labels: { hw: rev2 }, devices: [{ id: one, labels: { floor: "1" } }] }
`;
  const fleet = { 'fleet/kiosks.yaml': group };
  for (const by of ['hw', 'floor', 'groups', 'region'])
    expect(groupWarnings(`{ rule: error_rate < 1%, by: ${by} }`, fleet), by).toEqual([]);
  const [mistyped, ...others] = groupWarnings('{ rule: error_rate < 1%, by: hww }', fleet);
  expect(others).toEqual([]);
  expect(mistyped).toContain(`REFERENCE_LABEL  ${POLICY_FILE}:29:40`);
  expect(mistyped).toContain('No device group names the label `hww`');
  expect(mistyped).toContain('Did you mean `hw`?');
  expect(groupWarnings('{ rule: error_rate < 1%, by: precison }')[0]).toContain('Did you mean `precision`?');
  expect(groupWarnings('{ rule: error_rate < 1%, by: shelf }')[0]).toContain('slipway token --label');
  const settings = (labels: string) => ({
    'slipway.yaml': `apiVersion: slipway.dev/v1alpha1\nkind: Repository\nspec: { fleet: { labels: [${labels}] } }\n`,
  });
  expect(groupWarnings('{ rule: error_rate < 1%, by: shelf }', settings('shelf'))).toEqual([]);
  expect(groupWarnings('{ rule: error_rate < 1%, by: shelv }', settings('shelf'))[0]).toContain(
    'Did you mean `shelf`?',
  );
  expect(
    warnOfGroups(repository({ [POLICY_FILE]: withRule('{ rule: error_rate < 1%, by: shelf }') }), ['shelf']),
  ).toEqual([]);
});

test('groups by precision are warned of where no manifest has variants of two, or of the one that has its own limit', () => {
  const rule = '{ rule: error_rate < 1%, by: precision, limits: { int9: 3% } }';
  const limit = `REFERENCE_VARIANT  ${POLICY_FILE}:29:61
  No manifest of "invoice-ocr" has a variant of the precision \`int9\`.
  Did you mean \`int8\`?`;
  expect(groupWarnings(rule)).toEqual([limit]);
  expect(groupWarnings(rule.replace('int9', 'int8'))).toEqual([]);
  const models = Object.keys(EXAMPLES).filter((file) => file.startsWith('models/'));
  const same = (text: string): string => text.replaceAll(/precision: .*/g, 'precision: int8');
  const [alone, ...others] = groupWarnings(rule, Object.fromEntries(models.map((file) => [file, same])));
  expect(others).toEqual([limit]);
  expect(alone).toContain('No manifest of "invoice-ocr" has variants of more than one precision');
  // The one that can't be read may have them.
  expect(groupWarnings(rule, { [models[0] ?? '']: 'kind: ModelManifest' })).toEqual([]);
});

test('a signed version without a sequence, and one with that of another, are warned of', () => {
  const [one, two] = ['2025.12.01', '2026.01.10-rc1'].map((version) => `models/invoice-ocr/${version}.yaml`) as [
    string,
    string,
  ];
  const numbered = (sequence: number) => (text: string) =>
    text.replace(/^( +version: .*)$/m, `$1\n  sequence: ${sequence}`);
  const warned = (changes: Parameters<typeof repository>[0], signed: readonly string[] = []): string[] =>
    warnOfSequences(repository(changes), (file) => signed.includes(file)).map(
      ({ code, at }) => `${code} ${at?.file}:${at?.line}`,
    );
  expect(warned({}, [two])).toEqual([`MODEL_SEQUENCE ${two}:6`]);
  expect(warned({})).toEqual([]);
  expect(warned({ [one]: numbered(1), [two]: numbered(2) }, [one, two])).toEqual([]);
  expect(warned({ [one]: numbered(3), [two]: numbered(3) })).toEqual([`MODEL_SEQUENCE_TWICE ${two}:7`]);
});
