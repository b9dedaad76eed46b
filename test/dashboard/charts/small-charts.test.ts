// Laws of the small charts: places stay in the picture whatever the numbers, and what is not known is not drawn.
import fc from 'fast-check';
import type { VNode } from 'preact';
import { render } from 'preact-render-to-string';
import { expect, test } from 'vitest';
import { AdoptionCurve } from '../../../src/dashboard/charts/adoption-curve.ts';
import { Bars } from '../../../src/dashboard/charts/bars.ts';
import { Sparkline } from '../../../src/dashboard/charts/sparkline.ts';
import { Strip } from '../../../src/dashboard/charts/strip.ts';
import { MiniTrack, StageRail, type TrackStage } from '../../../src/dashboard/charts/track.ts';

const anyNumber = fc.oneof(
  fc.double(),
  fc.constantFrom(NaN, Infinity, -Infinity, 1e308, 0),
  fc.double({ min: -2, max: 2 }),
);
const anyValue = fc.oneof(anyNumber, fc.constant(null));
const anyStage: fc.Arbitrary<TrackStage> = fc.record({
  name: fc.string(),
  state: fc.constantFrom('passed', 'current', 'waits', 'reverted', 'next'),
  ...{ soakMs: anyValue, elapsedMs: anyValue, deadlineMs: anyValue, strand: fc.constantFrom(null, 'hw:rev1') },
});

function texts(node: VNode): string {
  return render(node);
}

function staysInside(text: string): void {
  for (const [, name, value] of text.matchAll(/ ([a-z][a-zA-Z0-9-]*)="([^"]*)"/g)) {
    expect(`${name}=${value}`).not.toMatch(/NaN|Infinity|undefined|null/);
    const place = /^(-?[\d.e+-]+)%$/.exec(value ?? '');
    if (place === null) continue;
    expect(Number(place[1])).toBeGreaterThanOrEqual(0);
    expect(Number(place[1])).toBeLessThanOrEqual(100);
  }
}

test('a strip keeps the limit at one place, and what is worse stands further right', () => {
  const at = (estimate: number | null) =>
    texts(Strip({ name: 'a', tone: 'ok', relative: { estimate, low: null, high: null, baseline: null } }));
  const place = (text: string) => Number(/cx="([\d.]+)%"/.exec(text)?.[1]);
  expect([-2, -1, -0.5, 0, 0.5, 1, 9].map((value) => place(at(value)))).toEqual([0, 0, 30, 60, 80, 100, 100]);
  expect(at(null)).not.toContain('<circle');
});

test('a range of which nothing was seen yet is dashed', () => {
  const relative = { estimate: null, low: -0.9, high: 0.2, baseline: null };
  expect(texts(Strip({ name: 'a', tone: 'open', relative }))).toContain('class="un"');
  expect(texts(Strip({ name: 'a', tone: 'open', relative: { ...relative, estimate: 0 } }))).toContain('class="iv"');
});

test('strips, tracks, bars, sparklines and the adoption curve hold any numbers', () => {
  const relative = fc.record({ estimate: anyValue, low: anyValue, high: anyValue, baseline: anyValue });
  fc.assert(fc.property(relative, (one) => staysInside(texts(Strip({ name: 'a', tone: 'ok', relative: one })))));
  fc.assert(fc.property(anyStage, (stage) => staysInside(texts(StageRail({ stage, isApart: true })))));
  fc.assert(fc.property(fc.array(anyStage), (stages) => staysInside(texts(MiniTrack({ name: 'a', stages })))));
  const bar = fc.record({ name: fc.string(), count: anyNumber, note: fc.constant(null), isHot: fc.boolean() });
  fc.assert(fc.property(fc.array(bar), (bars) => staysInside(texts(Bars({ bars, format: String })))));
  const point = fc.record({ atMs: anyNumber, value: anyValue });
  fc.assert(
    fc.property(fc.array(point), (points) => staysInside(texts(Sparkline({ name: 'a', points, format: String })))),
  );
  const counts = fc.dictionary(fc.constantFrom('1', '2', '__proto__'), anyNumber);
  fc.assert(
    fc.property(fc.array(fc.record({ atMs: anyNumber, counts })), (points) => {
      const layers = [{ version: '1', tone: 'stable' } as const, { version: '2', tone: 'accent' } as const];
      const text = texts(
        AdoptionCurve({ name: 'a', layers, points, marks: [{ atMs: 0, letter: 'A' }], format: String }),
      );
      staysInside(text);
      expect(text.match(/<tr><th scope="row">/g) ?? []).toHaveLength(points.length);
    }),
  );
});

test('the present stage is as full as its time is over, and says so once texts have room', () => {
  const stage = { name: 'canary', state: 'current', soakMs: 30, elapsedMs: 60, deadlineMs: 120, strand: null } as const;
  const text = texts(StageRail({ stage, isApart: false }));
  expect(text).toMatch(/class="gone"[^>]*width="50%"/);
  expect(text).toMatch(/>soak over<.*>now<.*>deadline</s);
  expect(texts(StageRail({ stage: { ...stage, elapsedMs: 33 }, isApart: false }))).not.toContain('>soak over<');
  expect(texts(StageRail({ stage: { ...stage, elapsedMs: null, deadlineMs: null }, isApart: false }))).not.toContain(
    'class="gone"',
  );
});
