// Owns signing of Git commits in SSH's form, so that Git itself calls them good.
import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { GIT_NAMESPACE, sshPublicKey, sshSignedBytes, sshString } from './ssh-signature.ts';

/** A positive number as SSH writes it: no leading zeros, but one where the first bit would read as a sign. */
function multiPrecision(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const short = bytes.subarray(start);
  return sshString((short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short);
}

/** The armored SSH signature of a P-256 or Ed25519 key over a message (a commit without its signature). Throws TRUST_KEY_KIND. */
export function signSsh(message: Uint8Array | string, key: KeyObject, namespace = GIT_NAMESPACE): string {
  const publicKey = sshPublicKey(createPublicKey(key));
  const signed = sshSignedBytes(namespace, 'sha512', message);
  let type = 'ssh-ed25519';
  let raw: Buffer;
  if (key.asymmetricKeyType === 'ed25519') {
    raw = sign(null, signed, key);
  } else {
    type = 'ecdsa-sha2-nistp256';
    const pair = sign('sha256', signed, { key, dsaEncoding: 'ieee-p1363' });
    raw = Buffer.concat([multiPrecision(pair.subarray(0, 32)), multiPrecision(pair.subarray(32))]);
  }
  const blob = Buffer.concat([
    Buffer.from('SSHSIG'),
    Buffer.of(0, 0, 0, 1), // version
    sshString(publicKey),
    sshString(namespace),
    sshString(''),
    sshString('sha512'),
    sshString(Buffer.concat([sshString(type), sshString(raw)])),
  ]);
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n');
}
