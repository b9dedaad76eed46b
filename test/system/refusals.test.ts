// Proves that the reconciler starts nothing that is altered, unsigned or signed by someone who may not, says why, and carries on with the rest.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { policyText, rolloutText, withOneByteChanged } from '../support/document-texts.ts';
import { Installation, openHost, running, type StartedAgent } from '../support/installation.ts';
import { type MockSigstore, startMockSigstore } from '../support/mock-sigstore.ts';
import { makeKey } from '../support/trust.ts';
import { until } from '../support/until.ts';

type Files = [string, string][];

/** One bad document, what everyone must say of it, and the commit that mends it. */
interface Case {
  readonly title: string;
  readonly rollout: string;
  readonly code: string;
  readonly reason: RegExp;
  /** Files of the bad commit, and of the one that mends it. */
  readonly make: () => Promise<{ bad: Files; mended: Files }>;
}

const host = openHost();
const stranger = makeKey();
const visionTeam = makeKey();
const mayRelease = { iss: 'https://ci.example', sub: 'https://ci.example/team/models/release@main' };
const mayNot = { iss: 'https://ci.example', sub: 'https://ci.example/team/models/pull-request@fork' };
let home: Installation;
let sigstore: MockSigstore;
let device: StartedAgent;

const fileOf = (model: string): string => `models/${model}/1.0.0.yaml`;

/** A model's manifest, signed by CI, as the mended state; `spoil` makes the bad files of it. */
function spoiled(model: string, spoil: (text: string, good: Files) => Promise<Files>) {
  return async (): Promise<{ bad: Files; mended: Files }> => {
    const { text } = await home.manifest({ model, version: '1.0.0' });
    const mended = await home.signed(fileOf(model), text);
    return { bad: await spoil(text, mended), mended };
  };
}

/** Keeps the good document beside a bad signature. */
const withBundle = (model: string, text: string, bundle: unknown): Files => [
  [fileOf(model), text],
  [`${fileOf(model)}.sigstore.json`, JSON.stringify(bundle)],
];

const CASES: readonly Case[] = [
  {
    title: 'a manifest altered by one byte after it was signed',
    rollout: 'altered',
    code: 'SIGNATURE_WRONG',
    reason: /1\.0\.0: .*(signature|digest)/i,
    make: spoiled('altered', async (text, [, signature]) => [
      [fileOf('altered'), withOneByteChanged(text, ' paper')],
      signature as [string, string],
    ]),
  },
  {
    title: 'a manifest signed by a key that the trust policy does not name',
    rollout: 'strange-key',
    code: 'SIGNER_UNKNOWN',
    reason: /1\.0\.0: .*not in the trust policy/,
    make: spoiled('strange-key', (text) => home.signed(fileOf('strange-key'), text, stranger)),
  },
  {
    title: 'a manifest signed without a key by an identity that the trust policy does not name',
    rollout: 'strange-identity',
    code: 'SIGNER_UNKNOWN',
    reason: /1\.0\.0: It is signed by https:\/\/ci\.example\/team\/models\/pull-request@fork.*not in the trust policy/,
    make: async () => {
      const { text } = await home.manifest({ model: 'strange-identity', version: '1.0.0' });
      const by = async (who: typeof mayNot) =>
        withBundle('strange-identity', text, await sigstore.signBlob(Buffer.from(text), who));
      return { bad: await by(mayNot), mended: await by(mayRelease) };
    },
  },
  {
    title: 'a manifest without a signature',
    rollout: 'unsigned',
    code: 'SIGNATURE_MISSING',
    reason: /1\.0\.0: It is not signed/,
    make: spoiled('unsigned', async (text) => [[fileOf('unsigned'), text]]),
  },
  {
    title: 'a manifest by a signer who may not sign this model',
    rollout: 'not-theirs',
    code: 'SIGNER_NOT_ALLOWED',
    reason: /1\.0\.0: Its signer "vision-team" .*may not sign the model "not-theirs"/,
    make: spoiled('not-theirs', (text) => home.signed(fileOf('not-theirs'), text, visionTeam)),
  },
  {
    title: 'a manifest beside the signature of another one',
    rollout: 'swapped',
    code: 'SIGNATURE_WRONG',
    reason: /1\.0\.0: .*(signature|digest)/i,
    make: spoiled('swapped', async (text) => {
      const { text: other } = await home.manifest({ model: 'swapped', version: '9.9.9' });
      const [, [, bundle]] = (await home.signed('x', other)) as [[string, string], [string, string]];
      return [
        [fileOf('swapped'), text],
        [`${fileOf('swapped')}.sigstore.json`, bundle],
      ];
    }),
  },
  {
    title: 'a manifest whose altered byte makes it unreadable',
    rollout: 'unreadable',
    code: 'DOCUMENT_SYNTAX',
    reason: /1\.0\.0/,
    make: spoiled('unreadable', async (text, [, signature]) => [
      [fileOf('unreadable'), withOneByteChanged(text, ' framework: onnx')],
      signature as [string, string],
    ]),
  },
];

const POLICY_CASES: readonly Case[] = [
  { title: 'a policy without a signature', rollout: 'policy-unsigned', code: 'SIGNATURE_MISSING', spoil: 'unsigned' },
  { title: 'a policy altered by one byte', rollout: 'policy-altered', code: 'SIGNATURE_WRONG', spoil: 'altered' },
  { title: 'a policy of a stranger', rollout: 'policy-strange', code: 'SIGNER_UNKNOWN', spoil: 'strange' },
].map(({ spoil, ...one }) => ({
  ...one,
  reason: new RegExp(`^policy ${one.rollout}: .*(signed|digest)`),
  make: async () => {
    const file = `policies/${one.rollout}.yaml`;
    const text = policyText(one.rollout, '0s');
    const mended = (await home.signed(file, text)) as Files;
    const [, signature] = mended as [[string, string], [string, string]];
    const bad: Record<string, Files> = {
      unsigned: [[file, text]],
      altered: [[file, withOneByteChanged(text, ' a moment')], signature],
      strange: await home.signed(file, text, stranger),
    };
    const { text: model } = await home.manifest({ model: one.rollout, version: '1.0.0' });
    const model1 = (await home.signed(fileOf(one.rollout), model)) as Files;
    return { bad: [...(bad[spoil] ?? []), ...model1], mended };
  },
}));

const ALL = [...CASES, ...POLICY_CASES];
const made = new Map<string, { bad: Files; mended: Files }>();
const isPolicyCase = (one: Case): boolean => POLICY_CASES.includes(one);
/** The document that is bad. */
const documentOf = (one: Case): string => (isPolicyCase(one) ? `policies/${one.rollout}.yaml` : fileOf(one.rollout));

beforeAll(async () => {
  home = await Installation.open();
  sigstore = await startMockSigstore();
  await writeFile(path.join(home.set.home.folder, 'trusted_root.json'), JSON.stringify(sigstore.trustedRoot));
  await home.writeTrust(
    `    - { name: ci, key: keys/ci.pub, models: ["*"], policies: ["*"] }
    - { name: vision-team, publicKey: ${JSON.stringify(visionTeam.publicPem)}, models: ["vision-*"] }
    - { name: release, keyless: { issuer: "${mayRelease.iss}", identity: "${mayRelease.sub}" }, models: ["*"] }`,
    home.set.home.trustPolicy,
    '  trustedRoot: trusted_root.json\n',
  );
  for (const one of ALL) made.set(one.rollout, await one.make());
  const { text: good } = await home.manifest({ model: 'good', version: '1.0.0' });
  await home.pushStart(await home.signed(fileOf('good'), good));
  await home.startService();
  device = await home.startAgent(host, { id: 'device-1' });
  await home.push('ask for everything', [
    ...[...made.values()].flatMap(({ bad }) => bad),
    ...ALL.map((one): [string, string] => [
      `rollouts/${one.rollout}.yaml`,
      rolloutText(one.rollout, one.rollout, '1.0.0', isPolicyCase(one) ? one.rollout : 'quick'),
    ]),
    ['rollouts/good.yaml', rolloutText('good', 'good', '1.0.0')],
  ]);
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await sigstore[Symbol.asyncDispose]();
  await host.close();
});

describe('what is not rightly signed', () => {
  test('does not hold up what is: another rollout of the same commit becomes stable on the device', async () => {
    await until(
      () => running(device.agent, 'good') === '1.0.0',
      () => home.view(),
    );
    await until(
      async () => (await home.steps('good')).at(-1)?.kind === 'complete',
      () => home.steps('good'),
    );
  });

  test.each(ALL.map((one) => [one.title, one] as const))(
    '%s never starts, and the service says why',
    async (_, one) => {
      const { rollout, code } = one;
      const outlook = await until(
        async () => {
          const found = await home.outlook(rollout);
          return found?.waitingOn.some((one) => one.kind === 'needs-fix') === true && found;
        },
        () => home.outlook(rollout),
      );
      expect(outlook.waitingOn).toEqual([{ kind: 'needs-fix', fix: expect.objectContaining({ code }) }]);
      expect(outlook.conditions).toContainEqual(
        expect.objectContaining({
          type: 'Stalled',
          status: true,
          reason: code,
          fix: expect.objectContaining({ code }),
        }),
      );
      expect(await home.steps(rollout)).toEqual([]);
      expect(running(device.agent, rollout)).toBeUndefined();
    },
  );

  test('is shown by `slipway status`, in words and as JSON, with version and code', async () => {
    const text = await home.slipway('status');
    const json = await home.slipway('status', '--json');
    expect([text.code, json.code]).toEqual([0, 0]);
    const { rollouts } = JSON.parse(json.stdout) as {
      rollouts: { rollout: string; waitingOn: { fix?: { code: string } }[] }[];
    };
    for (const { rollout, code } of ALL) {
      expect(rollouts.find((one) => one.rollout === rollout)?.waitingOn[0]?.fix?.code).toBe(code);
      expect(text.stdout).toMatch(new RegExp(`^${rollout} is stalled: ${code}$`, 'm'));
    }
    for (const { reason } of CASES) expect(text.stdout).toMatch(reason);
  });

  test('is refused by `slipway verify` and `slipway validate --trust` with the same codes', async () => {
    await home.ci.pull();
    const readable = ALL.filter((one) => one.rollout !== 'unreadable');
    const trust = ['--trust', home.set.home.trustPolicy, '--json'];
    const files = readable.map((one) => path.join(home.ci.folder, documentOf(one)));
    const verified = await home.slipway('verify', ...files, ...trust);
    const validated = await home.slipway('validate', '--repo', home.ci.folder, ...trust);
    expect([verified.code, validated.code]).toEqual([1, 1]);
    const answers = JSON.parse(verified.stdout) as { file: string; verified: boolean; code: string | null }[];
    const { errors } = JSON.parse(validated.stdout) as { errors: { code: string; at: { file: string } }[] };
    for (const one of ALL) {
      const told = errors.filter(({ at }) => at.file === documentOf(one)).map(({ code }) => code);
      expect(told, one.title).toContain(one.code);
    }
    expect(answers.map(({ code }) => code)).toEqual(readable.map(({ code }) => code));
  });

  test('starts as soon as a commit mends it, while the others wait on, and the service has lived through all of it', async () => {
    const [first, ...others] = ALL.map(({ rollout }) => rollout) as [string, ...string[]];
    const starts = async (rollout: string) => {
      await until(
        () => running(device.agent, rollout) === '1.0.0',
        () => home.outlook(rollout),
      );
      expect((await home.steps(rollout))[0]?.kind).toBe('start');
    };
    await home.push(`mend ${first}`, made.get(first)?.mended ?? []);
    await starts(first);
    for (const rollout of others) expect(await home.steps(rollout)).toEqual([]);
    await home.push(
      'mend the others',
      others.flatMap((rollout) => made.get(rollout)?.mended ?? []),
    );
    for (const rollout of others) await starts(rollout);
    expect((await home.view()).service.trouble).toBeNull();
  });
});
