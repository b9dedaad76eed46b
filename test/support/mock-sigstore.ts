// Owns a whole Sigstore for tests (certificate authority, its log, transparency log, timestamp authority) on one loopback port.
import { createHash, createPublicKey, generateKeyPairSync, KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Bundle, bundleToJSON } from '@sigstore/bundle';
import {
  fulcioHandler,
  initializeCA,
  initializeCTLog,
  initializeTLog,
  initializeTSA,
  tsaHandler,
} from '@sigstore/mock';
import { HashAlgorithm, PublicKeyDetails, TrustedRoot } from '@sigstore/protobuf-specs';
import {
  DSSEBundleBuilder,
  FulcioSigner,
  MessageSignatureBundleBuilder,
  RekorWitness,
  type Signer,
  TSAWitness,
  type Witness,
} from '@sigstore/sign';

/** Which proofs a bundle carries: the first transparency log (with its own timestamp), or the second with a timestamp authority. */
export type Proofs = 'rekor-v1' | 'rekor-v2+tsa' | 'tsa-only' | 'rekor-v2-only';

export interface MockSigstore extends AsyncDisposable {
  /** JSON of the trusted root that vouches for this instance. */
  readonly trustedRoot: Readonly<Record<string, unknown>>;
  readonly url: string;
  /** JSON of the signing config that names its services. */
  signingConfig(proofs: Proofs): Readonly<Record<string, unknown>>;
  /** An identity token as a CI job gets one; nobody checks its signature here. */
  token(claims: OidcClaims & Readonly<Record<string, unknown>>): string;
  /** From now on the path is answered by this; undefined leaves the request to the service, null ends the exchange. */
  intercept(path: string, answer: Interception): void;
  /** Every request so far. */
  readonly seen: readonly { readonly method: string; readonly path: string; readonly body: Buffer }[];
  /** What all its services take for the present from now on. */
  setTime(at: Date): void;
  /** A v0.3 bundle with a message signature by this identity. */
  signBlob(bytes: Buffer, who: OidcClaims | KeyObject, proofs?: Proofs): Promise<BundleJson>;
  /** A v0.3 bundle with an in-toto statement (or any payload of another type) by this identity. */
  attest(statement: unknown, who: OidcClaims, options?: { proofs?: Proofs; payloadType?: string }): Promise<BundleJson>;
}

export interface OidcClaims {
  readonly iss: string;
  /** Becomes the identity in the certificate. */
  readonly sub: string;
}

// biome-ignore lint/suspicious/noExplicitAny: tests take bundles apart
export type BundleJson = any;

const ecPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
const bytesOf = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

export const PATHS = {
  fulcio: '/api/v2/signingCert',
  'rekor-v1': '/api/v1/log/entries',
  'rekor-v2': '/api/v2/log/entries',
  tsa: '/api/v1/timestamp',
} as const;

export type Interception = (
  body: Buffer,
  serve: () => Promise<Answer>,
) => Answer | undefined | null | Promise<Answer | undefined | null>;

type Log = Awaited<ReturnType<typeof initializeTLog>>;
export interface Answer {
  statusCode: number;
  response: string | ArrayBufferView<ArrayBuffer>;
  contentType?: string;
  location?: string;
}

function created(value: unknown): Answer {
  return { statusCode: 201, response: JSON.stringify(value), contentType: 'application/json' };
}

/** @sigstore/mock 0.13 logs a proposed `dsse` entry as it was sent; a real log keeps hashes and signatures, which verifiers read. */
function logFirst(log: Log) {
  return async (body: string): Promise<Answer> => {
    const entry = JSON.parse(body);
    if (entry.kind === 'dsse') {
      const { envelope, verifiers } = entry.spec.proposedContent;
      const { payload, signatures } = JSON.parse(envelope);
      entry.spec = {
        envelopeHash: { algorithm: 'sha256', value: sha256(Buffer.from(envelope)).toString('hex') },
        payloadHash: { algorithm: 'sha256', value: sha256(Buffer.from(payload, 'base64')).toString('hex') },
        signatures: signatures.map(({ sig }: { sig: string }) => ({ signature: sig, verifier: verifiers[0] })),
      };
    }
    return created(await log.log(entry));
  };
}

/** Its own handler of the second log's interface answers a proof outside the tree, over the request in place of the entry. */
function logSecond(log: Log) {
  return async (body: string): Promise<Answer> => {
    const { hashedRekordRequestV002: blob, dsseRequestV002: dsse } = JSON.parse(body);
    const spec = blob
      ? { hashedRekordV002: { data: { algorithm: 'SHA2_256', digest: blob.digest }, signature: blob.signature } }
      : {
          dsseV002: {
            payloadHash: {
              algorithm: 'SHA2_256',
              digest: sha256(Buffer.from(dsse.envelope.payload, 'base64')).toString('base64'),
            },
            signatures: dsse.envelope.signatures.map(({ sig }: { sig: string }) => ({
              content: sig,
              verifier: dsse.verifiers[0],
            })),
          },
        };
    const kind = blob ? 'hashedrekord' : 'dsse';
    const [logged] = Object.values(await log.log({ kind, apiVersion: '0.0.2', spec })) as BundleJson[];
    const proof = logged.verification.inclusionProof;
    return created({
      logIndex: '0',
      logId: { keyId: Buffer.from(logged.logID, 'hex').toString('base64') },
      kindVersion: { kind, version: '0.0.2' },
      integratedTime: '0',
      canonicalizedBody: logged.body,
      inclusionProof: {
        logIndex: '0',
        treeSize: '1',
        rootHash: Buffer.from(proof.rootHash, 'hex').toString('base64'),
        hashes: [],
        checkpoint: { envelope: proof.checkpoint },
      },
    });
  };
}

/** Its own handler reads JSON, as Sigstore's authority does besides; RFC 3161 asks in DER, which ends with the digest. */
function stampRequest(body: Buffer): string {
  if (body[0] !== 0x30) return body.toString();
  return JSON.stringify({ artifactHash: body.subarray(-32).toString('base64'), hashAlgorithm: 'sha256' });
}

/** The mock authority does not check the token's signature, so none is made. */
function oidcToken(claims: OidcClaims): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none', typ: 'JWT' })}.${part({ aud: 'sigstore', exp: Math.floor(Date.now() / 1000) + 600, ...claims })}.`;
}

/** MessageSignatureBundleBuilder always writes version 0.2 with a chain; version 0.3 holds the leaf certificate alone. */
function liftToLatest(bundle: Bundle): BundleJson {
  const json = bundleToJSON(bundle) as BundleJson;
  const chain = json.verificationMaterial.x509CertificateChain;
  if (chain === undefined) return { ...json, mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json' };
  const { x509CertificateChain: _, ...material } = json.verificationMaterial;
  return {
    ...json,
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { ...material, certificate: chain.certificates[0] },
  };
}

/** Signs as `cosign sign-blob --key` does. */
function keySigner(key: KeyObject): Signer {
  const publicKey = createPublicKey(key);
  const hint = sha256(publicKey.export({ type: 'spki', format: 'der' })).toString('base64');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return {
    sign: async (data) => ({
      key: { $case: 'publicKey', publicKey: pem, hint },
      signature: sign('sha256', data, key),
    }),
  };
}

function signingConfig(url: string, proofs: Proofs): Readonly<Record<string, unknown>> {
  const service = (majorApiVersion: number, at = url) => [
    { url: at, majorApiVersion, validFor: { start: '2021-01-01T00:00:00Z' }, operator: 'mock' },
  ];
  return {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: service(1),
    rekorTlogUrls: service(proofs === 'rekor-v1' ? 1 : 2),
    tsaUrls: proofs.endsWith('tsa') ? service(1, `${url}${PATHS.tsa}`) : [],
    rekorTlogConfig: { selector: 'ANY' },
    tsaConfig: { selector: 'ANY' },
  };
}

export async function startMockSigstore(): Promise<MockSigstore> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let fixed: Date | undefined;
  // The services hold a reference to this clock. Whole seconds only: the mock authority drops trailing zeros of fractions,
  // and about one timestamp in ten would be unreadable.
  const clock = new Date();
  const tick = () => clock.setTime(Math.floor((fixed ?? new Date()).getTime() / 1000) * 1000);
  tick();
  const certificateLog = await initializeCTLog(ecPair(), clock);
  const authority = await initializeCA(ecPair(), certificateLog, clock);
  const log = await initializeTLog(url, ecPair(), clock);
  const timestamps = await initializeTSA(ecPair(), clock);
  const fulcio = fulcioHandler(authority, { subjectClaim: 'sub' });
  const stamp = tsaHandler(timestamps);
  const asText = (handler: (body: string) => Promise<Answer>) => (body: Buffer) => handler(body.toString());
  const stamped = stamp.fn as (body: string) => Promise<Answer>;
  const handlers = new Map<string, (body: Buffer) => Promise<Answer>>([
    [PATHS.fulcio, asText(fulcio.fn as (body: string) => Promise<Answer>)],
    [PATHS.tsa, (body) => stamped(stampRequest(body))],
    [PATHS['rekor-v1'], asText(logFirst(log))],
    [PATHS['rekor-v2'], asText(logSecond(log))],
  ]);
  const seen: { method: string; path: string; body: Buffer }[] = [];
  const interceptions = new Map<string, Interception>();
  server.on('request', async (request, response) => {
    const { url: path = '', method = '' } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    seen.push({ method, path, body });
    tick();
    const serve = async (): Promise<Answer> => (await handlers.get(path)?.(body)) ?? { statusCode: 404, response: '' };
    const intercepted = await interceptions.get(path)?.(body, serve);
    if (intercepted === null) {
      request.socket.destroy();
      return;
    }
    const { statusCode, response: content, contentType = 'text/plain', location } = intercepted ?? (await serve());
    const headers = { 'content-type': contentType, ...(location === undefined ? {} : { location }) };
    response.writeHead(statusCode, headers).end(content);
  });

  const validFor = { start: new Date(0), end: undefined };
  const asAuthority = (...certificates: ArrayBufferView[]) => ({
    subject: { commonName: 'mock', organization: 'mock' },
    uri: url,
    operator: 'mock',
    validFor,
    certChain: { certificates: certificates.map((certificate) => ({ rawBytes: bytesOf(certificate) })) },
  });
  const asLog = (key: Buffer) => ({
    baseUrl: url,
    operator: 'mock',
    hashAlgorithm: HashAlgorithm.SHA2_256,
    checkpointKeyId: undefined,
    logId: { keyId: sha256(key) },
    publicKey: { rawBytes: key, keyDetails: PublicKeyDetails.PKIX_ECDSA_P256_SHA_256, validFor },
  });
  const trustedRoot = TrustedRoot.toJSON({
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    certificateAuthorities: [asAuthority(authority.rootCertificate)],
    ctlogs: [asLog(certificateLog.publicKey)],
    tlogs: [asLog(log.publicKey)],
    timestampAuthorities: [asAuthority(timestamps.intCertificate, timestamps.rootCertificate)],
  }) as Record<string, unknown>;

  const parts = (who: OidcClaims | KeyObject, proofs: Proofs) => {
    const first = new RekorWitness({ rekorBaseURL: url, majorApiVersion: 1 });
    const second = new RekorWitness({ rekorBaseURL: url, majorApiVersion: 2 });
    const authorityWitness = new TSAWitness({ tsaBaseURL: url });
    const witnesses: Record<Proofs, Witness[]> = {
      'rekor-v1': [first],
      'rekor-v2+tsa': [second, authorityWitness],
      'tsa-only': [authorityWitness],
      'rekor-v2-only': [second],
    };
    if (who instanceof KeyObject) return { signer: keySigner(who), witnesses: witnesses[proofs] };
    const identityProvider = { getToken: async () => oidcToken(who) };
    return { signer: new FulcioSigner({ fulcioBaseURL: url, identityProvider }), witnesses: witnesses[proofs] };
  };
  return {
    url,
    trustedRoot,
    seen,
    token: oidcToken,
    intercept: (path, answer) => interceptions.set(path, answer),
    signingConfig: (proofs) => signingConfig(url, proofs),
    setTime: (at) => {
      fixed = at;
    },
    async signBlob(bytes, who, proofs = 'rekor-v1') {
      return liftToLatest(await new MessageSignatureBundleBuilder(parts(who, proofs)).create({ data: bytes }));
    },
    async attest(statement, who, { proofs = 'rekor-v1', payloadType = 'application/vnd.in-toto+json' } = {}) {
      const data = Buffer.from(JSON.stringify(statement));
      return liftToLatest(await new DSSEBundleBuilder(parts(who, proofs)).create({ data, type: payloadType }));
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
