// Owns, until src/telemetry has them, the names of a window's spec and tallies.
export interface WindowSpec {
  readonly rollout: string;
  /** Revision of the status that opened the stage. */
  readonly openedRevision: number;
}
export type WindowTallies = Readonly<Record<string, unknown>>;
