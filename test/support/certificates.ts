// Owns certificates for tests: a private authority, one between, and what they issue, made by openssl.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export class TestAuthority {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-ca-'));
  readonly ca: Issued;
  #serial = 0;

  constructor() {
    this.ca = this.#make('authority', ['-x509', '-days', '30', '-addext', 'keyUsage=keyCertSign']);
  }

  get caFile(): string {
    return path.join(this.folder, 'authority.crt');
  }

  #make(name: string, args: readonly string[]): Issued {
    const [key, cert] = [path.join(this.folder, `${name}.key`), path.join(this.folder, `${name}.crt`)];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`];
    execFileSync('openssl', ['req', ...curve, ...args, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  }

  /** For 127.0.0.1 and localhost, one day long; the PEM is the certificate and what issued it up to the authority. */
  issue({ by, isAuthority = false }: { readonly by?: Issued; readonly isAuthority?: boolean } = {}): Issued {
    const name = `issued-${++this.#serial}`;
    const { key } = this.#make(name, []);
    const [issuer, issuerKey, request, extensions, cert] = ['issuer', 'issuer.key', 'csr', 'ext', 'crt'].map((end) =>
      path.join(this.folder, `${name}.${end}`),
    ) as [string, string, string, string, string];
    const { cert: issuerCert, key: issuerSecret } = by ?? this.ca;
    writeFileSync(issuer, issuerCert);
    writeFileSync(issuerKey, issuerSecret);
    execFileSync('openssl', [
      'req',
      '-new',
      '-key',
      path.join(this.folder, `${name}.key`),
      '-subj',
      `/CN=${name}`,
      '-out',
      request,
    ]);
    const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:service.test\n';
    writeFileSync(extensions, isAuthority ? 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n' : names);
    const how = ['-req', '-days', '1', '-in', request, '-extfile', extensions, '-out', cert];
    const signer = [
      '-CA',
      issuer,
      '-CAkey',
      issuerKey,
      '-set_serial',
      String(this.#serial + Math.floor(performance.now())),
    ];
    execFileSync('openssl', ['x509', ...how, ...signer], { stdio: 'ignore' });
    return { key, cert: readFileSync(cert, 'utf8') + (by?.cert ?? '') };
  }

  /** A new pair of files. */
  write(name: string, { cert, key }: Issued): { readonly cert: string; readonly key: string } {
    const files = { cert: path.join(this.folder, `${name}.pem`), key: path.join(this.folder, `${name}-key.pem`) };
    writeFileSync(files.cert, cert);
    writeFileSync(files.key, key, { mode: 0o600 });
    return files;
  }
}
