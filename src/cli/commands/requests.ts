// Owns `slipway requests`.
import type { Command } from 'commander';

export function addRequestCommands(program: Command): void {
  program.command('pause').description('pause a rollout');
}
