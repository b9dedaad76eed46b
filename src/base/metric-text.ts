// Owns the text format that Prometheus reads: names, labels and readings of metrics as lines, whatever labels hold.

export type MetricLabels = Readonly<Record<string, string>>;

/** One value at the time of a scrape; null and values that are no number are left out. */
export interface Reading {
  readonly value: number | null;
  readonly labels?: MetricLabels;
}

export interface MetricInWords {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
}

/** Readings of one metric in one scrape; the others are left out. */
const MOST_READINGS = 5_000;
const MOST_LABEL_LENGTH = 200;

function escaped(value: string): string {
  const text = value.length > MOST_LABEL_LENGTH ? `${value.slice(0, MOST_LABEL_LENGTH - 1)}…` : value;
  if (/^[ !#-[\]-~]*$/.test(text)) return text;
  return text.toWellFormed().replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
}

export function labelText(labels: MetricLabels): string {
  let text = '';
  for (const name in labels) text += `${text === '' ? '{' : ','}${name}="${escaped(labels[name] ?? '')}"`;
  return text === '' ? '' : `${text}}`;
}

/** Adds the readings to the lines, and answers how many found no room. Of two with the same labels the first counts. */
export function writeReadings(name: string, readings: Iterable<Reading>, lines: string[]): number {
  const seen = new Set<string>();
  let leftOut = 0;
  for (const { value, labels = {} } of readings) {
    if (value === null || !Number.isFinite(value)) continue;
    if (seen.size >= MOST_READINGS) {
      leftOut += 1;
      continue;
    }
    const key = labelText(labels);
    if (seen.has(key)) continue;
    seen.add(key);
    lines.push(`${name}${key} ${value}`);
  }
  return leftOut;
}

export function headOf({ name, help, type }: MetricInWords): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

/** Metrics with their readings in the text exposition format 0.0.4. */
export function textOfReadings(
  metrics: readonly (MetricInWords & { readonly readings: readonly Reading[] })[],
): string {
  const lines: string[] = [];
  for (const metric of metrics) {
    lines.push(...headOf(metric));
    writeReadings(metric.name, metric.readings, lines);
  }
  return `${lines.join('\n')}\n`;
}
