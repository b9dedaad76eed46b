// Owns what a store forgets, and after how long: nothing that a device, a rollout or a person still leans on.

const DAY_MS = 24 * 60 * 60_000;

/** A device is forgotten that was not heard in so much listening time: a clock that jumps, or a service that is off, forgets nobody. */
export const DEVICE_KEPT_LISTENED_MS = 400 * DAY_MS;
/** A token is forgotten so long after it expired; until then a device that uses it hears why it is refused. */
export const TOKEN_KEPT_MS = 30 * DAY_MS;
/** Windows of a rollout that is gone are forgotten so long after they closed. */
export const WINDOW_KEPT_MS = 90 * DAY_MS;

/** It is known for so long which device ran which version, after it ended: 13 months. */
export const EXPOSURE_KEPT_MS = 396 * DAY_MS;

/** What was forgotten. */
export interface Forgotten {
  readonly devices: number;
  readonly tokens: number;
}
