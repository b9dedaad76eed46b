// Owns what the service accepts as its certificate: a chain in order, a key that fits, and a time in which it is valid.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { CodedError } from '../../base/errors.ts';
import { LEAST_TLS, type Tls } from './http-server.ts';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export interface ServerCertificate extends Tls {
  /** When the first of the chain ends that ends. */
  readonly notAfterMs: number;
}

/** A chain has three or four. */
const MOST_CERTIFICATES = 16;
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Checks the PEM texts of the two files. Throws TLS_CERTIFICATE, TLS_KEY, TLS_MISMATCH, TLS_CHAIN, TLS_EXPIRED or TLS_NOT_YET_VALID. */
export function readServerCertificate(texts: Tls, files: CertificateFiles, nowMs: number): ServerCertificate {
  const chain = readChain(texts.cert, files.cert);
  checkKey(texts.key, chain, files);
  checkOrder(chain, files.cert);
  checkTime(chain, files.cert, nowMs);
  try {
    createSecureContext({ ...texts, minVersion: LEAST_TLS });
  } catch (cause) {
    const message = `TLS can't use ${files.cert} with ${files.key}: ${cause instanceof Error ? cause.message : cause}.`;
    const remedy = 'Order a certificate with a key of RSA 2048 bits or more, or of ECDSA P-256.';
    throw new CodedError({ code: 'TLS_CERTIFICATE', message, remedy, cause });
  }
  return { ...texts, notAfterMs: Math.min(...chain.map(({ validTo }) => Date.parse(validTo))) };
}

function readChain(text: string, file: string): readonly [X509Certificate, ...X509Certificate[]] {
  const remedy = 'Give the chain as PEM: first the certificate of the service, then those of the authorities between.';
  const refuse = (problem: string, cause?: unknown) =>
    new CodedError({ code: 'TLS_CERTIFICATE', message: `${file} ${problem}.`, remedy, cause });
  const blocks = text.match(PEM) ?? [];
  if (blocks.length > MOST_CERTIFICATES) throw refuse(`holds more than ${MOST_CERTIFICATES} certificates`);
  try {
    const [first, ...others] = blocks.map((block) => new X509Certificate(block));
    if (first !== undefined) return [first, ...others];
  } catch (cause) {
    throw refuse("holds a certificate that can't be read", cause);
  }
  throw refuse('holds no certificate');
}

function checkKey(text: string, chain: readonly X509Certificate[], files: CertificateFiles): void {
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey(text);
  } catch (cause) {
    const isLocked = /ENCRYPTED/.test(text);
    throw new CodedError({
      code: 'TLS_KEY',
      message: `${files.key} ${isLocked ? 'is encrypted' : 'holds no private key'}.`,
      remedy: isLocked
        ? `Decrypt it for the service: \`openssl pkey -in <encrypted> -out <file>\`, with mode 600.`
        : 'Give the private key of the certificate as PEM.',
      cause,
    });
  }
  const place = chain.findIndex((one) => one.checkPrivateKey(key));
  if (place === 0) return;
  throw new CodedError({
    code: 'TLS_MISMATCH',
    message:
      place === -1
        ? `The key in ${files.key} does not belong to the certificate in ${files.cert}.`
        : `The key in ${files.key} belongs to certificate ${place + 1} in ${files.cert}, not to the first.`,
    remedy: place === -1 ? 'Give the two files of one order.' : 'Put the certificate of the service first.',
  });
}

function checkOrder(chain: readonly X509Certificate[], file: string): void {
  for (const [i, one] of chain.slice(0, -1).entries()) {
    const next = chain[i + 1];
    if (next !== undefined && one.checkIssued(next) && one.verify(next.publicKey)) continue;
    throw new CodedError({
      code: 'TLS_CHAIN',
      message: `Certificate ${i + 2} in ${file} did not issue certificate ${i + 1}.`,
      remedy: 'Put each certificate before the one that issued it, and leave others out.',
    });
  }
}

function checkTime(chain: readonly X509Certificate[], file: string, nowMs: number): void {
  for (const [i, { validFrom, validTo }] of chain.entries()) {
    const which = chain.length === 1 ? `The certificate in ${file}` : `Certificate ${i + 1} in ${file}`;
    if (Date.parse(validTo) <= nowMs)
      throw new CodedError({
        code: 'TLS_EXPIRED',
        message: `${which} expired at ${new Date(Date.parse(validTo)).toISOString()}.`,
        remedy: 'Renew it: the service takes new files without a restart.',
      });
    if (Date.parse(validFrom) > nowMs)
      throw new CodedError({
        code: 'TLS_NOT_YET_VALID',
        kind: 'retry-later',
        message: `${which} is valid only from ${new Date(Date.parse(validFrom)).toISOString()}.`,
        remedy: 'Wait until then, or check the clock of this machine.',
      });
  }
}
