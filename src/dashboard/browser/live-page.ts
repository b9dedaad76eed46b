// Owns the page while it is open: it hears of changes, reads itself again, and says when it can't.
import { signal } from '@preact/signals';
import type { Live } from '../pages/frame.ts';
import type { PageData } from '../pages/page-data.ts';
import { titleOf } from '../pages/screen.ts';
import type { BrowserClock } from './browser-clock.ts';
import { readPage } from './page-reader.ts';

/** Without a word of the service for so long, it is asked. */
const QUIET_MS = 10_000;
/** What no event tells of, as counts of devices, is read again after so long. */
const OLD_MS = 60_000;
const FIRST_RETRY_MS = 1_000;
const MOST_RETRY_MS = 15_000;
/** Changes that come close together are one. */
const TOGETHER_MS = 150;
/** A page that was away for less is no news. */
const AWAY_MS = 5_000;

export class LivePage {
  readonly data;
  readonly live = signal<Live>({ kind: 'still' });
  readonly now;
  readonly #clock: BrowserClock;
  #stream: EventSource | undefined;
  #reading = new AbortController();
  #isReading = false;
  #isDue = false;
  #heardAtMs: number;
  #readAtMs: number;
  #hiddenAtMs: number | undefined;
  #retryMs = FIRST_RETRY_MS;
  #retry: { stop(): void } | undefined;
  #againMs = FIRST_RETRY_MS;
  #again: { stop(): void } | undefined;

  constructor(data: PageData, clock: BrowserClock) {
    clock.setService(data.nowMs);
    this.#clock = clock;
    this.data = signal(data);
    this.now = signal(data.nowMs);
    this.#heardAtMs = data.nowMs;
    this.#readAtMs = data.nowMs;
  }

  start(): void {
    if (this.data.value.asOf === null) return;
    this.#clock.every(1_000, () => this.#tick());
    document.addEventListener('visibilitychange', () => this.#turn());
    // Back from the cache of pages: the stream is dead.
    addEventListener('pageshow', (event) => {
      if (event.persisted) this.#comeBack();
    });
    this.#hear();
    if (document.visibilityState === 'hidden') this.#turn();
    else this.#listen();
  }

  /** Shows the page at an address with another query, and puts it into the history. */
  open(href: string): void {
    history.pushState(null, '', href);
    void this.read();
  }

  /** Reads the page again; whoever asks while it is read gets it once more. */
  async read(): Promise<void> {
    this.#reading.abort();
    this.#reading = new AbortController();
    const { signal: given } = this.#reading;
    this.#isReading = true;
    this.#isDue = false;
    const href = location.href.replace(/#.*/, '');
    const read = await readPage(href, this.data.peek(), given);
    if (given.aborted) return;
    this.#isReading = false;
    if (read.kind === 'logged-out') location.reload();
    else if (read.kind === 'no-answer') this.#cutOff();
    else this.#show(read.data);
    if (this.#isDue) this.#readSoon();
  }

  #show(data: PageData): void {
    this.#clock.setService(data.nowMs);
    this.data.value = data;
    this.#readAtMs = data.nowMs;
    document.title = titleOf(data);
    this.#hear();
  }

  #hear(): void {
    this.#heardAtMs = this.#clock.now();
    this.#retryMs = FIRST_RETRY_MS;
    this.#retry?.stop();
    this.now.value = this.#heardAtMs;
    this.live.value = { kind: 'live', heardAtMs: this.#heardAtMs };
  }

  #cutOff(): void {
    this.#retry?.stop();
    const retryAtMs = this.#clock.now() + this.#retryMs;
    this.live.value = { kind: 'cut-off', sinceMs: this.#heardAtMs, retryAtMs };
    this.#retry = this.#clock.after(this.#retryMs, () => void this.read());
    this.#retryMs = Math.min(2 * this.#retryMs, MOST_RETRY_MS);
  }

  #tick(): void {
    if (document.visibilityState === 'hidden') return;
    this.now.value = this.#clock.now();
    const isQuiet = this.now.value - this.#heardAtMs > QUIET_MS;
    const isOld = this.now.value - this.#readAtMs > (this.data.peek().parts.includes('devices') ? QUIET_MS : OLD_MS);
    if ((isQuiet || isOld) && !this.#isReading && this.live.peek().kind === 'live') void this.read();
  }

  /** A page that nobody sees holds no connection: browsers have six for all tabs of a host. */
  #turn(): void {
    if (document.visibilityState === 'visible') {
      this.#comeBack();
      return;
    }
    this.#hiddenAtMs = this.#clock.now();
    this.#deafen();
  }

  #comeBack(): void {
    const awayMs = this.#clock.now() - (this.#hiddenAtMs ?? this.#clock.now());
    this.#hiddenAtMs = undefined;
    if (awayMs > AWAY_MS) this.live.value = { kind: 'catching-up', awayMs };
    void this.read();
    this.#listen();
  }

  #deafen(): void {
    this.#again?.stop();
    this.#stream?.close();
    this.#stream = undefined;
  }

  #listen(): void {
    this.#deafen();
    if (document.visibilityState === 'hidden') return;
    const stream = new EventSource(`/v1/events?after=${this.data.peek().asOf?.sequence ?? ''}`);
    this.#stream = stream;
    let isFirst = true;
    stream.addEventListener('open', () => {
      this.#againMs = FIRST_RETRY_MS;
      if (!isFirst) this.#readSoon();
      isFirst = false;
    });
    stream.addEventListener('changed', (event) => this.#hearChange(event));
    stream.addEventListener('reset', () => this.#readSoon());
    for (const kind of ['step', 'alert', 'beat']) stream.addEventListener(kind, () => this.#hear());
    stream.addEventListener('error', () => {
      if (stream !== this.#stream) return;
      // Reading tells whether the service answers. A stream that broke connects by itself; one that was refused does not.
      if (!this.#isReading) void this.read();
      if (stream.readyState !== EventSource.CLOSED) return;
      this.#again = this.#clock.after(this.#againMs, () => this.#listen());
      this.#againMs = Math.min(2 * this.#againMs, MOST_RETRY_MS);
    });
  }

  #hearChange({ data }: MessageEvent): void {
    this.#hear();
    const { parts = [] } = JSON.parse(String(data)) as { readonly parts?: readonly string[] };
    const { parts: own } = this.data.peek();
    // `rollouts` stands for all of them.
    if (own.some((part) => parts.includes(part) || (part.startsWith('rollout:') && parts.includes('rollouts'))))
      this.#readSoon();
  }

  #readSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#clock.after(TOGETHER_MS, () => {
      if (!this.#isReading && this.#isDue) void this.read();
    });
  }
}
