// Owns what every text of a view must be: one visible line, without controls, bounded.

/** Paths of texts that are not; empty when all are. */
export function isUsableView(value: unknown, at = ''): string[] {
  if (typeof value === 'string') return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(value) || value.length > 20_000 ? [at] : [];
  if (value === null || typeof value !== 'object') return Number.isNaN(value) ? [at] : [];
  return Object.entries(value).flatMap(([name, part]) => isUsableView(part, `${at}/${name}`));
}
