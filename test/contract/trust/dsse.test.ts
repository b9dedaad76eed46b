// Proves that an envelope is taken for exactly what was asked for, and for nothing else.
import { sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type DsseEnvelope,
  MOST_PAYLOAD_BYTES,
  preAuthEncoding,
  printable,
  signDsse,
  verifyDsse,
} from '../../../src/contract/trust/dsse.ts';
import { makeForeignKey, makeKey } from '../../support/trust.ts';

const TYPE = 'application/vnd.slipway.report+json';
const device = makeKey();
const other = makeKey();
const find = (keyid: string) => (keyid === 'kiosk-001' ? device.publicKey : undefined);
const PAYLOAD = Buffer.from('{"kind":"DeviceReport"}');
const good = signDsse(TYPE, PAYLOAD, { keyid: 'kiosk-001', key: device.key });

const reasonOf = (envelope: unknown, type = TYPE) => {
  const check = verifyDsse(envelope, find, type);
  return check.kind === 'refused' ? check.reason : 'verified';
};

test('the encoding that is signed is the one of the DSSE specification', () => {
  const encoded = preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world'));
  expect(encoded.toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
});

test('lengths are counted in bytes, not in characters', () => {
  expect(preAuthEncoding('tüp', Buffer.from('ä')).toString()).toBe('DSSEv1 4 tüp 2 ä');
});

describe('an envelope', () => {
  test('gives back the payload that was signed, and by whom', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        const envelope = JSON.parse(JSON.stringify(signDsse(TYPE, bytes, { keyid: 'kiosk-001', key: device.key })));
        expect(verifyDsse(envelope, find, TYPE)).toEqual({
          kind: 'verified',
          payload: Buffer.from(bytes),
          keyid: 'kiosk-001',
        });
      }),
      { numRuns: 50 },
    );
  });

  test('of one payload type never passes for another, nor does one whose type was rewritten', () => {
    expect(reasonOf(good, 'application/vnd.in-toto+json')).toMatch(/payload type/);
    expect(reasonOf({ ...good, payloadType: 'application/vnd.in-toto+json' }, 'application/vnd.in-toto+json')).toMatch(
      /not match/,
    );
  });

  test('can not hide a border between type and payload', () => {
    const shifted = { ...good, payloadType: `${TYPE} 2`, payload: good.payload };
    expect(reasonOf(shifted, `${TYPE} 2`)).toMatch(/not match/);
  });

  test('is refused when any bit of payload or signature changes', () => {
    const flip = (text: string, at: number, bit: number): string => {
      const bytes = Buffer.from(text, 'base64');
      bytes[at % bytes.length]! ^= 1 << bit;
      return bytes.toString('base64');
    };
    fc.assert(
      fc.property(fc.nat(), fc.nat(7), fc.boolean(), (at, bit, inPayload) => {
        const { keyid, sig } = good.signatures[0]!;
        const changed = inPayload
          ? { ...good, payload: flip(good.payload, at, bit) }
          : { ...good, signatures: [{ keyid, sig: flip(sig, at, bit) }] };
        expect(verifyDsse(changed, find, TYPE).kind).toBe('refused');
      }),
    );
  });

  test('is refused without exactly one signature, even if one of several is good', () => {
    const [signature] = good.signatures;
    expect(reasonOf({ ...good, signatures: [] })).toMatch(/exactly one/);
    expect(reasonOf({ ...good, signatures: [signature, signature] })).toMatch(/exactly one/);
    expect(reasonOf({ ...good, signatures: { 0: signature, length: 1 } })).toMatch(/exactly one/);
  });

  test('is refused when the key is unknown, another, or of another kind', () => {
    expect(reasonOf({ ...good, signatures: [{ ...good.signatures[0], keyid: 'kiosk-002' }] })).toMatch(/not known/);
    expect(verifyDsse(good, () => other.publicKey, TYPE).kind).toBe('refused');
    for (const kind of ['ed25519', 'P-384', 'secp256k1', 'rsa'] as const) {
      const foreign = makeForeignKey(kind);
      const algorithm = kind === 'ed25519' ? null : 'sha256';
      const sig = sign(algorithm, preAuthEncoding(TYPE, PAYLOAD), foreign.key).toString('base64');
      expect(verifyDsse({ ...good, signatures: [{ keyid: 'x', sig }] }, () => foreign.publicKey, TYPE).kind).toBe(
        'refused',
      );
      expect(() => signDsse(TYPE, PAYLOAD, { keyid: 'x', key: foreign.key })).toThrow(/only P-256/);
    }
  });

  test('is refused when its base64 is not the one standard spelling, so that equal content has equal text', () => {
    const spellings: DsseEnvelope[] = [
      { ...good, payload: good.payload.replace(/=+$/, '') },
      { ...good, payload: `${good.payload}\n` },
      { ...good, payload: ` ${good.payload}` },
      { ...good, signatures: [{ keyid: 'kiosk-001', sig: `${good.signatures[0]!.sig}!` }] },
    ];
    for (const spelling of spellings) expect(reasonOf(spelling)).toMatch(/standard base64|not one of P-256/);
  });

  test('is refused when it is longer than 1 MiB, before any of it is decoded', () => {
    const atLimit = signDsse(TYPE, Buffer.alloc(MOST_PAYLOAD_BYTES), { keyid: 'kiosk-001', key: device.key });
    expect(reasonOf(atLimit)).toBe('verified');
    const beyond = signDsse(TYPE, Buffer.alloc(MOST_PAYLOAD_BYTES + 3), { keyid: 'kiosk-001', key: device.key });
    expect(reasonOf(beyond)).toMatch(/exceeds/);
  });

  test('of any other shape is refused and nothing is thrown', () => {
    fc.assert(fc.property(fc.anything(), (value) => verifyDsse(value, find, TYPE).kind === 'refused'));
    const member = fc.oneof(fc.anything(), fc.constant(good.payload), fc.constant(good.signatures));
    const shape = fc.record(
      { payloadType: fc.constant(TYPE), payload: member, signatures: member },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(shape, (value) => {
        const check = verifyDsse(value, find, TYPE);
        expect(check.kind === 'refused' || value.payload === good.payload).toBe(true);
      }),
    );
  });
});

test('foreign text is shown without control characters and cut', () => {
  expect(printable('a\u001b[31m\nb\u202ec')).toBe('a\u{fffd}[31m\u{fffd}b\u{fffd}c');
  expect(printable('x'.repeat(500))).toHaveLength(256);
});
