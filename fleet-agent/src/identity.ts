// Owns who the device is: its key, made and kept here, and the epoch that the service gave it.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Clock } from '../../src/base/clock.ts';
import { readFileIfPresent, writeFileDurably } from '../../src/base/durable-file.ts';
import { CodedError } from '../../src/base/errors.ts';
import {
  type Enrolment,
  type EnrolmentRequest,
  findServiceError,
  parseEnrolment,
} from '../../src/contract/fleet-messages.ts';
import type { DeviceFolder } from './device-folder.ts';
import { ask, joinUrl } from './http.ts';

export class Identity {
  readonly device: string;
  readonly key: KeyObject;
  readonly #folder: DeviceFolder;
  #enrolment: Enrolment | null;

  private constructor(device: string, key: KeyObject, folder: DeviceFolder, enrolment: Enrolment | null) {
    this.device = device;
    this.key = key;
    this.#folder = folder;
    this.#enrolment = enrolment;
  }

  /** The key is on disk before anyone hears of it: a device that forgot its key could never speak again. */
  static async open(device: string, folder: DeviceFolder): Promise<Identity> {
    const pem = await readFileIfPresent(folder.keyFile);
    const key = pem === undefined ? await makeKey(folder.keyFile) : readKey(pem, folder.keyFile);
    return new Identity(device, key, folder, findEnrolment(await readFileIfPresent(folder.identityFile), device));
  }

  /** The id under which the folder's device enrolled; null before. Never throws for what it finds there. */
  static async storedDevice(folder: DeviceFolder): Promise<string | null> {
    const bytes = await readFileIfPresent(folder.identityFile);
    return findEnrolment(bytes, null)?.device ?? null;
  }

  get enrolment(): Enrolment | null {
    return this.#enrolment;
  }

  /** The service does not know this device any more: it has to enrol again. */
  forget(): void {
    this.#enrolment = null;
  }

  /** Asks the service for an epoch. Repeating is safe: token and key stay the same. Throws AGENT_ENROLMENT or AGENT_HTTP. */
  async enrol(question: {
    serverUrl: string;
    token: string;
    labels: Readonly<Record<string, string>>;
    clock: Clock;
    signal: AbortSignal;
  }): Promise<Enrolment> {
    const { serverUrl, token, labels, clock, signal } = question;
    const publicKey = createPublicKey(this.key).export({ type: 'spki', format: 'pem' }).toString();
    const body = JSON.stringify({ token, device: this.device, publicKey, labels } satisfies EnrolmentRequest);
    const url = joinUrl(serverUrl, 'v1/enrol');
    const headers = { 'content-type': 'application/json' };
    const answer = await ask(
      { url, method: 'POST', headers, body, timeoutMs: 30_000, mostBytes: 65_536, signal },
      clock,
    );
    const enrolment = answer.status === 200 ? findEnrolment(answer.body, this.device) : null;
    if (enrolment === null) throw enrolmentError(answer.status, answer.body);
    await writeFileDurably(this.#folder.identityFile, JSON.stringify(enrolment), 0o600);
    this.#enrolment = enrolment;
    return enrolment;
  }
}

async function makeKey(file: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  await writeFileDurably(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
  return privateKey;
}

function readKey(pem: Buffer, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new CodedError({
      code: 'AGENT_KEY_UNREADABLE',
      message: `The device key ${file} is damaged.`,
      remedy: 'Restore it, or remove it and enrol the device again with a new token.',
      cause,
    });
  }
}

/** Null when it is none, or another device's than `wanted`; null wants any. */
function findEnrolment(bytes: Buffer | undefined, wanted: string | null): Enrolment | null {
  if (bytes === undefined) return null;
  try {
    const read = parseEnrolment(JSON.parse(bytes.toString('utf8')));
    return wanted === null || read.device === wanted ? read : null;
  } catch {
    return null;
  }
}

function enrolmentError(status: number, body: Buffer): CodedError {
  const error = findServiceError(body);
  const said = error === undefined ? '' : ` ${error.code}: ${error.message}`;
  return new CodedError({
    code: 'AGENT_ENROLMENT',
    kind: status >= 500 || status === 429 ? 'retry-later' : 'fix-input',
    message: `The service refused the enrolment (${status}).${said}`,
    remedy:
      'Give the agent a fresh token; one made with `slipway token --device <id>` when the device is enrolled already.',
  });
}
