// Owns the comparison of the page of metrics with the metrics that the sources name: a metric without a row, or a row without one, is told at once.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '..');
const PAGE = 'docs/reference/service-metrics.md';

function namesIn(file: string, pattern: RegExp): string[] {
  return [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(pattern)].map(([, name = '']) => name);
}

/** What to mend, a line each. */
export function findMetricGaps(): string[] {
  const sources = globSync(['src/**/*.ts', 'fleet-agent/src/**/*.ts'], { cwd: ROOT });
  const named = new Set(sources.flatMap((file) => namesIn(file, /'((?:slipway|process)_[a-z_]+[a-z])'/g)));
  const described = new Set(namesIn(PAGE, /^\| `(\w+)` \|/gm));
  const missing = [...named].filter((name) => !described.has(name)).sort();
  const gone = [...described].filter((name) => !named.has(name)).sort();
  return [
    ...missing.map((name) => `${PAGE} has no row for ${name}: add its type, labels and help.`),
    ...gone.map((name) => `${PAGE} has a row for ${name}, which no source names: remove it.`),
  ];
}
