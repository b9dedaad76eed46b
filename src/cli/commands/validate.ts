// Owns `slipway validate`.
import type { Command } from 'commander';

export function addValidateCommand(program: Command): void {
  program.command('validate').description('check every document');
}
