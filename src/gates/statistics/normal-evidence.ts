// Owns evidence from readings that are normal in large samples, valid however often one looks.

/**
 * Evidence that a reading is beyond its limit: at least 0, and at most 1 on average as long as the limit is kept. `z`: how many standard
 * deviations beyond it lies; `information`: half of the limit over the standard deviation, squared. A lower bound, in closed form, of the
 * one-sided normal mixture with a half-normal prior (Robbins 1970; Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2021).
 */
export function normalEvidence(z: number, information: number): number {
  if (!(z > 0) || !(information > 0)) return 0;
  const grown = 1 + information;
  return (2 * Math.exp((z * z * information) / (2 * grown)) - 1) / Math.sqrt(grown);
}

/** The anytime-valid p-value of that evidence. */
export function normalP(z: number, information: number): number {
  return Math.min(1, 1 / normalEvidence(z, information));
}

/** The z at which that p-value is reached: for bounds. */
export function normalReach(p: number, information: number): number {
  return Math.sqrt(2 * (1 + 1 / information) * Math.log(0.5 + Math.sqrt(1 + information) / (2 * p)));
}
