// Laws of what the agent holds at once: together within the bound, one alone always, and what ends gives its room back.
import { expect, test } from 'vitest';
import { HeldBytes } from '../../../fleet-agent/src/serve/held-bytes.ts';

test('requests share the room; one that finds none is told to come back, and what ends makes room', () => {
  const held = new HeldBytes(100);
  const [one, two] = [held.open(), held.open()];
  one.set(60);
  expect(() => two.set(50)).toThrow(expect.objectContaining({ code: 'INFER_BUSY', kind: 'retry-later' }));
  two.set(40);
  expect(() => one.set(61)).toThrow();
  one.set(10);
  two.set(90);
  two[Symbol.dispose]();
  one[Symbol.dispose]();
  held.open().set(100);
});

test('one alone has room for more than the bound', () => {
  const held = new HeldBytes(100);
  const alone = held.open();
  alone.set(500);
  expect(() => held.open().set(1)).toThrow();
  alone.set(0);
  held.open().set(1);
});
