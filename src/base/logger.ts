// Owns logs: JSON lines on stderr, or short lines for people when stderr is a terminal.
import { CodedError } from './errors.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

/** Fixed messages plus fields. An error is logged once, where it is handled. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

const ORDER: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

function plain(value: unknown): unknown {
  if (value instanceof CodedError)
    return { code: value.code, message: value.message, remedy: value.remedy, at: value.at };
  if (value instanceof Error) return { message: value.message, stack: value.stack };
  return value;
}

export interface LogSink {
  readonly least: LogLevel;
  readonly pretty: boolean;
  readonly now: () => number;
  readonly write: (line: string) => void;
}

/** A logger that writes each record of `least` level or above as one line. */
export function createLogger(sink: LogSink): Logger {
  const log = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    if (ORDER.indexOf(level) < ORDER.indexOf(sink.least)) return;
    const at = new Date(sink.now()).toISOString();
    const shown = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plain(value)]));
    if (!sink.pretty) {
      sink.write(`${JSON.stringify({ at, level, message, ...shown })}\n`);
      return;
    }
    const rest = Object.entries(shown).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    sink.write(`${at.slice(11, 19)} ${level.padEnd(5)} ${message} ${rest.join(' ')}\n`);
  };
  return {
    debug: (message, fields) => log('debug', message, fields),
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
  };
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
