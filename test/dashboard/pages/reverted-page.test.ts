// Laws of the post-mortem: it tells what happened first, keeps what is not known, and stands alone as a file.
import { html } from 'htm/preact';
import { expect, test } from 'vitest';
import { postmortemTitle, RevertedPage } from '../../../src/dashboard/pages/reverted-page.ts';
import { postmortemPage } from '../../../src/dashboard/postmortem-page.ts';
import type { Postmortem } from '../../../src/dashboard/read-model/types.generated.ts';
import { DOCUMENT_READER } from '../fixtures/document-reader.ts';
import { addressOf, HOSTILE, shown } from './shown.ts';

function page(value: Postmortem): string {
  return shown(html`<${RevertedPage} value=${value} address=${addressOf()} person=${null} />`);
}

test('it says outcome and reason first, then shows each failed rule at each look', () => {
  const text = page(DOCUMENT_READER);
  expect(postmortemTitle(DOCUMENT_READER)).toBe('document-reader 2.0.0: reverted');
  expect(text.indexOf('never answered')).toBeLessThan(text.indexOf('In numbers'));
  expect(text.match(/id="why-\d"/g)).toHaveLength(1);
  expect(
    text.match(/<caption>vanished_classes == 0[^<]*<\/caption>.*?<\/table>/s)?.[0].match(/<tr><th scope="row">/g),
  ).toHaveLength(3);
  expect(text).toContain('git show --show-signature b90d41e7');
  expect(text).toContain('The evidence of step 9 canary→ramp is not in this repository');
});

test('without looks, devices and a step it still tells what is known', () => {
  const devices = { had: null, wanted: null, matching: null, back: '', troubled: [] };
  const text = page({
    ...DOCUMENT_READER,
    looks: [],
    facts: [],
    timeline: [],
    failed: [],
    devices,
    step: null,
    likelyGroup: null,
  });
  expect(text).toContain('How many had it is not known.');
  expect(text).not.toMatch(/\bNaN\b|undefined|>null</);
});

test('as a file it fetches nothing and runs nothing', () => {
  const text = postmortemPage(DOCUMENT_READER);
  expect(text).toMatch(/^<!doctype html>\n<html lang="en"><head>/);
  expect(text).not.toMatch(/<script|<link|src=|@import|url\([^#]/);
  expect(text).toContain("default-src 'none'; style-src 'unsafe-inline'");
});

test.each(HOSTILE.map((text) => [text.slice(0, 20), text]))('texts like %s stay text', (_, name) => {
  const version = { version: name, digest: null };
  const step = { ...DOCUMENT_READER.step!, message: name, commands: [name] };
  const event = { ...DOCUMENT_READER.timeline[0]!, what: name, by: name, note: name };
  const value = { ...DOCUMENT_READER, version, step, sentence: name, rollout: name, runbook: name, timeline: [event] };
  for (const text of [page(value), postmortemPage(value)]) {
    expect(text).not.toMatch(/<script|<img/);
    expect(text.length).toBeLessThan(200_000);
  }
});
