// Owns the device's own credentials for private places: read for each use, so that they can be rotated, and given to no other address.
import path from 'node:path';
import { readBoundedFile } from '../../../src/base/bounded-file.ts';
import { CodedError } from '../../../src/base/errors.ts';
import { bearerHeader } from '../../../src/base/secret-file.ts';
import { type ArtifactCredential, parseArtifactCredentials, type SecretPlace } from './parse-artifact-credentials.ts';

/** The headers that prove a right to read an address; none for most addresses. May throw a CodedError. */
export type CredentialsFor = (url: string) => Promise<Readonly<Record<string, string>>>;

const MOST_FILE_BYTES = 64 * 1024;
const MOST_SECRET_BYTES = 16 * 1024;
/** Both the file and the secrets are their owner's alone: who can change the first decides where the second go. */
const OWN = { isPrivate: true } as const;

export interface ArtifactCredentialsOptions {
  readonly file: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export class ArtifactCredentials {
  readonly #options: ArtifactCredentialsOptions;

  constructor(options: ArtifactCredentialsOptions) {
    this.#options = options;
  }

  /** Throws what is wrong with the file or with any secret. */
  async check(): Promise<void> {
    for (const credential of await this.#read()) await this.#headersOf(credential);
  }

  /** Throws FILE_…, DOCUMENT_…, CREDENTIALS_SHAPE or CREDENTIALS_SECRET. */
  readonly headersFor: CredentialsFor = async (url) => {
    const credential = findCredential(await this.#read(), url);
    return credential === undefined ? {} : this.#headersOf(credential);
  };

  async #read(): Promise<readonly ArtifactCredential[]> {
    const { file } = this.#options;
    return parseArtifactCredentials(file, await readBoundedFile(file, MOST_FILE_BYTES, false, OWN));
  }

  async #headersOf({ proof, origin }: ArtifactCredential): Promise<Readonly<Record<string, string>>> {
    const secret = await this.#readSecret(proof.secret, origin);
    if (proof.kind === 'basic')
      return { authorization: `Basic ${Buffer.from(`${proof.user}:${secret}`).toString('base64')}` };
    const bearer = bearerHeader(secret);
    if (bearer === null) throw secretError(`The secret for ${origin} holds characters that no header can have.`);
    return proof.kind === 'bearer' ? { ...bearer } : { [proof.name.toLowerCase()]: secret };
  }

  async #readSecret(place: SecretPlace, origin: string): Promise<string> {
    if (place.kind === 'env') {
      const value = this.#options.environment[place.name]?.trim() ?? '';
      if (value !== '') return value;
      throw secretError(`The variable ${place.name} with the secret for ${origin} is not set.`);
    }
    const file = path.resolve(path.dirname(this.#options.file), place.file);
    const secret = (await readBoundedFile(file, MOST_SECRET_BYTES, false, OWN)).toString('utf8').trim();
    if (secret !== '') return secret;
    throw secretError(`${file} with the secret for ${origin} is empty.`);
  }
}

function secretError(message: string): CodedError {
  return new CodedError({ code: 'CREDENTIALS_SECRET', message, remedy: 'Put the secret there, or remove the entry.' });
}

/** The entry with the longest prefix of the address. */
function findCredential(all: readonly ArtifactCredential[], url: string): ArtifactCredential | undefined {
  const { origin, pathname } = new URL(url);
  if (leavesItsPlace(pathname)) return undefined;
  return all
    .filter((one) => one.origin === origin && pathname.startsWith(one.path))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

/** Some servers take `%2f` and `\` for slashes, and go up at the `..` between them: out of the prefix. */
function leavesItsPlace(pathname: string): boolean {
  try {
    return decodeURIComponent(pathname).split(/[/\\]/).includes('..');
  } catch {
    return true;
  }
}
