// Owns the certificate and key of the service as files: read at the start, and again when they are renewed.
import { createHash } from 'node:crypto';
import { readBoundedFile } from '../base/bounded-file.ts';
import type { Clock } from '../base/clock.ts';
import { toCodedError } from '../base/errors.ts';
import type { Metrics } from '../base/metrics.ts';
import {
  type CertificateFiles,
  readServerCertificate,
  type ServerCertificate,
} from '../fleet-api/http/server-certificate.ts';
import { WatchedFile } from './watched-file.ts';

const MOST_BYTES = 256 * 1024;

async function readTexts({ cert, key }: CertificateFiles) {
  const [certText, keyText] = await Promise.all([readBoundedFile(cert, MOST_BYTES), readBoundedFile(key, MOST_BYTES)]);
  return { cert: certText.toString('latin1'), key: keyText.toString('latin1') };
}

/**
 * Both files count as one text, so a renewal is read once both lie still: neither half a file nor a certificate with the key of the one before.
 * Throws FILE_… and TLS_….
 */
export function openTls(files: CertificateFiles, clock: Clock): Promise<WatchedFile<ServerCertificate>> {
  return WatchedFile.open({
    name: 'certificate',
    file: files.cert,
    read: async () => readServerCertificate(await readTexts(files), files, clock.now()),
    readContent: () =>
      readTexts(files).then(
        ({ cert, key }) => createHash('sha256').update(`${cert}\0${key}`).digest('hex'),
        (thrown) => toCodedError(thrown).message,
      ),
    otherFiles: () => [files.key],
  });
}

export function meterTls(metrics: Metrics, tls: WatchedFile<ServerCertificate>): void {
  metrics.reading(
    'slipway_tls_certificate_expiry_timestamp_seconds',
    'When the certificate that the service shows expires, in seconds since 1970.',
    () => [{ value: tls.value.notAfterMs / 1000 }],
  );
  metrics.reading(
    'slipway_tls_renewal_refused',
    "1 while the certificate or key as it lies in its file can't be used and the previous one is shown, else 0.",
    () => [{ value: tls.problem === null ? 0 : 1 }],
  );
}
