// Owns how figures look: a table a benchmark, with the ratio to the peer said as it is, also where it is not flattering.
import type { BenchmarkResult, Group, Line, Unit } from './benchmark.ts';
import type { Spread } from './measure.ts';

function number(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ' ');
}

function amount(value: number, unit: Unit): string {
  return unit === '/s' ? `${number(value)}/s` : unit === 'count' ? number(value) : `${number(value)} ${unit}`;
}

const range = ({ least, most, runs }: Spread): string => (runs > 1 ? `${number(least)}–${number(most)}` : '');

/** Ours over the peer's. */
export function ratioOf({ ours, peer }: Line): number | null {
  return peer === undefined || peer.spread.median === 0 ? null : ours.median / peer.spread.median;
}

function ratio(line: Line): string {
  const value = ratioOf(line);
  if (value === null) return '';
  if (line.unit === 'bytes') return `${number(value)}x`;
  const times = line.unit === '/s' ? 1 / value : value;
  return times > 1 ? `${number(times)}x slower` : `${number(1 / times)}x faster`;
}

function cells(line: Line): string[] {
  const peer = line.peer === undefined ? '' : `${line.peer.what} ${amount(line.peer.spread.median, line.unit)}`;
  return [line.what, amount(line.ours.median, line.unit), range(line.ours), peer, ratio(line)];
}

function table({ title, lines }: Group): string {
  const rows = [['', 'median', 'min–max', 'beside', ''], ...lines.map(cells)];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const text = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 1 || column === 2 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return `${title}\n  ${text.join('\n  ')}`;
}

export function printed({ groups, notes }: BenchmarkResult): string {
  return [...groups.map(table), ...notes.map((note) => `  ${note}`)].join('\n\n');
}
