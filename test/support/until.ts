// Owns waiting in tests: by asking again, so that slow machines only take longer.

/** Polls until the question is answered with something other than undefined or false. */
export async function until<T>(
  question: () => T | undefined | false | Promise<T | undefined | false>,
  what: string | (() => unknown),
  timeoutMs = 150_000,
): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await question();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > endMs) {
      const text = typeof what === 'string' ? what : JSON.stringify(await what());
      throw new Error(`waited ${timeoutMs} ms in vain: ${text}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
