// Owns `slipway history`.
import type { Command } from 'commander';

export function addHistoryCommand(program: Command): void {
  program.command('history').description('the steps of a rollout');
}
