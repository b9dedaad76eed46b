// Owns `slipway poke`: asks the service to look at the repository now.
import type { Command } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { accessTo, askService } from '../ask-service.ts';
import { printResult } from '../output.ts';
import { INSECURE_HTTP } from '../service-settings.ts';
import { serverOption, TOKEN_OF_SERVER } from '../settings.ts';

interface PokeOptions {
  readonly server?: string;
  readonly insecureHttp?: boolean;
  readonly json?: boolean;
}

const OTHERWISE = 'Without it the service looks every 30 s (--poll), and at once where the Git host calls its webhook.';

export function addPokeCommand(program: Command): void {
  program
    .command('poke')
    .description('ask the service to look at the repository now')
    .addOption(serverOption(`${TOKEN_OF_SERVER} (scope operate)`))
    .option('--insecure-http', INSECURE_HTTP)
    .option('--json', 'print JSON')
    .addHelpText('after', `\n${OTHERWISE}`)
    .action(async ({ server, insecureHttp = false, json = false }: PokeOptions) => {
      if (server === undefined)
        throw new CodedError({
          code: 'SERVER_MISSING',
          message: 'No service is named.',
          remedy: `Pass --server or set SLIPWAY_SERVER. ${OTHERWISE}`,
        });
      const question = { method: 'POST', path: '/v1/poke', otherwise: OTHERWISE } as const;
      await askService(question, accessTo(server, insecureHttp), new SystemClock());
      const text = `${server} looks at its repository now; \`slipway status\` shows what it sees.`;
      printResult({ json: { server, status: 'looking' }, text }, json);
    });
}
