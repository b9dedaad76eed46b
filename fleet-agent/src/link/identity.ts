// Owns the device's identity: its key, made and kept here, and the epoch that the service gave it.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileIfPresent, writeFileDurably } from '../../../src/base/durable-file.ts';
import { CodedError } from '../../../src/base/errors.ts';
import { type Enrolment, parseEnrolment } from '../../../src/contract/fleet-messages.ts';
import type { DeviceFolder } from '../record/device-folder.ts';
import { readJsonFile } from '../record/json-file.ts';
import type { EnrolmentResult, ServiceLink } from './service-link.ts';

export class Identity {
  readonly device: string;
  readonly key: KeyObject;
  readonly #file: string;
  #enrolment: Enrolment | null;

  private constructor(device: string, key: KeyObject, file: string, enrolment: Enrolment | null) {
    this.device = device;
    this.key = key;
    this.#file = file;
    this.#enrolment = enrolment;
  }

  /** The key is on disk before anyone hears of it: a device that lost its key could never report again. */
  static async open(device: string, { keyFile, identityFile }: DeviceFolder): Promise<Identity> {
    const key = (await Identity.readKey(keyFile)) ?? (await makeKey(keyFile));
    const stored = await readJsonFile(identityFile, parseEnrolment);
    return new Identity(device, key, identityFile, stored?.device === device ? stored : null);
  }

  /** Undefined before the first start. Throws AGENT_KEY_UNREADABLE. */
  static async readKey(keyFile: string): Promise<KeyObject | undefined> {
    try {
      const pem = await readFileIfPresent(keyFile);
      return pem === undefined ? undefined : createPrivateKey(pem);
    } catch (cause) {
      throw new CodedError({
        code: 'AGENT_KEY_UNREADABLE',
        message: `The device key ${keyFile} is damaged.`,
        remedy: 'Restore it. Or remove it, and enrol the device again with a new token. Then restart the agent.',
        cause,
      });
    }
  }

  /** The id under which the folder's device enrolled; null before. */
  static async storedDevice({ identityFile }: DeviceFolder): Promise<string | null> {
    return (await readJsonFile(identityFile, parseEnrolment))?.device ?? null;
  }

  get enrolment(): Enrolment | null {
    return this.#enrolment;
  }

  /** The service does not know this device any more: it has to enrol again. */
  forget(): void {
    this.#enrolment = null;
  }

  /** Asks the service for an epoch, and keeps the answer. Repeating is safe. */
  async enrol(
    link: ServiceLink,
    { token, labels }: { readonly token: string; readonly labels: Readonly<Record<string, string>> },
    signal: AbortSignal,
  ): Promise<EnrolmentResult> {
    const publicKey = createPublicKey(this.key).export({ type: 'spki', format: 'pem' }).toString();
    const result = await link.enrol({ token, device: this.device, publicKey, labels }, signal);
    if (result.kind === 'failed') return result;
    const { enrolment } = result;
    if (enrolment.device !== this.device) return { kind: 'failed', error: otherDevice(enrolment), retryAfterMs: null };
    await writeFileDurably(this.#file, JSON.stringify(enrolment), 0o600);
    this.#enrolment = enrolment;
    return result;
  }
}

async function makeKey(file: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  await writeFileDurably(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
  return privateKey;
}

function otherDevice({ device }: Enrolment): CodedError {
  return new CodedError({
    code: 'AGENT_ENROLMENT',
    message: `The service enrolled another device, "${device}".`,
    remedy: 'Check that `server` is the address of the Slipway service.',
  });
}
