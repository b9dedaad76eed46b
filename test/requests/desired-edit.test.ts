// Laws of setting what a rollout asks for, and of undoing: each state has one meaning, and nothing is asked for that would wait for ever.
import { expect, test } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import type { Rollout, RolloutStatus } from '../../src/documents/types.generated.ts';
import { editForChange, findWayBack } from '../../src/requests/desired-edit.ts';
import { findRollout } from '../../src/requests/find-rollout.ts';
import { blankStatus } from '../../src/rollout/next-status.ts';
import { filesOfMemory } from './release-world.ts';

const digest = (version: string) => digestOf(`manifest of ${version}`);
const stable = (version: string, parameters = {}) => ({ version, digest: digest(version), parameters, target: '*' });
const candidate = (version: string) => ({ version, digest: digest(version), parameters: {}, attempt: 1 });
const previous = (version: string, until: string) => ({ version, digest: digest(version), until });
const rejected = (version: string, at: string, parameters?: Record<string, number>) => ({
  ...{ version, digest: digest(version), at, attempt: 1, reason: { kind: 'aborted', reason: 'it errs' } as const },
  ...{ evidence: 'evidence/ocr/3.json', ...(parameters === undefined ? {} : { parameters }) },
});

async function opened(
  spec: Partial<Rollout['spec']>,
  status?: Partial<RolloutStatus>,
  more: Record<string, string> = {},
) {
  const rollout = {
    ...{ apiVersion: 'slipway.dev/v1alpha1', kind: 'Rollout', metadata: { name: 'ocr' } },
    spec: { model: 'ocr', version: '1.3.0', target: '*', ...spec },
    ...(status === undefined ? {} : { status: { ...blankStatus('*', 0), ...status } }),
  };
  const models = ['1.2.0', '1.3.0', '1.4.0'].map((one) => [`models/ocr/${one}.yaml`, `manifest of ${one}`]);
  const files = filesOfMemory({ ...Object.fromEntries(models), 'rollouts/ocr.yaml': JSON.stringify(rollout), ...more });
  return { files, found: await findRollout(files, 'ocr') };
}

async function wayBack(spec: Partial<Rollout['spec']>, status?: Partial<RolloutStatus>, to?: string, more = {}) {
  const { files, found } = await opened(spec, status, more);
  return findWayBack(files, found, to).catch((thrown: unknown) => (thrown as { code: string }).code);
}

test('undo aborts what rolls out', async () => {
  const rolling = { candidate: candidate('1.4.0'), stable: stable('1.3.0'), stage: 'canary' };
  expect(await wayBack({ version: '1.4.0' }, rolling)).toEqual({ kind: 'abort' });
});

test('undo stops asking for what has not begun, parameters too', async () => {
  const status = { stable: stable('1.3.0', { t: 1 }), previous: [previous('1.2.0', '2026-01-01T00:00:00Z')] };
  const change = { version: '1.3.0', parameters: { t: 1, u: null } };
  expect(await wayBack({ version: '1.4.0', parameters: { t: 2, u: 3 } }, status)).toEqual({ kind: 'change', change });
  expect(await wayBack({ version: '9.9.9' }, { stable: stable('1.3.0') })).toMatchObject({
    change: { version: '1.3.0' },
  });
});

test('undo of a rollout that completed asks for the version before, which goes through the stages', async () => {
  const status = { stable: stable('1.4.0'), previous: [previous('1.3.0', '2026-01-02T00:00:00Z')] };
  for (const version of ['1.4.0', 'latest', '^1.2'])
    expect(await wayBack({ version }, status)).toEqual({ kind: 'change', change: { version: '1.3.0' } });
});

test('there is nothing to undo before the first rollout, after it, and after a rollback: that is never taken for one step more', async () => {
  const nothing = 'REQUEST_NOTHING_TO_UNDO';
  expect(await wayBack({})).toBe(nothing);
  expect(await wayBack({ version: '1.3.0' }, { stable: stable('1.3.0') })).toBe(nothing);
  const reverted = { stable: stable('1.3.0'), previous: [previous('1.2.0', '2026-01-01T00:00:00Z')] };
  const back = { ...reverted, rejected: [rejected('1.4.0', '2026-01-02T00:00:00Z')] };
  for (const version of ['1.3.0', 'latest']) expect(await wayBack({ version }, back)).toBe(nothing);
  const long = { ...reverted, rejected: [rejected('1.4.0', '2025-12-31T00:00:00Z')] };
  expect(await wayBack({ version: '1.3.0' }, long)).toMatchObject({ change: { version: '1.2.0' } });
  const tuned = { stable: stable('1.3.0', { t: 2 }), previous: [previous('1.3.0', '2026-01-01T00:00:00Z')] };
  expect(await wayBack({ version: '1.3.0', parameters: { t: 2 } }, tuned)).toBe(nothing);
});

test('undo goes back to a version or a revision that is named', async () => {
  const status = { stable: stable('1.4.0') };
  expect(await wayBack({ version: '1.4.0' }, status, '1.2.0')).toEqual({
    kind: 'change',
    change: { version: '1.2.0' },
  });
  expect(await wayBack({ version: '1.4.0' }, status, '7')).toBe('REQUEST_REVISION_UNKNOWN');
  const predicate = { status: { candidate: null, stable: stable('1.2.0', { t: 5 }) } };
  const payload = Buffer.from(JSON.stringify({ predicate })).toString('base64');
  const more = { 'evidence/ocr/7-complete-full.json': JSON.stringify({ payload }), 'evidence/ocr/8-x.json': '{' };
  const change = { version: '1.2.0', parameters: { t: 5 } };
  expect(await wayBack({ version: '1.4.0' }, status, '7', more)).toEqual({ kind: 'change', change });
  expect(await wayBack({ version: '1.4.0' }, status, '8', more)).toBe('REQUEST_REVISION_UNKNOWN');
});

test('set says what changes, and refuses what is there already, what nobody released, and what was rejected', async () => {
  const { files, found } = await opened(
    { version: '1.3.0', parameters: { t: 1, u: 2 } },
    {
      stable: stable('1.2.0'),
      rejected: [rejected('1.4.0', '2026-01-01T00:00:00Z'), rejected('1.2.0', '2026-01-01T00:00:00Z', { t: 9, u: 2 })],
    },
  );
  const set = (change: Parameters<typeof editForChange>[2]) =>
    editForChange(files, found, change).catch((thrown: unknown) => (thrown as { code: string }).code);
  expect(await set({ version: '1.2.0', parameters: { t: 3, u: null }, target: 'a:b' })).toEqual({
    title: 'Set version 1.2.0 (was 1.3.0), parameters t=3, without u, target a:b',
    edits: { version: '1.2.0', parameters: { t: 3 }, target: 'a:b' },
  });
  expect(await set({ version: '1.3.0', parameters: { t: 1 }, target: '*' })).toBe('REQUEST_ALREADY');
  expect(await set({ version: '2.0.0' })).toBe('REQUEST_VERSION_UNKNOWN');
  expect(await set({ version: '1.4.0' })).toBe('REQUEST_REJECTED');
  expect(await set({ version: '1.2.0', parameters: { t: 9 } })).toBe('REQUEST_REJECTED');
  expect(await set({ version: 'latest' })).toMatchObject({ edits: { version: 'latest' } });
});
