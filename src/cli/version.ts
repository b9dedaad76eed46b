// Owns the version of the command line and of the service.

export const VERSION = '0.1.0';
