// Owns what Fulcio, Rekor (versions 1 and 2) and timestamp authorities are asked, and what of their answers a bundle holds.
import { createHash, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { TransparencyLogEntry } from '@sigstore/protobuf-specs';
import { exchange, type Network, type Question, readJson, unusable } from './exchange.ts';
import type { IdentityToken } from './identity-token.ts';
import type { LogService } from './signing-config.ts';

const JSON_HEADERS = { 'content-type': 'application/json', accept: 'application/json' };

/** A key that lives for one signature. */
export interface OneTimeKey {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** What a witness gets to see. */
export interface Signature {
  /** SHA-256 of the document. */
  readonly digest: Buffer;
  /** DER. */
  readonly signature: Buffer;
  readonly certificate: X509Certificate;
}

/** The certificate for the key that Fulcio gives to who shows this token (API v2). */
export async function requestCertificate(
  url: string,
  { publicKey, privateKey }: OneTimeKey,
  token: IdentityToken,
  network: Network,
): Promise<X509Certificate> {
  const question: Question = {
    service: 'Fulcio',
    url: `${url}/api/v2/signingCert`,
    headers: JSON_HEADERS,
    body: JSON.stringify({
      credentials: { oidcIdentityToken: token.text },
      publicKeyRequest: {
        publicKey: { algorithm: 'ECDSA', content: publicKey.export({ type: 'spki', format: 'pem' }) },
        proofOfPossession: sign('sha256', Buffer.from(token.subject), privateKey).toString('base64'),
      },
    }),
    hasSecret: true,
    refusedRemedy:
      'Check that this Sigstore accepts the issuer of the token (--dry-run shows it) and its audience, and that the token is fresh.',
  };
  const answer = await exchange(question, network);
  return readJson(question, answer, (json) => {
    const { signedCertificateEmbeddedSct: given } = json as FulcioAnswer;
    return new X509Certificate(given.chain.certificates[0] ?? '');
  });
}

/** Certificates whose timestamp of the log comes apart from them fit in no bundle. */
interface FulcioAnswer {
  readonly signedCertificateEmbeddedSct: { readonly chain: { readonly certificates: readonly string[] } };
}

/** JSON of the log entry, as a bundle holds it. */
export function requestLogEntry(log: LogService, what: Signature, network: Network): Promise<unknown> {
  return log.version === 1 ? logFirst(log.url, what, network) : logSecond(log.url, what, network);
}

const LOG_REMEDY = 'Check the address and the version (majorApiVersion) of the log in the signing config.';

async function logFirst(url: string, { digest, signature, certificate }: Signature, network: Network) {
  const entries = `${url}/api/v1/log/entries`;
  const question: Question = {
    service: 'Rekor',
    url: entries,
    headers: JSON_HEADERS,
    body: JSON.stringify({
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: {
        data: { hash: { algorithm: 'sha256', value: digest.toString('hex') } },
        signature: {
          content: signature.toString('base64'),
          publicKey: { content: Buffer.from(certificate.toString()).toString('base64') },
        },
      },
    }),
    hasSecret: false,
    refusedRemedy: LOG_REMEDY,
  };
  let answer = await exchange(question, network);
  if (answer.status === 409) {
    // An answer was lost on its way: the entry of the try before is there.
    const id = /\/([0-9a-f]{64,80})$/.exec(answer.headers.get('location') ?? '')?.[1];
    if (id === undefined) throw unusable(question, answer);
    const known = { ...question, url: `${entries}/${id}` };
    const { body: _, ...asked } = known;
    answer = await exchange(asked, network);
  }
  return readJson(question, answer, (json) => toLogEntry(Object.values(json as Record<string, RekorEntry>)));
}

/** An entry as version 1 of Rekor writes it: hexadecimal digits where bundles have base64. */
interface RekorEntry {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: {
      readonly checkpoint: string;
      readonly hashes: readonly string[];
      readonly logIndex: number;
      readonly rootHash: string;
      readonly treeSize: number;
    };
  };
}

function toLogEntry([entry, ...more]: readonly RekorEntry[]) {
  if (entry === undefined || more.length > 0) throw new TypeError('not one entry');
  const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
  const { kind, apiVersion } = JSON.parse(Buffer.from(entry.body, 'base64').toString('utf8'));
  const { signedEntryTimestamp, inclusionProof: proof } = entry.verification;
  return {
    logIndex: String(entry.logIndex),
    logId: { keyId: base64(entry.logID) },
    kindVersion: { kind, version: apiVersion },
    integratedTime: String(entry.integratedTime),
    inclusionPromise: { signedEntryTimestamp },
    inclusionProof: {
      logIndex: String(proof.logIndex),
      rootHash: base64(proof.rootHash),
      treeSize: String(proof.treeSize),
      hashes: proof.hashes.map(base64),
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: entry.body,
  };
}

async function logSecond(url: string, { digest, signature, certificate }: Signature, network: Network) {
  const question: Question = {
    service: 'Rekor',
    url: `${url}/api/v2/log/entries`,
    headers: JSON_HEADERS,
    body: JSON.stringify({
      hashedRekordRequestV002: {
        digest: digest.toString('base64'),
        signature: {
          content: signature.toString('base64'),
          verifier: {
            x509Certificate: { rawBytes: certificate.raw.toString('base64') },
            keyDetails: 'PKIX_ECDSA_P256_SHA_256',
          },
        },
      },
    }),
    hasSecret: false,
    refusedRemedy: LOG_REMEDY,
  };
  const answer = await exchange(question, network);
  return readJson(question, answer, (json) => TransparencyLogEntry.toJSON(TransparencyLogEntry.fromJSON(json)));
}

/** DER of a TimeStampReq (RFC 3161) for a SHA-256 digest, up to the digest: version 1, no nonce, no certificates in the answer. */
const TIMESTAMP_REQUEST = Buffer.from('30360201013031300d060960864801650304020105000420', 'hex');

/** The answer as it is (TimeStampResp); a bundle holds it whole, and its reader verifies it. */
export async function requestTimestamp(url: string, { signature }: Signature, network: Network): Promise<Buffer> {
  const question: Question = {
    service: 'The timestamp authority',
    url,
    headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
    body: Buffer.concat([TIMESTAMP_REQUEST, createHash('sha256').update(signature).digest()]),
    hasSecret: false,
    refusedRemedy: 'Check the address in the signing config: it is the whole address that requests are sent to.',
  };
  const answer = await exchange(question, network);
  // A sequence in DER begins with 0x30; a page begins with other bytes.
  if (answer.body[0] !== 0x30) throw unusable(question, answer);
  return answer.body;
}
