// Laws of a clone's origin: its address never holds credentials, whichever way they were written into it.
import { expect, test } from 'vitest';
import { findOrigin } from '../../src/git/isomorphic/find-origin.ts';
import { git, Workshop } from './git-fixture.ts';

test('credentials of an origin are taken out of its address, and other addresses stay as they are', async () => {
  await using shop = new Workshop();
  const folder = shop.bare('clone', 'empty');
  const basic = (username: string, password: string) => ({ kind: 'basic', username, password });
  expect(await findOrigin(folder)).toBeUndefined();
  git(folder, ['remote', 'add', 'origin', 'placeholder']);
  for (const [url, address, credentials] of [
    ['https://github.com/acme/models.git', 'https://github.com/acme/models.git', undefined],
    ['https://job:to%40ken@gitlab.com/a/b.git', 'https://gitlab.com/a/b.git', basic('job', 'to@ken')],
    ['https://token@github.com/a/b.git', 'https://github.com/a/b.git', basic('token', '')],
    ['git@github.com:acme/models.git', 'git@github.com:acme/models.git', undefined],
    ['ssh://git@host.example/a/b.git', 'ssh://git@host.example/a/b.git', undefined],
    ['../other', shop.path('hosts/other'), undefined],
  ] as const) {
    git(folder, ['remote', 'set-url', 'origin', url]);
    expect(await findOrigin(folder), url).toEqual({ address, credentials });
  }
});
