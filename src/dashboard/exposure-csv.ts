// Owns a row of exposure as CSV: RFC 4180, and nothing that a spreadsheet would take for a formula.
import type { ExposureRow } from './read-model/types.generated.ts';

const COLUMNS = ['device', 'model', 'version', 'digest', 'heard_before', 'from', 'until', 'how'] as const;

export const EXPOSURE_HEADER = `${COLUMNS.join(',')}\r\n`;

function instant(atMs: number | null): string {
  return atMs === null ? '' : new Date(atMs).toISOString();
}

/** Devices name versions: no name may be a formula of whoever opens the file in a spreadsheet. */
function csvCell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

export function csvLine({ device, model, version, digest, afterMs, fromMs, untilMs, how }: ExposureRow): string {
  const cells = [device, model, version ?? '', digest ?? '', instant(afterMs), instant(fromMs), instant(untilMs), how];
  return `${cells.map(csvCell).join(',')}\r\n`;
}
