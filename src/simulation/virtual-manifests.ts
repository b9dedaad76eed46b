// Owns the manifests repository of a virtual world: documents as people and CI write them, signed so that the service admits them.
import { createECDH, createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { toIsoSeconds } from '../base/clock.ts';
import { type Digest, digestOf, digestOfJson, hexOf } from '../contract/digest.ts';
import { EVIDENCE_PREDICATE_TYPE, IN_TOTO_STATEMENT_TYPE } from '../contract/trust/statement.ts';
import { buildTrustPolicy, type TrustPolicy } from '../contract/trust/trust-policy.ts';
import { spliceStatus } from '../documents/edit-rollout.ts';
import type { RolloutPolicy, RolloutStatus } from '../documents/types.generated.ts';
import { blankStatus } from '../rollout/next-status.ts';
import { createReconcilerSigner, type ReconcilerSigner } from '../signing/evidence-signer.ts';
import { signBytes } from '../signing/sign-document.ts';
import { statusSubject } from '../snapshot/evidence.ts';
import { USUAL_ANSWERS } from './behaviour.ts';
import { type Scenario, USUAL_BYTES, USUAL_HEALTH } from './scenario.ts';

export interface VirtualKeys {
  readonly ci: KeyObject;
  readonly reconciler: ReconcilerSigner;
  readonly trust: TrustPolicy;
}

/** The same key for the same owner each time: messages name keys, and a rehearsal is told alike each time. */
function keyOf(owner: string): KeyObject {
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(createHash('sha256').update(`virtual key of ${owner}`).digest());
  const point = pair.getPublicKey();
  const [x, y] = [point.toString('base64url', 1, 33), point.toString('base64url', 33)];
  const d = pair.getPrivateKey().toString('base64url');
  return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', x, y, d }, format: 'jwk' });
}

function publicPem(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
}

/** Keys of a virtual world alone: anyone can make them. */
export function makeVirtualKeys(): VirtualKeys {
  const [ci, own] = [keyOf('ci'), keyOf('reconciler')];
  const signers = [{ name: 'ci', publicKey: publicPem(ci), models: ['*'], policies: ['*'] }];
  const trust = buildTrustPolicy({ spec: { signers, reconciler: [{ publicKey: publicPem(own) }] } }, new Map());
  return { ci, reconciler: createReconcilerSigner(own), trust };
}

/** Path to text. */
export type ManifestFiles = Readonly<Record<string, string>>;

export interface WrittenDocument {
  readonly files: ManifestFiles;
  readonly digest: Digest;
}

function signed(path: string, text: string, { ci }: VirtualKeys): WrittenDocument {
  const bundle = JSON.stringify(signBytes(Buffer.from(text), ci));
  return { files: { [path]: text, [`${path}.sigstore.json`]: bundle }, digest: digestOf(text) };
}

/** A version's manifest, signed by CI. */
export function writeModel(
  { model, version }: Pick<VirtualRollout, 'model' | 'version'>,
  {
    modelBytes: sizeBytes = USUAL_BYTES,
    health = USUAL_HEALTH,
    manifest: own,
    answers = USUAL_ANSWERS,
  }: Pick<Scenario, 'modelBytes' | 'health' | 'manifest' | 'answers'>,
  keys: VirtualKeys,
): WrittenDocument {
  const artifact = digestOf(`${model} ${version}`);
  const classes = answers.classes.map(([name]) => name);
  const file = { role: 'model', name: 'model.onnx', digest: artifact, sizeBytes, url: `artifacts/${hexOf(artifact)}` };
  const inputs = [{ name: 'x', type: 'float32', shape: [-1, 4] }];
  const outputs = answers.outputs ?? [{ name: 'probabilities', type: 'float32', shape: [-1, classes.length], classes }];
  const manifest = {
    ...{ apiVersion: 'slipway.dev/v1alpha1', kind: 'ModelManifest', metadata: { name: model, version } },
    spec: {
      ...(own ?? { framework: 'onnx', interface: { inputs, outputs }, variants: [{ platform: 'any', files: [file] }] }),
      health,
    },
  };
  return signed(`models/${model}/${version}.yaml`, `${JSON.stringify(manifest, null, 2)}\n`, keys);
}

/** The policy for every rollout of the virtual world. Nothing is watched: a rehearsal ends where that begins. */
export function writePolicy(policy: RolloutPolicy, keys: VirtualKeys): WrittenDocument {
  const { watch: _, ...spec } = policy.spec;
  const rehearsed = { ...policy, spec: { ...spec, appliesTo: { rollouts: ['*'] } } };
  return signed(`policies/${policy.metadata.name}.yaml`, `${JSON.stringify(rehearsed, null, 2)}\n`, keys);
}

export interface VirtualRollout {
  readonly name: string;
  readonly model: string;
  readonly version: string;
  readonly policy: string;
  /** All devices unless given. */
  readonly target?: string;
}

export function rolloutPath(rollout: string): string {
  return `rollouts/${rollout}.yaml`;
}

/** As a person writes it, without a status. */
export function rolloutText({ name, model, version, policy, target = '*' }: VirtualRollout): string {
  return `apiVersion: slipway.dev/v1alpha1
kind: Rollout
metadata: { name: ${name} }
spec:
  model: ${model}
  version: "${version}"
  policy: ${policy}
  target: "${target}"
`;
}

/**
 * A rollout whose version is stable on all devices of its target, with the evidence that says so. It came by the same policy, so what its rules ask for is
 * counted from the beginning.
 */
export function writeSettled(
  order: VirtualRollout & { readonly digest: Digest; readonly policyDigest: Digest; readonly sinceMs: number },
  { reconciler }: VirtualKeys,
): { readonly files: ManifestFiles; readonly status: RolloutStatus } {
  const { name, model, version, digest, policyDigest, sinceMs, target = '*' } = order;
  const evidence = `evidence/${name}/1-full-stable.json`;
  const status: RolloutStatus = {
    ...blankStatus(target, sinceMs),
    ...{ model, revision: 1, opened: 1, policy: policyDigest, evidence },
    stable: { version, digest, parameters: {}, target },
  };
  const subject = [{ name: statusSubject(name), digest: { sha256: hexOf(digestOfJson(status)) } }];
  const transition = { kind: 'complete', from: 'full', to: 'stable', model, reason: { kind: 'earned' } };
  const nothing = { previous: null, observed: '', documents: {}, inputs: {}, verdict: null, cohort: null };
  const predicate = { rollout: name, revision: 1, decidedAt: toIsoSeconds(sinceMs), transition, status, ...nothing };
  const types = { _type: IN_TOTO_STATEMENT_TYPE, predicateType: EVIDENCE_PREDICATE_TYPE } as const;
  const files = {
    [rolloutPath(name)]: spliceStatus(rolloutText(order), status),
    [evidence]: reconciler.signEvidence({ ...types, subject, predicate }),
  };
  return { files, status };
}
