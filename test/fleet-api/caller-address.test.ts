// Holds callers to one share each: whoever owns a network of IPv6 is one caller, under whichever of its addresses it comes.
import { expect, test } from 'vitest';
import { callerAddress } from '../../src/fleet-api/http/caller-address.ts';

test.each([
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::5', '2001:db8:1:2'],
  ['2001:db8::a:b:c:d', '2001:db8:0:0'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:db8:0:0:a::', '2001:db8:0:0'],
  ['fe80::a:b:c:d%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
  ['::ffff:192.0.2.7', '::ffff:192.0.2.7'],
  ['192.0.2.7', '192.0.2.7'],
  ['', ''],
])('%s comes from %s', (remote, caller) => {
  expect(callerAddress(remote)).toBe(caller);
});
