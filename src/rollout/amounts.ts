// Owns how measured values are written for people.
export type Unit = 'ratio' | 'ms' | 'bytes' | 'celsius' | 'count';

function significant(value: number): string {
  return value === 0 ? '0' : String(Number(value.toPrecision(3)));
}

/** A value with its unit: shares in percent, times in ms or s. */
export function formatAmount(value: number, unit: string): string {
  switch (unit) {
    case 'ratio':
      return `${significant(value * 100)} %`;
    case 'ms':
      return value >= 10_000 ? `${significant(value / 1000)} s` : `${significant(value)} ms`;
    case 'celsius':
      return `${significant(value)} °C`;
    default:
      return significant(value);
  }
}
