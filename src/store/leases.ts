// Owns what a store promises about leases: one holder at a time, and a holder that was overtaken is recognised.

export interface LeaseRequest {
  readonly name: string;
  readonly holder: string;
  readonly ttlMs: number;
  readonly nowMs: number;
}

export interface Leases {
  /** A fencing token that grows with each change of holder (a renewal keeps it), or null while another holds the lease. */
  acquireLease(request: LeaseRequest): Promise<number | null>;
  /** Does nothing when the token is no longer the lease's. */
  releaseLease(name: string, token: number): Promise<void>;
  /** As it was last given out, whether or not it has ended since; undefined before the first. */
  findLease(name: string): Promise<KnownLease | undefined>;
}

/** A lease as it was last given out; without a holder once it was released. */
export interface KnownLease {
  readonly holder: string | null;
  readonly token: number;
  readonly expiresAtMs: number;
}

const MOST_LEASE_MS = 10 * 60_000;

/** The token grows whenever the lease was free or another's, so that the one who held it before is recognised as late. */
export function grantLease(known: KnownLease | undefined, { holder, ttlMs, nowMs }: LeaseRequest): KnownLease | null {
  const { holder: before = null, token = 0, expiresAtMs: endMs = 0 } = known ?? {};
  // An end further off than any lease lasts was written by a clock that ran ahead.
  const isHeld = before !== null && endMs > nowMs && endMs <= nowMs + MOST_LEASE_MS;
  if (isHeld && before !== holder) return null;
  return { holder, token: isHeld ? token : token + 1, expiresAtMs: Math.floor(nowMs + ttlMs) };
}
