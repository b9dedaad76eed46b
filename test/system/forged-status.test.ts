// Proves that a status which the reconciler did not write moves no device and is put right, whatever signature lies beside it.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { digestOfJson, hexOf } from '../../src/contract/digest.ts';
import { EVIDENCE_PREDICATE_TYPE, IN_TOTO_STATEMENT_TYPE } from '../../src/contract/trust/statement.ts';
import type { Rollout, RolloutStatus } from '../../src/documents/types.generated.ts';
import { createReconcilerSigner, type ReconcilerSigner } from '../../src/signing/evidence-signer.ts';
import { digestOfText, rolloutText } from '../support/document-texts.ts';
import { answering, Installation, openHost, type StartedAgent } from '../support/installation.ts';
import { makeKey } from '../support/trust.ts';
import { until } from '../support/until.ts';

type Files = [string, string][];

const host = openHost();
let home: Installation;
let device: StartedAgent;
/** Signed by CI, and never asked for by anyone who may. */
let evilDigest: ReturnType<typeof digestOfText>;

const fileOf = (rollout: string): string => `rollouts/${rollout}.yaml`;

async function readRollout(rollout: string): Promise<Rollout & { status: RolloutStatus }> {
  await home.ci.pull();
  return parse(await home.ci.read(fileOf(rollout)));
}

function withStatus(rollout: Rollout, status: RolloutStatus): string {
  return stringify({ ...rollout, status });
}

/** Everyone on the evil version, at once. */
function evilStatus(status: RolloutStatus, evidence: string): RolloutStatus {
  const stable = { version: '6.6.6', digest: evilDigest, parameters: {}, target: '*' };
  return { ...status, revision: status.revision + 1, stable, evidence };
}

function evidenceFor(rollout: string, status: RolloutStatus, signer: ReconcilerSigner): string {
  return signer.signEvidence({
    _type: IN_TOTO_STATEMENT_TYPE,
    subject: [{ name: `rollouts/${rollout}/status`, digest: { sha256: hexOf(digestOfJson(status)) } }],
    predicateType: EVIDENCE_PREDICATE_TYPE,
    predicate: { rollout, revision: status.revision, status },
  });
}

interface Case {
  readonly title: string;
  readonly forge: () => Promise<Files>;
  /** What the commit that puts it right says. */
  readonly reason: RegExp;
}

const CASES: readonly Case[] = [
  {
    title: 'a status edited by hand beside its true evidence',
    forge: async () => {
      const own = await readRollout('own');
      return [[fileOf('own'), withStatus(own, evilStatus(own.status, own.status.evidence))]];
    },
    reason: /its evidence is about another status/,
  },
  {
    title: 'the status and evidence of another rollout',
    forge: async () => [[fileOf('own'), withStatus(await readRollout('own'), (await readRollout('other')).status)]],
    reason: /it names evidence of another rollout: evidence\/other\//,
  },
  {
    title: 'the evidence of another rollout, copied into this one’s folder',
    forge: async () => {
      const other = await readRollout('other');
      const evidence = 'evidence/own/900-start-full.json';
      return [
        [evidence, await home.ci.read(other.status.evidence)],
        [fileOf('own'), withStatus(await readRollout('own'), { ...other.status, evidence })],
      ];
    },
    reason: /its evidence is about another status/,
  },
  {
    title: 'an evidence signed by CI',
    forge: async () => {
      const own = await readRollout('own');
      const status = evilStatus(own.status, 'evidence/own/901-start-full.json');
      const signer = createReconcilerSigner(await home.ciKey());
      return [
        [status.evidence, evidenceFor('own', status, signer)],
        [fileOf('own'), withStatus(own, status)],
      ];
    },
    reason: /its evidence is signed with an unknown key/,
  },
  {
    title: 'an evidence signed by a stranger in the reconciler’s name',
    forge: async () => {
      const own = await readRollout('own');
      const status = evilStatus(own.status, 'evidence/own/902-start-full.json');
      const envelope = JSON.parse(evidenceFor('own', status, createReconcilerSigner(makeKey().key)));
      envelope.signatures[0].keyid = home.service.composed.signer.keyId;
      return [
        [status.evidence, JSON.stringify(envelope)],
        [fileOf('own'), withStatus(own, status)],
      ];
    },
    reason: /the signature of its evidence is wrong/,
  },
  {
    title: 'a status without the evidence that it names',
    forge: async () => {
      const own = await readRollout('own');
      const status = evilStatus(own.status, 'evidence/own/903-start-full.json');
      return [[fileOf('own'), withStatus(own, status)]];
    },
    reason: /its evidence evidence\/own\/903-start-full\.json is missing/,
  },
];

/** Every digest that any directive kept in the publication names. */
async function publishedDigests(): Promise<string> {
  const folder = path.join(home.set.home.publication, 'targets');
  const texts = await Promise.all((await readdir(folder)).map((name) => readFile(path.join(folder, name), 'utf8')));
  return texts.join('\n');
}

beforeAll(async () => {
  home = await Installation.open();
  const own = await home.release('own', '1.0.0', 0);
  const other = await home.release('other', '1.0.0', 0);
  const evil = await home.release('own', '6.6.6', 1);
  evilDigest = digestOfText(evil.manifest);
  await home.pushStart();
  await home.startService();
  device = await home.startAgent(host, { id: 'device-1' });
  await home.push('two rollouts', [
    ...own.files,
    ...other.files,
    ...evil.files,
    [fileOf('own'), rolloutText('own', 'own', '1.0.0')],
    [fileOf('other'), rolloutText('other', 'other', '1.0.0')],
  ]);
  for (const rollout of ['own', 'other'])
    await until(
      async () => (await home.steps(rollout)).at(-1)?.kind === 'complete',
      () => home.outlook(rollout),
    );
}, 180_000);

afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await host.close();
});

describe('pushed by someone who may push but is not the reconciler,', () => {
  test.each(CASES.map((one) => [one.title, one] as const))(
    '%s is put right by a commit that says why, and moves no device',
    async (_, one) => {
      const { forge, reason } = one;
      const before = (await readRollout('own')).status;
      const known = (await home.steps('own')).length;
      await home.push('slip it in', await forge());
      const step = await until(
        async () => (await home.steps('own'))[known],
        () => home.view(),
      );
      expect(step.kind).toBe('restore');
      expect(step.message.replace(/\s+/g, ' ')).toMatch(reason);
      const after = (await readRollout('own')).status;
      expect(after.revision).toBeGreaterThan(before.revision);
      expect({ ...after, revision: 0, since: '', evidence: '', opened: 0 }).toEqual({
        ...before,
        ...{ revision: 0, since: '', evidence: '', opened: 0 },
      });
      expect(await answering(device.agent, 'own')).toBe('1.0.0');
      expect(await publishedDigests()).not.toContain(evilDigest);
      expect((await home.steps('own')).length).toBe(known + 1);
      expect((await home.steps('other')).at(-1)?.kind).toBe('complete');
      expect((await home.view()).service.trouble).toBeNull();
    },
  );
});
