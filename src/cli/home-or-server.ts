// Owns where a command looks: in the home of the service, or at the running service.
import type { Command } from 'commander';
import { CodedError } from '../base/errors.ts';
import { INSECURE_HTTP } from './service-settings.ts';
import { homeOption, serverOption, TOKEN_OF_SERVER } from './settings.ts';

export interface PlaceOptions {
  readonly home: string;
  readonly server?: string;
  readonly insecureHttp?: boolean;
}

export type Place =
  | { readonly kind: 'home'; readonly home: string }
  | { readonly kind: 'server'; readonly server: string; readonly insecureHttp: boolean };

export function addPlaceOptions(command: Command): Command {
  return command
    .addOption(homeOption())
    .addOption(serverOption(TOKEN_OF_SERVER))
    .option('--insecure-http', INSECURE_HTTP);
}

/** An option wins over the environment, and there a home over a service: on the service's own machine no token is needed. */
export function placeOf({ home, server, insecureHttp = false }: PlaceOptions, command: Command): Place {
  const from = (option: 'home' | 'server'): string => command.getOptionValueSource(option) ?? 'default';
  if (from('home') === 'cli' && from('server') === 'cli')
    throw new CodedError({
      code: 'USAGE',
      message: '--home and --server are two places.',
      remedy: "Pass --home on the service's own machine, and --server elsewhere.",
    });
  const isInHome = from('home') === 'cli' || (from('home') === 'env' && from('server') !== 'cli');
  if (server === undefined || isInHome) return { kind: 'home', home };
  return { kind: 'server', server, insecureHttp };
}
