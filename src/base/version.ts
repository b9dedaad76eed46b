// Owns the version of this Slipway: of its command line and its service.

export const VERSION = '0.1.0';
