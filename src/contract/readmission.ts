// Owns what brings a device back that the service's store does not know any more.

/** A device that holds an epoch of before a store was set back; its report proves its key. */
export interface Readmission {
  readonly device: string;
  readonly publicKey: string;
  readonly epoch: number;
  /** As it states them. */
  readonly labels: Readonly<Record<string, string>>;
  readonly nowMs: number;
}
