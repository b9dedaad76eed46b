// Owns the watch for regressions that start late, which a long healthy start would dilute beyond notice.

/** One p-value of the whole stage and the current window, half of the error each: min(1, 2·pStage, 2·W·pWindow). */
export function withWindow(pStage: number, pWindow: number, windows: number): number {
  return Math.min(1, 2 * Math.min(pStage, windows * pWindow));
}

/**
 * The W to weigh window number `index` (from 0) with, so that the shares 1/W of all windows sum to 1 at most.
 * With a deadline each of its windows and the time after it get an equal share; what is open-ended is spent as 1/((j+1)(j+2)).
 */
export function windowWeight(index: number, windowsUntilDeadline: number | null): number {
  if (windowsUntilDeadline === null) return (index + 1) * (index + 2);
  const shares = windowsUntilDeadline + 1;
  if (index < windowsUntilDeadline) return shares;
  const after = index - windowsUntilDeadline;
  return shares * (after + 1) * (after + 2);
}
