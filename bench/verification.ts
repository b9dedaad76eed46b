// Owns the benchmark of verification: manifests, evidence and reports, beside the signature check alone.
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { digestOf } from '../src/contract/digest.ts';
import { parseReport } from '../src/contract/parse-report.ts';
import { REPORT_PAYLOAD_TYPE } from '../src/contract/report.ts';
import { signDsse, verifyDsse } from '../src/contract/trust/dsse.ts';
import { keyIdOf, reconcilerKeysOf } from '../src/contract/trust/keys.ts';
import { type DocumentVerifier, verifyEvidence } from '../src/contract/trust/verifier.ts';
import { signBytes } from '../src/signing/sign-document.ts';
import { startMockSigstore } from '../test/support/mock-sigstore.ts';
import { makeKey, verifierFor } from '../test/support/trust.ts';
import type { Benchmark, Line } from './benchmark.ts';
import { ratePerSecond, type Spread } from './measure.ts';
import { reportOf } from './report-load.ts';

const question = { model: 'invoice-ocr', now: Date.parse('2026-11-20T10:00:00Z'), purpose: 'admit' } as const;

function manifestBytes(n: number): Buffer {
  const filler = Array.from(
    { length: 20 },
    (_, i) => `    - { role: labels, name: file-${i}, digest: "${digestOf(`${n} ${i}`)}" }`,
  );
  return Buffer.from(`apiVersion: slipway.dev/v1alpha1\nkind: ModelManifest\nspec:\n  files:\n${filler.join('\n')}\n`);
}

export interface VerificationOrder {
  readonly documents: number;
  readonly runs: number;
}

/** `crypto.verify` of a P-256 signature over the same bytes. */
function bareRate(bytes: Buffer, { documents: times, runs }: VerificationOrder): Spread {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const signature = sign('sha256', bytes, privateKey);
  return ratePerSecond(
    () => {
      if (!verify('sha256', bytes, publicKey, signature)) throw new Error('refused');
    },
    { times, runs },
  );
}

interface Signed {
  readonly bytes: Buffer;
  readonly bundle: Buffer;
}

function verifyModel(verifier: DocumentVerifier, { bytes, bundle }: Signed): void {
  const answer = verifier.verifyModel(bytes, bundle, question);
  if (answer.kind !== 'verified') throw new Error(answer.reason);
}

function keySigned(order: VerificationOrder): Line[] {
  const ci = makeKey();
  const signed = Array.from({ length: order.documents }, (_, n): Signed => {
    const bytes = manifestBytes(n);
    return { bytes, bundle: Buffer.from(JSON.stringify(signBytes(bytes, ci.key), null, 2)) };
  });
  const peer = { what: 'crypto.verify', spread: bareRate(manifestBytes(0), order) };
  const rate = (cacheEntries: number): Spread => {
    const verifier = verifierFor([{ name: 'ci', publicKey: ci.publicPem }], { cacheEntries });
    const at = (i: number): Signed => signed[i % signed.length] as Signed;
    return ratePerSecond((i) => verifyModel(verifier, at(i)), { times: order.documents, runs: order.runs });
  };
  return [
    { what: 'manifest signed by key, first time', unit: '/s', ours: rate(0), peer },
    { what: 'manifest signed by key, seen before', unit: '/s', ours: rate(order.documents + 1), peer },
  ];
}

function dsse(order: VerificationOrder): Line[] {
  const reconciler = makeKey();
  const keyid = keyIdOf(createPublicKey(reconciler.publicPem));
  const statement = {
    ...{ _type: 'https://in-toto.io/Statement/v1', predicateType: 'https://slipway.dev/evidence/v1' },
    subject: [{ name: 'rollouts/invoice-ocr-eu/status', digest: { sha256: digestOf('status').slice(7) } }],
    predicate: {
      rules: Array.from({ length: 8 }, (_, i) => ({ rule: `error_rate < ${i} %`, upper: i / 7, n: 12_480 })),
    },
  };
  const payload = Buffer.from(JSON.stringify(statement));
  const evidence = JSON.stringify(signDsse('application/vnd.in-toto+json', payload, { keyid, key: reconciler.key }));
  const keys = reconcilerKeysOf([{ key: reconciler.publicKey }]);
  const report = Buffer.from(JSON.stringify(reportOf({ id: 'kiosk-1', epoch: 1, privatePem: '' }, 0, 1)));
  const envelope = signDsse(REPORT_PAYLOAD_TYPE, report, { keyid: 'kiosk-1', key: reconciler.key });
  const times = order.documents;
  return [
    {
      what: 'evidence of a status',
      unit: '/s',
      ours: ratePerSecond(
        () => {
          const check = verifyEvidence(evidence, keys);
          if (check.kind !== 'verified') throw new Error(check.reason);
        },
        { times, runs: order.runs },
      ),
      peer: { what: 'crypto.verify', spread: bareRate(payload, order) },
    },
    {
      what: 'report of a device, checked and parsed',
      unit: '/s',
      ours: ratePerSecond(
        () => {
          const check = verifyDsse(envelope, () => reconciler.publicKey, REPORT_PAYLOAD_TYPE);
          if (check.kind === 'refused') throw new Error(check.reason);
          parseReport(check.payload);
        },
        { times, runs: order.runs },
      ),
      peer: { what: 'crypto.verify', spread: bareRate(report, order) },
    },
  ];
}

const ISSUER = 'https://token.actions.githubusercontent.com';
const WORKFLOW = 'https://github.com/org/models/.github/workflows/release.yml@refs/heads/main';

/** Certificate, log entry and timestamp of a whole (local) Sigstore; seen before, it costs what a key's does. */
async function keyless(order: VerificationOrder): Promise<Line[]> {
  await using sigstore = await startMockSigstore();
  const bytes = manifestBytes(0);
  const bundle = Buffer.from(JSON.stringify(await sigstore.signBlob(bytes, { iss: ISSUER, sub: WORKFLOW })));
  const signer = { name: 'ci', keyless: { issuer: ISSUER, identity: WORKFLOW } };
  const verifier = verifierFor([signer], { trustedRoot: sigstore.trustedRoot, cacheEntries: 0 });
  const times = Math.max(1, Math.floor(order.documents / 50));
  return [
    {
      what: 'manifest signed without key, first time',
      unit: '/s',
      ours: ratePerSecond(() => verifyModel(verifier, { bytes, bundle }), { times, runs: order.runs }),
      peer: { what: 'crypto.verify', spread: bareRate(bytes, order) },
    },
  ];
}

export async function measureVerification(order: VerificationOrder): Promise<Line[]> {
  return [...keySigned(order), ...(await keyless(order)), ...dsse(order)];
}

export const verificationBenchmark: Benchmark = {
  name: 'verification',
  title: 'signatures checked, one core',
  run: async () => ({
    groups: [{ title: 'P-256 throughout', lines: await measureVerification({ documents: 2_000, runs: 7 }) }],
    notes: [
      'The peer checks one signature over the same bytes with a key at hand; ours also parse the bundle, digest the bytes, judge the signer by the policy and remember the answer.',
    ],
  }),
};
