// Owns the completion of `slipway` in shells: scripts made from the commands and options that there are.
import type { Command, Option } from 'commander';
import { shellWord } from '../base/shell-word.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Completed {
  /** `''`, `token`, `token create`. */
  readonly path: string;
  readonly commands: readonly Command[];
  readonly options: readonly Option[];
  /** Is its argument the name of a rollout? */
  readonly takesRollout: boolean;
}

/** Names of rollouts of the manifests repository in which one stands. */
const FIND_ROLLOUTS = "find rollouts -maxdepth 4 -name '*.yaml' 2>/dev/null | sed 's|.*/||; s|\\.yaml$||'";

function completedOf(command: Command, path = ''): Completed[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const own = {
    ...{ path, commands, options: help.visibleOptions(command) },
    takesRollout: command.registeredArguments.some((argument) => argument.name() === 'rollout'),
  };
  return [own, ...commands.flatMap((one) => completedOf(one, path === '' ? one.name() : `${path} ${one.name()}`))];
}

/** `--to`, and `-o` where there is no long one. */
function flagOf({ long, short }: Option): string {
  return long ?? short ?? '';
}

function bashCase({ path, commands, options, takesRollout }: Completed): string {
  const words = [...commands.map((one) => one.name()), ...options.map(flagOf)].join(' ');
  const rollouts = takesRollout ? '; [[ $cur == -* ]] || words=$(_slipway_rollouts)' : '';
  return `    ${shellWord(path)}) words=${shellWord(words)}${rollouts} ;;`;
}

/** The values of options that have a few. */
function bashChoices(all: readonly Completed[]): string[] {
  const choices = new Map<string, Set<string>>();
  for (const { options } of all)
    for (const option of options) {
      const known = choices.get(flagOf(option)) ?? new Set();
      for (const choice of option.argChoices ?? []) known.add(choice);
      if (known.size > 0) choices.set(flagOf(option), known);
    }
  return [...choices].map(([flag, values]) => `    ${shellWord(flag)}) words=${shellWord([...values].join(' '))} ;;`);
}

function bashScript(all: readonly Completed[]): string {
  const paths = all.filter(({ path }) => path !== '').map(({ path }) => shellWord(path));
  return `_slipway_rollouts() { ${FIND_ROLLOUTS}; }
_slipway() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} path= next word words=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next=\${path:+$path }$word
    case $next in ${paths.join(' | ')}) path=$next ;; esac
  done
  case $path in
${all.map(bashCase).join('\n')}
  esac
  case $prev in
${bashChoices(all).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _slipway slipway
`;
}

function fishLines({ path, commands, options, takesRollout }: Completed): string[] {
  const names = path.split(' ').filter((name) => name !== '');
  const unless =
    commands.length === 0 ? '' : `; and not __fish_seen_subcommand_from ${commands.map((one) => one.name()).join(' ')}`;
  const seen = names.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ');
  const when = shellWord(path === '' ? '__fish_use_subcommand' : `${seen}${unless}`);
  const described = (text: string): string =>
    text === '' ? '' : ` -d ${shellWord((text.split(/[:;(.]/)[0] ?? '').trim())}`;
  return [
    ...commands.map(
      (one) => `complete -c slipway -n ${when} -f -a ${shellWord(one.name())}${described(one.description())}`,
    ),
    ...options.map((option) => {
      const flags = [option.long && `-l ${option.long.slice(2)}`, option.short && `-s ${option.short.slice(1)}`];
      const values = option.argChoices === undefined ? '' : ` -f -a ${shellWord(option.argChoices.join(' '))}`;
      const takes = option.required || option.optional ? ' -r' : '';
      return `complete -c slipway -n ${when} ${flags.filter(Boolean).join(' ')}${takes}${values}${described(option.description)}`;
    }),
    ...(takesRollout ? [`complete -c slipway -n ${when} -f -a ${shellWord(`(${FIND_ROLLOUTS})`)}`] : []),
  ];
}

/** The script that a shell reads; zsh takes bash's. */
export function completionScript(program: Command, shell: Shell): string {
  const all = completedOf(program);
  if (shell === 'fish') return `${all.flatMap(fishLines).join('\n')}\n`;
  const head =
    shell === 'zsh' ? 'autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n' : '';
  return `${head}${bashScript(all)}`;
}
