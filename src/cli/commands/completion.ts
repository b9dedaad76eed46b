// Owns `slipway completion`: the script with which a shell completes commands, options and names of rollouts.
import process from 'node:process';
import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell } from '../completion-script.ts';

const HOW = `
Put one of these where your shell starts:
  bash  source <(slipway completion bash)        in ~/.bashrc
  zsh   source <(slipway completion zsh)         in ~/.zshrc
  fish  slipway completion fish | source         in ~/.config/fish/config.fish`;

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print the script with which a shell completes commands, options and names of rollouts')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', HOW)
    .action((shell: Shell) => {
      process.stdout.write(completionScript(program, shell));
    });
}
