// Owns `slipway postmortem`: what happened to a version that was taken back, as a document that people complete.
import { type Command, Option } from 'commander';
import { writeFileDurably } from '../../base/durable-file.ts';
import { postmortemPage } from '../../dashboard/postmortem-page.ts';
import { readPostmortem } from '../../dashboard/read-model/postmortem.ts';
import { postmortemMarkdown } from '../../dashboard/read-model/postmortem-markdown.ts';
import type { Postmortem } from '../../dashboard/read-model/types.generated.ts';
import { readGitView } from '../git-status.ts';
import { openPast, type PastOptions } from '../open-past.ts';
import { wholeNumberOf } from '../option-values.ts';
import { printResult } from '../output.ts';
import { addRepositoryOptions } from '../repository-access.ts';
import { homeOption, trustOption } from '../settings.ts';

interface PostmortemOptions extends PastOptions {
  readonly revision?: string;
  readonly output?: string;
  readonly format: 'markdown' | 'html' | 'json';
  readonly json?: boolean;
}

const WRITERS = {
  markdown: postmortemMarkdown,
  html: postmortemPage,
  json: (postmortem: Postmortem) => JSON.stringify(postmortem, null, 2),
} as const;

export function addPostmortemCommand(program: Command): void {
  const command = program
    .command('postmortem')
    .description('write down what happened to a version that was taken back, from Git and evidence alone')
    .argument('<rollout>', 'name of the rollout');
  addRepositoryOptions(command)
    .addOption(trustOption())
    .addOption(homeOption())
    .option('--revision <n>', 'a step of the attempt (default: the newest attempt that was taken back)')
    .option('--output <file>', 'write it there in place of printing it')
    .addOption(
      new Option('--format <format>', 'of what is written').choices(['markdown', 'html', 'json']).default('markdown'),
    )
    .option('--json', 'print JSON, as --format json')
    .action(async (rollout: string, options: PostmortemOptions) => {
      const revision =
        options.revision === undefined
          ? null
          : wholeNumberOf('--revision', options.revision, { least: 1, most: 999_999_999 });
      await using opened = await openPast(options);
      const past = await opened.now();
      if (past.stepsOf(rollout).length === 0) await readGitView(opened.opened.repository, past.list.head, rollout);
      const postmortem = await readPostmortem(past, { rollout, revision });
      const isJson = options.json === true || options.format === 'json';
      const text = WRITERS[isJson ? 'json' : options.format](postmortem);
      if (options.output === undefined) return printResult({ json: postmortem, text }, isJson);
      await writeFileDurably(options.output, text.endsWith('\n') ? text : `${text}\n`);
      printResult({ json: { file: options.output }, text: `Written to ${options.output}.` }, options.json ?? false);
    });
}
