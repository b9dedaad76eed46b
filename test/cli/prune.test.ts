// Laws of `slipway prune`: what anybody may need stays, what nobody needs goes, and in doubt everything stays.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { planPrune, removeUnneeded } from '../../src/cli/prune-artifacts.ts';
import { type Digest, digestOf, hexOf } from '../../src/contract/digest.ts';
import { ArtifactUploads } from '../../src/distribution/artifact-uploads.ts';
import type { RepositoryFiles } from '../../src/git/repository-files.ts';
import type { DeviceRecord } from '../../src/store/device-register.ts';
import { directiveAt, entry, PublicationWorld } from '../distribution/publication-world.ts';
import { manifestText, policyText, rolloutText } from '../support/document-texts.ts';
import { CliSession } from './cli-session.ts';

const FUTURE = Date.now() + 3_600_000;
const bytesOf = (version: string): Buffer => Buffer.from(`weights of ${version}`);
const artifactOf = (version: string): Digest => digestOf(bytesOf(version));

function modelText(version: string, sequence: number): string {
  const artifact = artifactOf(version);
  return manifestText({ model: 'shelf', version, sequence, artifact, sizeBytes: bytesOf(version).length });
}

const TEXTS: Readonly<Record<string, string>> = Object.fromEntries(
  ['1', '2', '3', '4'].map((version, i) => [version, modelText(version, i + 1)]),
);
const manifestDigest = (version: string): Digest => digestOf(TEXTS[version] ?? '');

/** Version 3 is stable. */
function statusText(revision = 1): string {
  return `status:
  revision: ${revision}
  opened: 1
  state: idle
  stage: null
  since: 2026-11-20T10:00:00Z
  candidate: null
  stable: { version: "3", digest: "${manifestDigest('3')}", parameters: {}, target: "*" }
  target: "*"
  policy: null
  salt: null
  cohort: { cut: 0, select: null, devices: [] }
  limits: []
  rejected: []
  paused: null
  evidence: evidence/eu/1.json
`;
}

const REPOSITORY: Readonly<Record<string, string>> = {
  'slipway.yaml': 'apiVersion: slipway.dev/v1alpha1\nkind: Repository\nspec: {}\n',
  'policies/quick.yaml': policyText('quick', '1m'),
  'rollouts/eu.yaml': `${rolloutText('eu', 'shelf', '3')}${statusText()}`,
  ...Object.fromEntries(Object.entries(TEXTS).map(([version, text]) => [`models/shelf/${version}.yaml`, text])),
};

function filesOf(texts: Readonly<Record<string, string>>): RepositoryFiles {
  const paths = Object.keys(texts).sort();
  return { paths, skipped: [], read: async (file) => Buffer.from(texts[file] ?? '') };
}

describe('a plan', () => {
  let world: PublicationWorld;
  beforeEach(async () => {
    world = await PublicationWorld.open();
    mkdirSync(path.join(world.publication, 'artifacts'), { recursive: true });
    for (const version of ['1', '2', '3', '4', 'stray']) put(version);
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const put = (version: string): void =>
    writeFileSync(path.join(world.publication, 'artifacts', hexOf(artifactOf(version))), bytesOf(version));

  interface Given {
    readonly texts?: Readonly<Record<string, string>>;
    readonly devices?: readonly DeviceRecord[];
    readonly olderThanMs?: number;
  }

  const plan = ({ texts = REPOSITORY, devices = [], olderThanMs = FUTURE }: Given = {}) =>
    planPrune({ publication: world.publication, files: filesOf(texts), devices, olderThanMs });

  async function going(given: Given = {}): Promise<string[]> {
    const { unneeded } = await plan(given);
    return ['1', '2', '3', '4', 'stray'].filter((one) => unneeded.some(({ digest }) => digest === artifactOf(one)));
  }

  it('gives up what no version has and what only old versions have, and says why the rest stays', async () => {
    expect(await going()).toEqual(['1', '2', 'stray']);
    const { kept, unneeded } = await plan();
    expect(unneeded.flatMap(({ versions }) => versions).sort()).toEqual(['shelf 1', 'shelf 2']);
    expect(new Set(kept.map(({ keeping }) => keeping))).toEqual(
      new Set([
        { kind: 'needed', version: 'shelf 3', need: { kind: 'rollout', rollout: 'eu' } },
        { kind: 'needed', version: 'shelf 4', need: { kind: 'upcoming' } },
      ]),
    );
  });

  it('keeps what devices run or have on their disks', async () => {
    const running = { digest: manifestDigest('1'), version: '1', slot: 'A' as const };
    const state = { model: 'shelf', rollout: 'eu', revision: 1, running, state: 'committed' as const, subject: null };
    const device = { id: 'till-7', models: new Map([['shelf', state]]), tookCandidate: new Map() };
    const taking = { ...state, running: null, subject: { digest: manifestDigest('2'), attempt: 1 } };
    const other = { ...device, id: 'till-8', models: new Map([['shelf', taking]]) };
    expect(await going({ devices: [device as unknown as DeviceRecord] })).toEqual(['2', 'stray']);
    expect(await going({ devices: [device, other] as unknown as DeviceRecord[] })).toEqual(['stray']);
    const took = new Map([['eu', [{ digest: manifestDigest('2'), attempt: 1, firstSeenAtMs: 0, takenListenedMs: 0 }]]]);
    const third = { ...device, models: new Map(), tookCandidate: took };
    expect(await going({ devices: [third as unknown as DeviceRecord] })).toEqual(['1', 'stray']);
  });

  it('keeps what is published, by its published manifest when the branch has none any more', async () => {
    const stable = { version: '1', digest: manifestDigest('1'), parameters: {}, target: '*' };
    const entries = [entry({ rollout: 'gone', candidate: null, stable })];
    await world.publish({ kind: 'Directive', entries });
    expect(await going()).toEqual(['2', 'stray']);
    const { 'models/shelf/1.yaml': left, ...texts } = REPOSITORY;
    await expect(plan({ texts })).rejects.toMatchObject({ code: 'PRUNE_MANIFEST_MISSING' });
    mkdirSync(path.join(world.publication, 'manifests'), { recursive: true });
    writeFileSync(path.join(world.publication, 'manifests', `${hexOf(manifestDigest('1'))}.yaml`), left ?? '');
    expect(await going({ texts })).toEqual(['2', 'stray']);
  });

  it('keeps a file younger than asked, and an old one that an upload has found there', async () => {
    const nowMs = Date.now();
    expect(await going({ olderThanMs: nowMs - 3_600_000 })).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const betweenMs = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await new ArtifactUploads(world.publication, { quotaBytes: 1e9 }).find(artifactOf('1'));
    expect(await going({ olderThanMs: betweenMs })).toEqual(['2', 'stray']);
  });

  it('removes nothing that was used since it was made', async () => {
    const { unneeded } = await plan();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await new ArtifactUploads(world.publication, { quotaBytes: 1e9 }).find(artifactOf('2'));
    rmSync(path.join(world.publication, 'artifacts', hexOf(artifactOf('stray'))));
    const removed = await removeUnneeded(world.publication, unneeded);
    expect(removed.map(({ digest }) => digest)).toEqual([artifactOf('1')]);
    expect(readdirSync(path.join(world.publication, 'artifacts')).sort()).toEqual(
      ['2', '3', '4'].map((version) => hexOf(artifactOf(version))).sort(),
    );
  });

  it('leaves alone what is no artifact', async () => {
    const beside = ['.x.upload', 'readme', `${hexOf(artifactOf('1'))}.bak`];
    for (const name of beside) writeFileSync(path.join(world.publication, 'artifacts', name), 'x');
    await removeUnneeded(world.publication, (await plan()).unneeded);
    for (const name of beside) expect(existsSync(path.join(world.publication, 'artifacts', name))).toBe(true);
  });

  it('takes drafts for what they are: versions without files', async () => {
    const draft =
      'apiVersion: slipway.dev/v1alpha1\nkind: ModelDraft\nmetadata: { name: shelf, version: "5" }\nspec: {}\n';
    expect(await going({ texts: { ...REPOSITORY, 'models/shelf/5.yaml': draft } })).toEqual(['1', '2', 'stray']);
  });

  it('is refused while a document is broken or lies where nothing reads it', async () => {
    const broken = { ...REPOSITORY, 'rollouts/us.yaml': 'apiVersion: slipway.dev/v1alpha1\nkind: Rollout\n' };
    await expect(plan({ texts: broken })).rejects.toMatchObject({ code: 'PRUNE_BROKEN' });
    const stray = { ...REPOSITORY, 'rollout/us.yaml': rolloutText('us', 'shelf', '1') };
    await expect(plan({ texts: stray })).rejects.toMatchObject({ code: 'PRUNE_BROKEN' });
    await expect(plan({ texts: { 'readme.md': 'x' } })).rejects.toMatchObject({ code: 'REPO_NO_DOCUMENTS' });
  });

  it('is refused by a repository that is behind what is published', async () => {
    const { entries } = directiveAt(2);
    const [first] = entries;
    const stable = { version: '3', digest: manifestDigest('3'), parameters: {}, target: '*' };
    await world.publish({ kind: 'Directive', entries: [{ ...first!, rollout: 'eu', candidate: null, stable }] });
    await expect(plan()).rejects.toMatchObject({ code: 'PRUNE_BEHIND' });
    const texts = { ...REPOSITORY, 'rollouts/eu.yaml': `${rolloutText('eu', 'shelf', '3')}${statusText(2)}` };
    expect(await going({ texts })).toEqual(['1', '2', 'stray']);
  });

  it('is refused when what is published is damaged', async () => {
    await world.publish({ kind: 'Directive', entries: [] });
    rmSync(path.join(world.publication, 'targets'), { recursive: true });
    await expect(plan()).rejects.toMatchObject({ code: 'PRUNE_PUBLICATION' });
  });
});

test('the command shows what would go and why the rest stays, and then removes it', async () => {
  await using session = new CliSession();
  await session.run(['init', 'models', '--home', '.slipway']);
  for (const [file, text] of Object.entries(REPOSITORY)) session.write(`models/${file}`, text);
  session.git('models', 'add', '.');
  session.git('models', 'commit', '-q', '-m', 'versions');
  for (const version of ['1', '3'])
    session.write(`.slipway/publication/artifacts/${hexOf(artifactOf(version))}`, `weights of ${version}`);
  const artifacts = () => readdirSync(session.path('.slipway/publication/artifacts'));
  const young = await session.run(['prune', '--home', '.slipway', '--repo', 'models', '--dry-run']);
  expect(young).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringContaining('Would remove 0 artifacts, 0 bytes'),
  });
  await new SystemClock().sleep(1_100);
  const args = ['prune', '--home', '.slipway', '--repo', 'models', '--older-than', '1s'];
  const dry = await session.run([...args, '--dry-run']);
  expect(young.stdout).toContain('it was uploaded recently');
  expect(dry.stdout).toMatch(/would go +\S{12} +12 +shelf 1 +nobody needs it/);
  expect(dry.stdout).toMatch(/stays +\S{12} +12 +shelf 3 +rollout eu names it in its status or requests/);
  expect(artifacts()).toHaveLength(2);
  session.write('models/rollouts/us.yaml', 'kind: Rollout\n');
  const gone = await session.run([...args, '--json']);
  expect(JSON.parse(gone.stdout)).toMatchObject({
    ...{ dryRun: false, removedBytes: 12 },
    removed: [{ digest: artifactOf('1'), versions: ['shelf 1'] }],
    kept: [{ digest: artifactOf('3'), version: 'shelf 3' }],
  });
  expect(artifacts()).toEqual([hexOf(artifactOf('3'))]);
  session.git('models', 'add', '.');
  session.git('models', 'commit', '-q', '-m', 'broken');
  expect(await session.run(args)).toMatchObject({ code: 2, stderr: expect.stringContaining('PRUNE_BROKEN') });
}, 120_000);

test('a clone without a commit that the service has read is refused, whatever its rollouts say', async () => {
  await using session = new CliSession();
  await session.run(['init', 'models', '--home', '.slipway']);
  session.git('.', 'clone', '-q', 'models', 'old');
  for (const [file, text] of Object.entries(REPOSITORY)) session.write(`models/${file}`, text);
  session.git('models', 'add', '.');
  session.git('models', 'commit', '-q', '-m', 'versions');
  session.write(`.slipway/publication/artifacts/${hexOf(artifactOf('3'))}`, 'weights of 3');
  const prune = (repo: string) =>
    session.run(['prune', '--home', '.slipway', '--repo', repo, '--older-than', '0s', '--dry-run']);
  expect(await prune('old')).toMatchObject({ code: 0, stdout: expect.stringContaining('would go') });
  await session.serve(['--repo', 'models']);
  expect(await prune('old')).toMatchObject({ code: 2, stderr: expect.stringContaining('PRUNE_BEHIND') });
  expect(await prune('models')).toMatchObject({ code: 0, stdout: expect.stringContaining('Would remove 0 artifacts') });
  session.git('models', 'commit', '-q', '--allow-empty', '-m', 'later');
  expect(await prune('models')).toMatchObject({ code: 0 });
}, 120_000);
