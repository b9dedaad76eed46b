// Laws of what people read about broken documents: each file of golden/ beside its errors as golden text.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { formatError } from '../../src/base/errors.ts';
import { parseDocument } from '../../src/documents/parse-document.ts';

const FOLDER = path.join(import.meta.dirname, 'golden');
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(ya?ml|json)$/.test(file))
  .map((file) => file.replaceAll('\\', '/'))
  .sort();

test('there are broken documents', () => {
  expect(files.length).toBeGreaterThan(20);
});

test.each(files)('%s gives the errors of its golden text', async (file) => {
  const parsed = parseDocument(file, readFileSync(path.join(FOLDER, file)));
  expect(parsed.kind).toBe('broken');
  const errors = parsed.kind === 'broken' ? parsed.errors : [];
  await expect(`${errors.map(formatError).join('\n')}\n`).toMatchFileSnapshot(path.join(FOLDER, `${file}.txt`));
  for (const error of errors) {
    expect(error.at?.file).toBe(file);
    expect(error.remedy, error.code).toBeTruthy();
  }
});
