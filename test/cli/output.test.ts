// Laws of how text is printed: it fits the terminal, is in colour only there, and says times as people do.
import { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { errorText, proseLines, table, timeAgo } from '../../src/cli/output.ts';

const LONG = 'the service waits for 3 more devices with data, and for 1,000 more inferences of the canary';
const ROWS = [['invoice-ocr-eu', 'canary', LONG]];
const HEADER = ['ROLLOUT', 'STAGE', 'WAITING FOR'];
const ERROR = new CodedError({ code: 'GIT_EMPTY', message: `It is so that ${LONG}.`, remedy: 'Wait.' });

function onTerminal(columns: number): void {
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'isTTY', 'get').mockReturnValue(true);
    vi.spyOn(stream, 'columns', 'get').mockReturnValue(columns);
    stream.getColorDepth = WriteStream.prototype.getColorDepth;
  }
}

beforeEach(() => {
  for (const stream of [process.stdout, process.stderr]) {
    Object.defineProperty(stream, 'isTTY', { value: undefined, configurable: true, writable: true });
    Object.defineProperty(stream, 'columns', { value: undefined, configurable: true, writable: true });
  }
  for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'CI']) vi.stubEnv(name, undefined);
  vi.stubEnv('TERM', 'xterm-256color');
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('on a terminal', () => {
  test('no line of a table, of prose or of an error is longer than the terminal is wide', () => {
    onTerminal(60);
    const lines = [table(HEADER, ROWS), table(HEADER, ROWS, '  '), ...proseLines(LONG, '  '), errorText(ERROR)];
    for (const line of stripVTControlCharacters(lines.join('\n')).split('\n'))
      expect(line.length, line).toBeLessThanOrEqual(60);
    expect(stripVTControlCharacters(table(HEADER, ROWS)).replace(/\s+/g, ' ')).toContain(LONG);
  });

  test('headings and codes of errors are styled, unless NO_COLOR is set', () => {
    onTerminal(80);
    expect(errorText(ERROR)).toContain('\u001b[');
    vi.stubEnv('NO_COLOR', '1');
    expect(errorText(ERROR) + table(HEADER, ROWS)).not.toContain('\u001b');
  });
});

test('where no terminal is, nothing is styled, and each sentence of an error is one line', () => {
  expect(errorText(ERROR)).toBe(`GIT_EMPTY\n  It is so that ${LONG}.\n  Wait.`);
  expect(table(HEADER, ROWS).split('\n')).toHaveLength(2);
});

test('times are as long ago as people say it', () => {
  const now = 1_790_000_000_000;
  const said = [0, 400, 1_000, 59_999, 200_000, 7_300_000, 200_000_000].map((ms) => timeAgo(now - ms, now));
  expect(said).toEqual(['just now', 'just now', '1 s ago', '59 s ago', '3 min ago', '2 h ago', '2 d ago']);
  expect(timeAgo(now + 5_000, now)).toBe('just now');
});
