#!/usr/bin/env node
// Starts the command line from any Node 20 or later; the commands themselves are in main.ts.
import { fileURLToPath } from 'node:url';
import { runWithNode24 } from './node24.mjs';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
runWithNode24('node', [main, ...process.argv.slice(2)], { isWatching: true });
