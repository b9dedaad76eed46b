// Proves that labels given with a token bind the device that enrols with it, whatever the device says of itself.
import { expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { homeAt } from '../../src/cli/home.ts';
import { labelsOf } from '../../src/cli/option-values.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';
import { CliSession } from './cli-session.ts';

test('a device that enrols with a token has its labels, and does not get others by stating them', async () => {
  await using session = new CliSession();
  session.write('home/trust-policy.yaml', '');
  const made = await session.run(['token', '--home', 'home', '--label', 'customer=acme', '--label', 'site=a=b']);
  expect(made.stderr).toBe('');
  const clock = new SystemClock();
  await using store = openSqliteFleetStore({ file: homeAt(session.path('home')).store, clock });
  const stated = { customer: 'globex', hw: 'rev1' };
  await store.enrol({
    ...{ token: made.stdout.trim(), device: 'd1', publicKey: 'k', labels: stated, properties: {} },
    nowMs: clock.now(),
  });
  expect((await store.findDevice('d1'))?.labels).toEqual({ customer: 'acme', site: 'a=b', hw: 'rev1' });
});

test.each([['customer'], ['customer='], ['=acme'], ['a=1', 'a=2'], [`a=${'x'.repeat(257)}`], ['__proto__=x']])(
  'labels %s are refused',
  (...texts) => {
    expect(() => labelsOf('--label', texts)).toThrow(expect.objectContaining({ code: 'SETTING_VALUE' }));
  },
);
