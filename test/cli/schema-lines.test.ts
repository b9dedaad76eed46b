// Holds the law that each document that `init` writes names its schema for editors, and that the schema is there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { CliSession } from './cli-session.ts';

test('each document of a new repository names a schema that is in it', { timeout: 240_000 }, async () => {
  await using session = new CliSession();
  expect(await session.run(['init', 'models', '--example'])).toMatchObject({ code: 0 });
  const root = session.path('models');
  const documents = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    // Programs write manifests, and nobody edits a signed one.
    (file) => file.endsWith('.yaml') && !file.startsWith('models') && !file.startsWith('.git'),
  );
  expect(documents.length).toBeGreaterThan(6);
  for (const file of documents) {
    const named = /^# yaml-language-server: \$schema=(\S+)\n/.exec(readFileSync(path.join(root, file), 'utf8'))?.[1];
    expect(existsSync(path.join(root, path.dirname(file), named ?? 'none')), file).toBe(true);
  }
});
