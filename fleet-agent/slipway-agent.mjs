#!/usr/bin/env node
// Starts the agent from a checkout with any Node 20 or later; devices run the bundle that `npm run build:agent` makes.
import { fileURLToPath } from 'node:url';
import { runWithNode24 } from '../src/cli/node24.mjs';

const main = fileURLToPath(new URL('./src/main.ts', import.meta.url));
runWithNode24('node', [main, ...process.argv.slice(2)], { isWatching: true });
