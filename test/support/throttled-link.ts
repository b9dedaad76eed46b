// Owns a bad link for system tests: all connections share one rate towards the devices, and each is cut after so many bytes.

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

export interface LinkTerms {
  /** Where it leads. */
  readonly target: string;
  /** Towards the devices, shared by all connections. */
  readonly bytesPerSecond: number;
  readonly cutAfterBytes: number;
}

/** Small pieces, so that connections take turns. */
const PIECE_BYTES = 4096;

export class ThrottledLink implements AsyncDisposable {
  readonly #terms: LinkTerms;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((device) => this.#join(device));
  /** When what was let through so far has passed. */
  #busyUntilMs = 0;
  carriedBytes = 0;
  cuts = 0;

  private constructor(terms: LinkTerms) {
    this.#terms = terms;
  }

  static async start(terms: LinkTerms): Promise<ThrottledLink> {
    const link = new ThrottledLink(terms);
    await new Promise<void>((resolve) => link.#server.listen(0, '127.0.0.1', resolve));
    return link;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #join(device: Socket): void {
    const { hostname, port } = new URL(this.#terms.target);
    const service = connect(Number(port), hostname);
    const end = (): void => {
      device.destroy();
      service.destroy();
    };
    for (const socket of [device, service]) {
      this.#sockets.add(socket);
      socket.on('error', end).on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    device.pipe(service);
    void this.#carry(service, device).then(end, end);
  }

  async #carry(service: Socket, device: Socket): Promise<void> {
    let left = this.#terms.cutAfterBytes;
    for await (const chunk of service as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        const piece = chunk.subarray(at, Math.min(at + PIECE_BYTES, at + left, chunk.length));
        await this.#turn(piece.length);
        if (device.destroyed) return;
        device.write(piece);
        left -= piece.length;
        if (left > 0) continue;
        this.cuts++;
        return;
      }
    }
  }

  async #turn(bytes: number): Promise<void> {
    const nowMs = performance.now();
    this.#busyUntilMs = Math.max(this.#busyUntilMs, nowMs) + (1000 * bytes) / this.#terms.bytesPerSecond;
    this.carriedBytes += bytes;
    await new Promise((resolve) => setTimeout(resolve, this.#busyUntilMs - nowMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
