// Owns how people start the command line here: by npx in a checkout, where nothing is installed for the whole machine.

export const COMMAND = import.meta.filename.endsWith('.ts') ? 'npx slipway' : 'slipway';
