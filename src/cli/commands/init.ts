// Owns `slipway init`.
import type { Command } from 'commander';

export function addInitCommand(program: Command): void {
  program.command('init').description('make a manifests repository and a home');
}
