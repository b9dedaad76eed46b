// Owns time in the browser: its timers, and the service's clock as the page's data tell it.

export class BrowserClock {
  #aheadMs = 0;

  /** `nowMs` of the service, as of this moment. */
  setService(nowMs: number): void {
    this.#aheadMs = nowMs - Date.now();
  }

  /** The service's time. */
  now(): number {
    return Date.now() + this.#aheadMs;
  }

  every(ms: number, act: () => void): void {
    setInterval(act, ms);
  }

  /** Calls once, unless it is stopped before. */
  after(ms: number, act: () => void): { stop(): void } {
    const timer = setTimeout(act, ms);
    return { stop: () => clearTimeout(timer) };
  }
}
