// Laws of which versions somebody may still need: one is given up only when it is older than all that runs, and nothing names it.
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../src/contract/digest.ts';
import type { Directive } from '../../src/contract/directive.ts';
import type { ModelManifest } from '../../src/contract/types.generated.ts';
import type { Rollout } from '../../src/documents/types.generated.ts';
import { type Need, neededVersions, type VersionsQuestion } from '../../src/rollout/needed-versions.ts';

function known(version: string, sequence?: number, model = 'shelf') {
  const metadata = { name: model, version, ...(sequence === undefined ? {} : { sequence }) };
  return { digest: digestOf(`${model} ${version}`), manifest: { metadata } as ModelManifest };
}

const MANIFESTS = ['1.0.0', '1.1.0', '2.0.0', '3.0.0', '4.0.0'].map((version, i) => known(version, i + 1));
const of = (version: string, model = 'shelf'): Digest => digestOf(`${model} ${version}`);

interface Facts {
  readonly name?: string;
  readonly version?: string;
  readonly stable?: string | null;
  readonly status?: object;
  readonly requests?: readonly { readonly act: string; readonly digest: Digest }[];
}

/** Stable is 3.0.0 unless given. */
function rollout({
  name = 'eu',
  version = '3.0.0',
  stable = '3.0.0',
  status = {},
  requests = [],
}: Facts = {}): Rollout {
  return {
    metadata: { name },
    spec: { model: 'shelf', version, target: '*', requests },
    status: {
      ...{ candidate: null, stable: stable === null ? null : { version: stable, digest: of(stable) }, rejected: [] },
      ...status,
    },
  } as unknown as Rollout;
}

function needed(over: Partial<VersionsQuestion>): Record<string, Need['kind']> {
  const question = { manifests: MANIFESTS, rollouts: [rollout()], directive: undefined, held: [], ...over };
  const { needs } = neededVersions(question);
  return Object.fromEntries(
    question.manifests.flatMap(({ digest, manifest }) => {
      const need = needs.get(digest);
      return need === undefined ? [] : [[manifest.metadata.version, need.kind]];
    }),
  );
}

const PRESENT = { '3.0.0': 'rollout', '4.0.0': 'upcoming' };

describe('a version', () => {
  it('that is older than stable, and that nothing names, is given up; newer ones are not', () => {
    expect(needed({})).toEqual(PRESENT);
  });

  it('is kept by anything in a status or a request that a retry or a rollback may come back to', () => {
    const digest = of('1.0.0');
    for (const status of [
      { candidate: { version: '1.0.0', digest } },
      { rejected: [{ version: '1.0.0', digest }] },
      { previous: [{ version: '1.0.0', digest }] },
      { exceptions: [{ group: 'hw:rev1', stable: { version: '1.0.0', digest } }] },
      { groupRejections: [{ group: 'hw:rev1', digest }] },
    ])
      expect(needed({ rollouts: [rollout({ status })] })).toEqual({ '1.0.0': 'rollout', ...PRESENT });
    const requests = [{ act: 'retry', digest }];
    expect(needed({ rollouts: [rollout({ requests })] })).toEqual({ '1.0.0': 'rollout', ...PRESENT });
  });

  it('is kept by what is published, also when its rollout is gone', () => {
    const choice = { version: '1.1.0', digest: of('1.1.0'), parameters: {} };
    const entry = { rollout: 'gone', candidate: null, stable: { ...choice, target: '*' }, exceptions: [] };
    const directive = { kind: 'Directive', entries: [entry] } as unknown as Directive;
    expect(needed({ directive })).toEqual({ '1.1.0': 'directive', ...PRESENT });
  });

  it('is kept by a device that runs it or has it', () => {
    expect(needed({ held: [{ device: 'till-7', digest: of('2.0.0') }] })).toEqual({ '2.0.0': 'device', ...PRESENT });
  });

  it('is kept by a rollout that asks for it: by its name, or as what a range or latest falls back to', () => {
    expect(needed({ rollouts: [rollout({ version: '1.0.0' })] })).toEqual({ '1.0.0': 'desired', ...PRESENT });
    expect(needed({ rollouts: [rollout({ version: '^1.0.0' })] })).toEqual({
      ...{ '1.0.0': 'desired', '1.1.0': 'desired' },
      ...PRESENT,
    });
    const many = Array.from({ length: 9 }, (_, i) => known(`${i + 1}.0.0`, i + 1));
    expect(
      Object.keys(needed({ manifests: many, rollouts: [rollout({ version: 'latest', stable: '9.0.0' })] })),
    ).toEqual(['5.0.0', '6.0.0', '7.0.0', '8.0.0', '9.0.0']);
  });

  it('that is rejected is nothing to fall back to, and hides nothing that is', () => {
    const many = Array.from({ length: 9 }, (_, i) => known(`${i + 1}.0.0`, i + 1));
    const status = { rejected: [{ version: '6.0.0', digest: of('6.0.0') }] };
    const rollouts = [rollout({ version: 'latest', stable: '9.0.0', status })];
    expect(needed({ manifests: many, rollouts })).toMatchObject({ '4.0.0': 'desired', '6.0.0': 'rollout' });
  });

  it('is kept while any rollout of its model runs an older one, or none', () => {
    const two = (stable: string | null) => [rollout(), rollout({ name: 'us', version: '4.0.0', stable })];
    expect(Object.keys(needed({ rollouts: two('2.0.0') }))).toEqual(['2.0.0', '3.0.0', '4.0.0']);
    expect(Object.keys(needed({ rollouts: two(null) }))).toHaveLength(5);
    expect(Object.keys(needed({ rollouts: [] }))).toHaveLength(5);
  });

  it('without a sequence is kept, and so are all when stable has none', () => {
    expect(needed({ manifests: [known('0.9.0'), ...MANIFESTS] })).toEqual({ '0.9.0': 'no-sequence', ...PRESENT });
    const bare = [...MANIFESTS.filter(({ manifest }) => manifest.metadata.version !== '3.0.0'), known('3.0.0')];
    expect(Object.keys(needed({ manifests: bare }))).toHaveLength(5);
  });

  it('of another model says nothing of this one', () => {
    const other = known('1.0.0', 1, 'door');
    expect(needed({ manifests: [...MANIFESTS.slice(2), other] })).toEqual({ '1.0.0': 'upcoming', ...PRESENT });
  });
});

it('what runs or is to run is told apart from what may come back: its manifest has to be known', () => {
  const status = { candidate: { version: '4.0.0', digest: of('4.0.0') }, rejected: [{ digest: of('1.0.0') }] };
  const { running } = neededVersions({
    ...{ manifests: [], rollouts: [rollout({ status })], directive: undefined, held: [] },
  });
  expect([...running].sort()).toEqual([of('3.0.0'), of('4.0.0')].sort());
});
