// Laws of where things stand in a document: a column of a text is a place in the file, however the text is written.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Document, Scalar } from 'yaml';
import { readSource } from '../../../src/contract/source/read-source.ts';

const STYLES = ['PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE', 'BLOCK_LITERAL', 'BLOCK_FOLDED'] as const;
const word = fc.constantFrom('sum(queue)', '<', '5%', '{{stage}}', "it's", '"b"', 'a\\d', 'é', '\t', '😀', '#');
const text = fc
  .array(fc.tuple(word, fc.constantFrom(' ', ' ', '  ', '\n', '\n  ')))
  .map((words) => words.flat().join(''));

/** A document with the text in that style, wrapped early: as a source, in lines, and the text as it is read. */
function written(text: string, style: (typeof STYLES)[number]) {
  const scalar = new Scalar(text);
  scalar.type = style;
  const file = new Document({ list: [{ first: 1, text: scalar }] }).toString({ lineWidth: 24, minContentWidth: 0 });
  const read = readSource('f.yaml', Buffer.from(file));
  if (read.kind === 'broken') throw new Error(file);
  const { list } = read.value as { readonly list: readonly { readonly text: string }[] };
  return { source: read.source, lines: file.split('\n'), value: list[0]?.text ?? '' };
}

test('a column inside a text is where its character stands, in any style', () => {
  let placed = 0;
  fc.assert(
    fc.property(text, fc.constantFrom(...STYLES), (words, style) => {
      const { source, lines, value } = written(words, style);
      const path = ['list', 0, 'text'];
      const start = source.placeOf(path);
      const isUnclear = /^["'](?=.*\n).*(?:\\|'')/s.test(source.writtenAt(path));
      for (const [index, character] of [...value.split('').entries()]) {
        if (/[\s"'\\\ud800-\udfff]/.test(character)) continue;
        const { line, column } = source.placeInside(path, index + 1);
        if (isUnclear) expect({ line, column }).toMatchObject({ line: start.line, column: start.column });
        else expect(lines[(line ?? 0) - 1]?.[(column ?? 0) - 1]).toBe(character);
        placed += Number(!isUnclear);
      }
    }),
    { numRuns: 2000 },
  );
  expect(placed).toBeGreaterThan(5000);
});

test('the end of a text is right behind its last character', () => {
  for (const style of STYLES) {
    const { source, lines } = written('queue\n<\n', style);
    const { line, column } = source.placeInside(['list', 0, 'text'], 8);
    expect(lines[(line ?? 0) - 1]?.[(column ?? 0) - 2], style).toMatch(/[<n]/);
  }
});
