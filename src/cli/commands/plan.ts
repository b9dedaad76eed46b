// Owns `slipway plan`: what a policy can confirm and catch at given traffic, before anyone rolls out with it.
import type { Command } from 'commander';
import { CodedError } from '../../base/errors.ts';
import { warningsOf } from '../../rollout/plan-warnings.ts';
import { DEFAULT_HEALTH, type Plan, planOf, type Traffic } from '../../rollout/stage-plan.ts';
import { readDocuments } from '../../snapshot/repository-documents.ts';
import { type WordedWarning, warningInWords } from '../../wording/plan-warnings-in-words.ts';
import {
  assumptionsOf,
  PLAN_HEADER,
  planRows,
  stageHeading,
  stageSentences,
} from '../../wording/stage-plan-in-words.ts';
import { changesBetween } from '../changed-rollouts.ts';
import { findPolicy } from '../find-policy.ts';
import { readLiveView } from '../live-status.ts';
import { readManifests } from '../manifests-here.ts';
import { printResult, proseLines, type Result, table } from '../output.ts';
import { planChanges } from '../plan-changes.ts';
import { addTrafficOptions, healthOf, type TrafficOptions, trafficOf } from '../plan-options.ts';
import { addRepositoryOptions, type RepositoryOptions, withFiles } from '../repository-access.ts';
import { serverOption } from '../settings.ts';

interface PlanOptions extends RepositoryOptions, TrafficOptions {
  readonly health: string;
  readonly server?: string;
  readonly since?: string;
  readonly json?: boolean;
}

/** Where no fleet is known. */
const ASSUMED_PER_MINUTE = 60;

/** From the flags, else from the service, else assumed. */
async function findTraffic(rollout: string | undefined, options: PlanOptions): Promise<Traffic> {
  const said = trafficOf(options);
  const { server, insecureHttp } = options;
  const isSaid = said.devices !== null && said.perMinute !== null;
  const asked = server === undefined || rollout === undefined || isSaid ? undefined : { server, insecureHttp, rollout };
  const live = asked && (await readLiveView(asked)).traffic;
  const groups = [...(said.groups ?? []), ...(live?.groups ?? [])];
  return {
    devices: said.devices ?? (live?.devices || null),
    perMinute: said.perMinute ?? live?.perMinute ?? ASSUMED_PER_MINUTE,
    ...(groups.length === 0 ? {} : { groups }),
  };
}

/** What --repo asks for beyond the manifests in the other folder. Throws PLAN_SINCE and what reading either fails with. */
async function planSince(since: string, name: string | undefined, options: PlanOptions): Promise<Result> {
  if (name !== undefined) {
    throw new CodedError({
      code: 'PLAN_SINCE',
      message: '--since plans each rollout that changed, so none can be named.',
      remedy: 'Leave out --since, or the name.',
    });
  }
  const after = await withFiles(options, readManifests);
  const before = await withFiles({ repo: since, gitUser: options.gitUser }, readDocuments);
  return planChanges(changesBetween(before, after), {
    trafficOf: (rollout) => findTraffic(rollout, options),
    said: await findTraffic(undefined, options),
    health: healthOf(options.health),
  });
}

function devicesUnknown(): CodedError {
  return new CodedError({
    code: 'PLAN_DEVICES',
    message: 'The stages are a percentage of an unknown number of devices.',
    remedy: 'Pass --devices, or a rollout together with --server.',
  });
}

/** The warnings, and each remedy once. */
function warningsText(warnings: readonly WordedWarning[]): string[] {
  const remedies = [...new Set(warnings.map(({ remedy }) => remedy))];
  const sentences = warnings.map(({ message }) => {
    const [first = '', ...rest] = proseLines(`! ${message}`);
    return [first, ...rest.map((line) => `  ${line}`)].join('\n');
  });
  return warnings.length === 0
    ? []
    : [sentences.join('\n'), remedies.flatMap((remedy) => proseLines(remedy)).join('\n')];
}

function planText(plan: Plan, warnings: readonly WordedWarning[]): string {
  const stages = plan.stages.map((stage) =>
    [
      stageHeading(stage),
      ...(stage.rules.length === 0 ? [] : [table(PLAN_HEADER, planRows(stage), '  ')]),
      ...stageSentences(stage).flatMap((sentence) => proseLines(sentence, '  ')),
    ].join('\n'),
  );
  const head = [`Policy ${plan.policy}`, ...assumptionsOf(plan)].join('\n');
  return [head, ...stages, ...warningsText(warnings)].join('\n\n');
}

export function addPlanCommand(program: Command): void {
  const command = program
    .command('plan')
    .description('show what a policy can confirm and catch at your traffic, and what it can miss')
    .argument('[rollout|policy]', "rollout, policy, or file of a policy (default: the repository's default policy)");
  addTrafficOptions(command, {
    devices: '',
    perMinute: ` (default: as measured by --server, otherwise ${ASSUMED_PER_MINUTE})`,
  })
    .option('--health <percent>', 'how close a good version gets to its limits', `${100 * DEFAULT_HEALTH}%`)
    .addOption(serverOption("it knows a rollout's devices and traffic"));
  addRepositoryOptions(command, { readsFolder: true })
    .option(
      '--since <path|url>',
      'plan what changed since these manifests: each rollout and policy that differs in --repo',
    )
    .option('--json', 'print JSON')
    .action(async (name: string | undefined, options: PlanOptions) => {
      if (options.since !== undefined) {
        printResult(await planSince(options.since, name, options), options.json ?? false);
        return;
      }
      const { policy, rollout } = await findPolicy(name, options);
      const plan = planOf(policy, { ...(await findTraffic(rollout, options)), health: healthOf(options.health) });
      if (plan.stages.every((stage) => stage.devices === null)) throw devicesUnknown();
      const warnings = warningsOf(plan).map(warningInWords);
      printResult({ json: { ...plan, warnings }, text: planText(plan, warnings) }, options.json ?? false);
    });
}
