// Owns what a transport of Git's smart protocol offers: open a service, read what it advertises, exchange one request for one answer.

export type GitService = 'git-upload-pack' | 'git-receive-pack';

export interface SmartSession extends AsyncDisposable {
  readonly advertisement: Buffer;
  /** Sends a request: one a session with protocol 0, any number with protocol 2. A rejected promise says nothing about whether the host acted on it. */
  exchange(request: Buffer, signal: AbortSignal): Promise<Buffer>;
}

export interface SmartTransport {
  /** How the remote is named to people, without secrets. */
  readonly shown: string;
  /** What the host says, without the secrets that it was shown. */
  quoted(text: string): string;
  open(service: GitService, signal: AbortSignal): Promise<SmartSession>;
}

export interface TransportLimits {
  /** Longest silence before a request is given up, milliseconds. */
  readonly quietMs: number;
  /** Largest list of refs, bytes. */
  readonly advertisementBytes: number;
  /** Largest pack, bytes. */
  readonly answerBytes: number;
}

export const DEFAULT_TRANSPORT_LIMITS: TransportLimits = {
  quietMs: 30_000,
  advertisementBytes: 32 * 2 ** 20,
  answerBytes: 256 * 2 ** 20,
};
