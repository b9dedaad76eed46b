// Laws of taking a device out of the fleet documents: only what is meant changes, and the result is a document that can be read.
import { describe, expect, it } from 'vitest';
import { parseDocument } from '../../src/documents/parse-document.ts';
import type { RepositoryFiles } from '../../src/git/repository-files.ts';
import { editForDevice } from '../../src/requests/device-edit.ts';

function filesOf(texts: Readonly<Record<string, string>>): RepositoryFiles {
  return {
    paths: Object.keys(texts).sort(),
    skipped: [],
    read: async (file) => Buffer.from(texts[file] ?? ''),
  } as RepositoryFiles;
}

const group = (name: string, spec: string): string =>
  `apiVersion: slipway.dev/v1alpha1\nkind: DeviceGroup\nmetadata:\n  name: ${name}\nspec:\n${spec}`;

const KIOSKS = group(
  'kiosks',
  `  labels: { region: eu-west }   # all of them
  devices:
    - { id: k1, labels: { hw: rev2 } }
    - id: k2      # by the door
    - { id: k3 }
  deny:
    - k666 # stolen
`,
);

async function edited(texts: Readonly<Record<string, string>>, wish: Parameters<typeof editForDevice>[1]) {
  const { title, changed } = await editForDevice(filesOf(texts), wish);
  for (const one of changed) expect(parseDocument(one.file, Buffer.from(one.after)).kind).toBe('parsed');
  return { title, files: Object.fromEntries(changed.map((one) => [one.file, one.after])) };
}

describe('removing a device', () => {
  it('takes it out of each group that lists it, and leaves every other byte', async () => {
    const files = { 'fleet/kiosks.yaml': KIOSKS, 'fleet/other.yaml': group('other', '  devices: [{ id: k2 }]\n') };
    const made = await edited(files, { verb: 'remove', device: 'k2' });
    expect(made).toEqual({
      title: 'Remove k2 from kiosks, other',
      files: {
        'fleet/kiosks.yaml': KIOSKS.replace('    - id: k2      # by the door\n', ''),
        'fleet/other.yaml': expect.not.stringContaining('k2'),
      },
    });
  });

  it('of no group is refused', async () => {
    const files = { 'fleet/kiosks.yaml': KIOSKS };
    await expect(edited(files, { verb: 'remove', device: 'k9' })).rejects.toMatchObject({ code: 'DEVICE_NOT_LISTED' });
  });
});

describe('revoking a device', () => {
  it('denies it where it was listed, and lists it no more', async () => {
    const made = await edited({ 'fleet/kiosks.yaml': KIOSKS }, { verb: 'revoke', device: 'k1' });
    expect(made.files['fleet/kiosks.yaml']).toBe(
      KIOSKS.replace('    - { id: k1, labels: { hw: rev2 } }\n', '').replace('# stolen\n', '# stolen\n    - k1\n'),
    );
  });

  it('makes the first list where there is none', async () => {
    expect((await edited({}, { verb: 'revoke', device: 'k9' })).files).toEqual({
      'fleet/denied.yaml': group('denied', '  deny:\n    - k9\n'),
    });
    const made = await edited(
      { 'fleet/a.yaml': group('a', '  devices: [{ id: k1 }]\n') },
      { verb: 'revoke', device: 'k1' },
    );
    expect(made.files['fleet/a.yaml']).toMatch(/deny:\s*\n\s*- k1/);
  });

  it('asks which group, where several could', async () => {
    const files = { 'fleet/a.yaml': group('a', '  deny: [x]\n'), 'fleet/b.yaml': group('b', '  deny: [y]\n') };
    await expect(edited(files, { verb: 'revoke', device: 'k1' })).rejects.toMatchObject({ code: 'DEVICE_WHICH_GROUP' });
    expect(Object.keys((await edited(files, { verb: 'revoke', device: 'k1', group: 'b' })).files)).toEqual([
      'fleet/b.yaml',
    ]);
    await expect(edited(files, { verb: 'revoke', device: 'k1', group: 'c' })).rejects.toMatchObject({
      code: 'GROUP_UNKNOWN',
    });
    await expect(edited(files, { verb: 'revoke', device: 'x' })).rejects.toMatchObject({ code: 'DEVICE_DENIED' });
  });

  it('changes nothing while a document is broken', async () => {
    const files = { 'fleet/a.yaml': group('a', '  deny: [x]\n'), 'fleet/b.yaml': 'kind: [' };
    await expect(edited(files, { verb: 'revoke', device: 'k1' })).rejects.toMatchObject({
      code: expect.stringMatching(/^DOCUMENT|YAML/),
    });
  });
});
