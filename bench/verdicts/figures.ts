// Owns how figures of simulations are written: shares, minutes, and tables of them.
import type { JudgeSummary } from './summary.ts';

/** A table with its title. */
export type Section = readonly [title: string, table: string];

export function percent(share: number | null | undefined): string {
  if (share === undefined || share === null) return '–';
  const value = 100 * share;
  return value === 0 || value >= 9.95 ? value.toFixed(0) : value.toFixed(1);
}

/** `98@14`: found in 98%, in the median of those at minute 14. */
export function foundAt(judge: JudgeSummary | undefined): string {
  if (judge === undefined) return '–';
  return judge.medianOfFound === null ? '0' : `${percent(judge.failed)}@${judge.medianOfFound}`;
}

/** The same of passes after ten minutes. */
export function passedAt(judge: JudgeSummary | undefined): string {
  if (judge === undefined) return '–';
  return judge.medianOfPassed === null ? '0' : `${percent(judge.passed)}@${judge.medianOfPassed}`;
}

export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const [title = '', ...rest] = lines;
  return [title, '-'.repeat(title.length), ...rest].join('\n');
}
