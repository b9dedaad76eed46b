// Owns the laws of the front page: whatever the read model holds, the page is whole, and says no number that nobody knows.
import { expect, it } from 'vitest';
import type { PageData } from '../../../src/dashboard/pages/page-data.ts';
import type { Overview } from '../../../src/dashboard/read-model/types.generated.ts';
import { renderPage } from '../../../src/dashboard/render-page.ts';
import { NOW_MS, OVERVIEW } from '../fixtures/overview.ts';

const STYLE = { path: '/assets/x.css', type: 'text/css', bytes: new Uint8Array(), gzipped: new Uint8Array() };

function pageOf(value: Overview, query: Record<string, string> = {}): string {
  const data: PageData = {
    ...{ page: 'front', address: { path: '/', params: {}, query }, value, asOf: value.asOf, parts: ['overview'] },
    ...{ nowMs: NOW_MS, person: null },
  };
  return renderPage(data, { style: STYLE, script: null });
}

function textOf(html: string): string {
  return html.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');
}

it('each rollout is a row with its stage, its verdict in words, and what it waits for', () => {
  const text = textOf(pageOf(OVERVIEW));
  for (const { rollout, verdict, waitingFor } of OVERVIEW.rollouts)
    for (const told of [rollout, verdict.text, waitingFor ?? '–']) expect(text).toContain(told);
  for (const word of ['In trouble', 'Pass', 'Undecided', 'Reverted', 'Complete']) expect(text).toContain(word);
});

it('a filter in the address leaves the rollouts of that state, and says so where there are none', () => {
  const reverted = textOf(pageOf(OVERVIEW, { state: 'reverted' }));
  expect(reverted).toContain('document-reader');
  expect(reverted.replace(/Needs a person.*The fleet/, '')).not.toContain('queue-length');
  expect(textOf(pageOf(OVERVIEW, { state: 'paused' }))).toContain('No rollout is in this state');
});

it('a command in what needs a person stands as a command', () => {
  const [first] = OVERVIEW.needsPerson;
  const page = pageOf({ ...OVERVIEW, needsPerson: [{ ...first!, text: 'Say `slipway explain <b>` first' }] });
  expect(page).toContain('<bdi>Say <code>slipway explain &lt;b></code> first</bdi>');
});

const EMPTY: Overview = {
  ...OVERVIEW,
  asOf: { atMs: NOW_MS, commit: null, sequence: 0, publication: 0 },
  ...{ needsPerson: [], rollouts: [], models: [] },
  fleet: { enrolled: 0, asDeclared: 0, states: [], share: null, howCounted: '' },
  service: {
    ...OVERVIEW.service,
    ...{ lastCycleAtMs: null, lastCycleMs: null, headSeenAtMs: null, lease: null, providers: [] },
    publication: { sequence: 0, atMs: null, expiresAtMs: null },
    reports: { perSecond: null, devices: 0 },
  },
};

it('an empty service says what to do, and shows no number that is not known', () => {
  const text = textOf(pageOf(EMPTY));
  for (const told of ['Nothing needs a person', 'No rollout is declared', 'No device is enrolled', 'none yet'])
    expect(text).toContain(told);
  expect(text).not.toMatch(/NaN|undefined|null|\[object/);
});

it.each(['<script>alert(1)</script>', '‮evil', '🦊'.repeat(2000), '__proto__', 'constructor', ''])(
  'the page holds with the name %j everywhere',
  (name) => {
    const rollouts = OVERVIEW.rollouts.map((row) => ({ ...row, rollout: name, target: name, waitingFor: name }));
    const needsPerson = OVERVIEW.needsPerson.map((need) => ({ ...need, rollout: name, text: name }));
    const models = OVERVIEW.models.map((model) => ({
      ...model,
      model: name,
      history: [{ atMs: Number.NaN, counts: {} }],
    }));
    const page = pageOf({ ...OVERVIEW, rollouts, needsPerson, models }, { model: name, state: name, view: name });
    expect(page).not.toMatch(/<script| style=|NaN/);
    expect(page).toContain('</html>');
  },
);
