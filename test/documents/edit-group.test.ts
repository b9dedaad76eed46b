// Proves that what people wrote beside a list of a device group stays where it stands when a program makes the list's first entry.
import { expect, test } from 'vitest';
import { withDenied } from '../../src/documents/edit-group.ts';

const group = (deny: string) =>
  `apiVersion: slipway.dev/v1alpha1\nkind: DeviceGroup\nmetadata: { name: tills }\nspec:\n  deny:${deny}\n  devices:\n    - id: till\n`;

test.each([
  ['an empty list', ' [] # stolen ones', ' # stolen ones\n    - till-2'],
  [
    'an empty list and a line below it',
    ' [] # stolen ones\n    # none yet',
    ' # stolen ones\n    - till-2\n    # none yet',
  ],
  ['an empty list alone', ' []', '\n    - till-2'],
  ['an empty list on lines of its own', ' [\n  ] # stolen ones', ' # stolen ones\n    - till-2'],
])('%s gets its first entry below the comment of its line', (_, before, after) => {
  expect(withDenied(group(before), 'till-2')).toBe(group(after));
});
