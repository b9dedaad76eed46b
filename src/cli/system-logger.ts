// Owns where the log of a service goes: stderr, as JSON or, at a terminal, in words.
import process from 'node:process';
import { SystemClock } from '../base/clock.ts';
import { createLogger, type LogLevel } from '../base/logger.ts';

/** Asks for the lowest level at each line. */
export function systemLogger(leastNow: () => LogLevel) {
  const clock = new SystemClock();
  return createLogger({
    get least() {
      return leastNow();
    },
    pretty: process.stderr.isTTY === true,
    now: () => clock.now(),
    write: (line) => process.stderr.write(line),
  });
}
