// Owns whose message an envelope is: each is checked by the key that its device enrolled with, and who sends wrong ones in numbers has to wait.
import type { KeyObject } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { isDeviceId } from '../contract/report-reader.ts';
import { verifyDsse } from '../contract/trust/dsse.ts';
import { parsePublicKey } from '../contract/trust/keys.ts';
import { addressLimits, type RateLimit, RateLimiter } from './rate-limit.ts';

const MOST_KEYS = 100_000;
/** Envelopes of unknown devices that cost as much as one wrong signature: where the store was lost, a whole site sends them. */
const UNKNOWN_PER_FORGED = 16;

export type SignatureCheck =
  | {
      readonly kind: 'verified';
      readonly device: string;
      readonly payload: Buffer;
      /** The key that was checked, and the epoch under which the store knows it; -1 where only the fleet documents do. */
      readonly publicKey: string;
      readonly knownEpoch: number;
    }
  /** `device` is whose message it says it is. */
  | {
      readonly kind: 'rejected';
      readonly reason: 'bad-envelope' | 'unknown-device' | 'denied' | 'bad-signature';
      readonly device?: string;
    };

export interface DeviceSignaturesParts {
  readonly register: {
    findDevice(id: string): Promise<{ readonly publicKey: string; readonly epoch: number } | undefined>;
  };
  readonly isDenied: (device: string) => boolean;
  /** That of `addressLimits` unless given. */
  readonly forgedPerAddress?: RateLimit | undefined;
  readonly clock: Clock;
}

export class DeviceSignatures {
  readonly #parts: DeviceSignaturesParts;
  /** Parsed keys by their PEM text. */
  readonly #keys = new Map<string, KeyObject>();
  readonly #forged: RateLimiter;

  constructor(parts: DeviceSignaturesParts) {
    this.#parts = parts;
    this.#forged = new RateLimiter(parts.forgedPerAddress ?? addressLimits().forgedPerAddress);
  }

  /** Seconds after which the address may send envelopes again; 0 for now. */
  waitSeconds(address: string): number {
    return this.#forged.wait(address, this.#parts.clock.monotonicMs());
  }

  /** Charges the address for what was rejected of its envelopes: checking a wrong one costs as much as a right one. */
  charge(address: string, reasons: readonly string[]): void {
    const unknown = reasons.filter((one) => one === 'unknown-device').length;
    const spent = reasons.filter((one) => one === 'bad-signature').length + unknown / UNKNOWN_PER_FORGED;
    if (spent > 0) this.#forged.charge(address, this.#parts.clock.monotonicMs(), spent);
  }

  /** `keyOf`: the key that the fleet documents name for a device, asked where the store knows none. Throws what it and the store throw. */
  async check(
    envelope: unknown,
    payloadType: string,
    keyOf?: (device: string) => string | undefined,
  ): Promise<SignatureCheck> {
    const device = deviceOf(envelope);
    if (device === undefined) return { kind: 'rejected', reason: 'bad-envelope' };
    const known = await this.#parts.register.findDevice(device);
    const publicKey = known === undefined ? keyOf?.(device) : known.publicKey;
    if (publicKey === undefined) return { kind: 'rejected', reason: 'unknown-device', device };
    if (this.#parts.isDenied(device)) return { kind: 'rejected', reason: 'denied', device };
    const key = this.#keyOf(publicKey);
    const check = verifyDsse(envelope, (keyid) => (keyid === device ? key : undefined), payloadType);
    if (check.kind === 'refused') return { kind: 'rejected', reason: 'bad-signature', device };
    return { kind: 'verified', device, payload: check.payload, publicKey, knownEpoch: known?.epoch ?? -1 };
  }

  #keyOf(pem: string): KeyObject {
    const known = this.#keys.get(pem);
    if (known !== undefined) return known;
    if (this.#keys.size >= MOST_KEYS) this.#keys.clear();
    const key = parsePublicKey(pem, 'The device key');
    this.#keys.set(pem, key);
    return key;
  }
}

/** Which device the envelope says it is from: the id of its only key. */
export function deviceOf(envelope: unknown): string | undefined {
  if (typeof envelope !== 'object' || envelope === null) return undefined;
  const { signatures } = envelope as { readonly signatures?: unknown };
  if (!Array.isArray(signatures)) return undefined;
  const keyid: unknown = (signatures[0] as { readonly keyid?: unknown } | null | undefined)?.keyid;
  return isDeviceId(keyid) ? keyid : undefined;
}
