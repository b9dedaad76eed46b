// Laws of what a window counts beyond rates: of many classes those that stable shows most, and of a labels file's those that it shows at all.
import { expect, test } from 'vitest';
import { MOST_CLASSES, REST_CLASS } from '../../src/contract/report.ts';
import { parseRule } from '../../src/documents/rules/rule-text.ts';
import { countsOf } from '../../src/measurement/window-counts.ts';

const rules = ['vanished_classes == 0', 'rejected_rate < 5%'].map((rule) => parseRule(rule));
const names = Array.from({ length: 100 }, (_, i) => `class ${i}`);
const edgesOf = () => [];
const classesShown = new Map(names.map((name, i) => [name, i]));
const shown = { classes: classesShown, edgesOf };

test('classes that only a labels file names are counted where stable shows them', () => {
  const few = new Map([...classesShown].slice(0, 5));
  expect(countsOf(rules, { classes: [] }, { classes: new Map([...few, [REST_CLASS, 9]]), edgesOf }).classes).toEqual([
    ...few.keys(),
  ]);
  expect(countsOf(rules, { classes: [] }, { classes: new Map(), edgesOf }).classes).toEqual([]);
  expect(countsOf(rules, { classes: ['a', 'b'] }, shown).classes).toEqual(['a', 'b']);
});

test('of too many, those that it shows most', () => {
  for (const classes of [names, []]) {
    const { classes: counted } = countsOf(rules, { classes }, shown);
    expect(new Set(counted)).toEqual(new Set(names.slice(-MOST_CLASSES)));
  }
});

test('errors of one kind, counters and restarts are counted where a rule asks for them', () => {
  const asked = ['error_rate < 1%', 'error_rate[timeout] < 1%', 'counter[alerts] < 2x baseline', 'restarts < 1/d'];
  const { events } = countsOf(
    asked.map((rule) => parseRule(rule)),
    { classes: [] },
    shown,
  );
  expect(events).toEqual(['error:timeout', 'counter:alerts', 'restarts']);
});

test('rejected requests are counted where a rule asks for them alone', () => {
  expect(countsOf(rules, { classes: [] }, shown).events).toEqual(['rejected']);
  expect(countsOf(rules.slice(0, 1), { classes: [] }, shown).events).toBeUndefined();
});
