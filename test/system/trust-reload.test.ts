// Proves that the running service follows its trust policy: revocation takes a candidate back, a broken edit changes nothing, new keys count at once.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadTrustPolicy } from '../../src/cli/load-trust.ts';
import { DocumentVerifier } from '../../src/contract/trust/verifier.ts';
import { policyText, rolloutText } from '../support/document-texts.ts';
import { answering, Installation, openHost, running, type StartedAgent } from '../support/installation.ts';
import { makeKey } from '../support/trust.ts';
import { until } from '../support/until.ts';

const host = openHost();
const team = makeKey();
const successor = makeKey();
let home: Installation;
let device: StartedAgent;
/** The device's trust. */
let verifier: DocumentVerifier;

const CI = '    - { name: ci, key: keys/ci.pub, models: ["*"], policies: ["*"] }';
const teamIs = (more: string): string => `${CI}\n    - { name: team, key: keys/team.pub, models: ["*"]${more} }`;

async function untilStep(rollout: string, kind: string) {
  return until(
    async () => (await home.steps(rollout)).find((step) => step.kind === kind),
    async () => [await home.outlook(rollout), home.log.slice(-10)],
  );
}

async function problems(): Promise<string> {
  return (await home.view()).service.problems.join('\n');
}

beforeAll(async () => {
  home = await Installation.open();
  await writeFile(path.join(home.set.home.folder, 'keys', 'team.pub'), team.publicPem);
  await home.writeTrust(teamIs(''));
  await home.pushStart(await home.signed('policies/slow.yaml', policyText('slow', '1h')));
  await home.startService();
  verifier = new DocumentVerifier(await loadTrustPolicy(home.set.home.trustPolicy));
  const verifyModel: DocumentVerifier['verifyModel'] = (...asked) => verifier.verifyModel(...asked);
  device = await home.startAgent(host, { id: 'device-1', verifier: { verifyModel } });
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await host.close();
});

describe('while the service runs,', { timeout: 300_000 }, () => {
  test('revoking the signer of a candidate in mid-rollout takes it back to what another signed', async () => {
    const first = await home.release('sorter', '1.0.0', 0);
    const second = await home.release('sorter', '2.0.0', 1, team);
    await home.push('first', [...first.files, ['rollouts/sorter.yaml', rolloutText('sorter', 'sorter', '1.0.0')]]);
    await untilStep('sorter', 'complete');
    const asking = home.asking('sorter', '2.0.0', (text) => text.replace('policy: quick', 'policy: slow'));
    await home.push('second', [...second.files, asking]);
    await until(
      () => running(device.agent, 'sorter') === '2.0.0',
      () => home.outlook('sorter'),
    );
    await home.writeTrust(teamIs(', revoked: true'));
    const back = await untilStep('sorter', 'roll-back');
    expect(back.message.replace(/\s+/g, ' ')).toMatch(/its signer team is revoked/i);
    await until(
      () => running(device.agent, 'sorter') === '1.0.0',
      () => device.agent.status(),
    );
    expect(await answering(device.agent, 'sorter')).toBe('1.0.0');
    await home.push('ask again', [home.asking('sorter', '2.0.0')]);
    await home.untilStatusShows(/^sorter is stalled: SIGNER_REVOKED\n +2\.0\.0: Its signer "team" .* is revoked/m);
  });

  test('revoking the signer of what is stable leaves it serving; status, explain and an alert say what to do', async () => {
    await home.writeTrust(teamIs(''));
    const first = await home.release('filer', '1.0.0', 0, team);
    await home.push('filer', [...first.files, ['rollouts/filer.yaml', rolloutText('filer', 'filer', '1.0.0')]]);
    await untilStep('filer', 'complete');
    await home.writeTrust(teamIs(', revoked: true'));
    const stalled =
      /goes? on with 1\.0\.0, though trust in its signer was revoked: .*\. Roll out a version of a trusted signer/;
    await home.untilStatusShows(/^filer is stalled: SIGNER_REVOKED\n +1 device/m, stalled);
    expect((await home.slipway('explain', 'filer', '--repo', home.set.repositoryUrl)).stdout).toMatch(stalled);
    // The device learns it from its own trust policy.
    verifier = new DocumentVerifier(await loadTrustPolicy(home.set.home.trustPolicy));
    const told = await home.untilStatusShows(
      /1 device serves a version whose signer is revoked/,
      /device-1 {2}filer 1\.0\.0/,
    );
    expect(told).toMatch(/devices-on-revoked .*roll out a version of a trusted signer to these devices/);
    expect(await answering(device.agent, 'filer')).toBe('1.0.0');
  });

  test.each([
    ['is not YAML', () => '{', /DOCUMENT_|TRUST_/],
    [
      'names a key file that is not there',
      (text: string) => text.replace('keys/team.pub', 'keys/gone.pub'),
      /keys\/gone\.pub/,
    ],
    [
      'lets go of the reconciler’s own key',
      (text: string) => text.replace(/reconciler:[\s\S]*$/, 'reconciler: []\n'),
      /TRUST_POLICY_OWN_KEY|reconciler/,
    ],
  ])('an edit that %s leaves the policy before in force, and the log and the status say so', async (_, edit, told) => {
    const good = await readFile(home.set.home.trustPolicy, 'utf8');
    const known = (await home.steps()).length;
    await writeFile(home.set.home.trustPolicy, edit(good));
    const text = await until(async () => {
      const found = await problems();
      return /the previous one stays in force/.test(found) && found;
    }, problems);
    expect(text).toMatch(told);
    expect(home.log.filter((line) => /can't be used.*trust policy/.test(line))).not.toEqual([]);
    await home.untilStatusShows(/the previous one stays in force/);
    const name = `while-broken-${known}`;
    const release = await home.release(name, '1.0.0', 0);
    await home.push('go on', [...release.files, [`rollouts/${name}.yaml`, rolloutText(name, name, '1.0.0')]]);
    await untilStep(name, 'complete');
    expect((await home.steps()).filter((step) => step.kind === 'restore')).toEqual([]);
    const readings = () => home.log.filter((line) => /file read again.*trust policy/.test(line)).length;
    const before = readings();
    await writeFile(home.set.home.trustPolicy, good);
    await until(async () => (await problems()) === '', problems);
    await until(() => readings() === before + 1, 'the log to say that it was read again');
  });

  test('a key file that is replaced counts at once: what the new key signs starts, what the old one signs does not', async () => {
    await home.writeTrust(teamIs(''));
    await writeFile(path.join(home.set.home.folder, 'keys', 'team.pub'), successor.publicPem);
    const old = await home.release('old-key', '1.0.0', 0, team);
    const fresh = await home.release('new-key', '1.0.0', 0, successor);
    await home.push('both', [
      ...old.files,
      ...fresh.files,
      ['rollouts/old-key.yaml', rolloutText('old-key', 'old-key', '1.0.0')],
      ['rollouts/new-key.yaml', rolloutText('new-key', 'new-key', '1.0.0')],
    ]);
    await untilStep('new-key', 'start');
    await until(
      async () =>
        (await home.outlook('old-key'))?.waitingOn.some(
          (one) => one.kind === 'needs-fix' && one.fix.code === 'SIGNER_UNKNOWN',
        ),
      () => home.outlook('old-key'),
    );
    expect(await home.steps('old-key')).toEqual([]);
  });
});
