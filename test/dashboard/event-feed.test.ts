// What the event stream promises its readers: every event once and in order, what was missed, or word that too much was.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventFeed } from '../../src/dashboard/event-feed.ts';
import type { EventStream } from '../../src/fleet-api/http/route.ts';

function reader() {
  const frames: string[] = [];
  const ended = new AbortController();
  const stream: EventStream = { send: (frame) => void frames.push(frame), ended: ended.signal };
  const heard = () =>
    frames.map((frame) => ({
      id: Number(/^id: (\d+)$/m.exec(frame)?.[1]),
      event: /^event: (\w+)$/m.exec(frame)?.[1],
      data: JSON.parse(/^data: (.*)$/m.exec(frame)?.[1] ?? 'null'),
    }));
  return { stream, heard, leave: () => ended.abort(), frames };
}

test('each event comes once to each reader, under its number', () => {
  const feed = new EventFeed(100);
  const [first, second] = [reader(), reader()];
  feed.add(first.stream, null);
  expect(feed.publish('changed', { parts: ['overview'] })).toBe(101);
  feed.add(second.stream, null);
  feed.publish('alert', { text: 'a\nb </script>' });
  expect(first.heard().map(({ id, event }) => [id, event])).toEqual([
    [101, 'changed'],
    [102, 'alert'],
  ]);
  expect(second.heard()).toEqual([{ id: 102, event: 'alert', data: { sequence: 102, text: 'a\nb </script>' } }]);
  for (const frame of first.frames) expect(frame).toMatch(/^id: \d+\nevent: \w+\ndata: [^\n]*\n\n$/);
  first.leave();
  feed.publish('changed', {});
  expect(first.frames).toHaveLength(2);
  expect(feed.readers).toBe(1);
});

test('whoever comes back hears what it missed, or that it has to read anew', () => {
  const feed = new EventFeed(1_000);
  for (let i = 0; i < 700; i++) feed.publish('changed', { i });
  const back = (after: number | null) => {
    const one = reader();
    feed.add(one.stream, after);
    return one.heard().map(({ id, event }) => `${event} ${id}`);
  };
  expect(back(1_698)).toEqual(['changed 1699', 'changed 1700']);
  expect(back(1_700)).toEqual([]);
  expect(back(null)).toEqual([]);
  for (const gone of [1_001, 1_150, 999, 0, 5_000]) expect(back(gone)).toEqual(['reset 1700']);
});

test('whenever it comes back, a reader misses nothing without being told', () => {
  fc.assert(
    fc.property(fc.nat(900), fc.nat(900), (total, after) => {
      const feed = new EventFeed(0);
      for (let i = 0; i < total; i++) feed.publish('changed', { text: 'x'.repeat(2_000) });
      const one = reader();
      feed.add(one.stream, after);
      const [heard] = [one.heard()];
      if (heard[0]?.event === 'reset') expect(heard).toHaveLength(1);
      else
        expect(heard.map(({ id }) => id)).toEqual(
          Array.from({ length: Math.max(0, total - after) }, (_, i) => after + 1 + i),
        );
    }),
  );
});
