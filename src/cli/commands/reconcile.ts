// Owns `slipway reconcile`: cycles of the loop by hand, or what the next one would do.
import type { Command } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { SystemRandom } from '../../base/random.ts';
import type { Cycle } from '../../reconcile/reconciler.ts';
import type { Plan } from '../../rollout/decide.ts';
import type { Transition } from '../../rollout/transition.ts';
import { stepReasonInWords } from '../../wording/step-reason-in-words.ts';
import { type ComposedReconciler, composeReconciler } from '../compose-service.ts';
import { givenSettings, placed } from '../given-settings.ts';
import { openHome } from '../home.ts';
import { printResult, type Result } from '../output.ts';
import { assertFollowable } from '../repository-access.ts';
import { addServiceOptions, serviceSettings } from '../settings.ts';
import { sourceProblem } from '../source-problem.ts';
import { statusTable } from '../status-table.ts';
import { systemLogger } from '../system-logger.ts';

interface ReconcileOptions {
  readonly once?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Steps follow each other; so many at once by hand are enough. */
const MOST_CYCLES = 20;

const stepLine = (step: Transition): string => `${step.rollout}: ${step.from} → ${step.to}  ${stepReasonInWords(step)}`;

function planResult(plan: Plan, title: string, steps: readonly Transition[]): Result {
  const lines = steps.length === 0 ? ['nothing to do'] : steps.map(stepLine);
  return {
    json: { steps: plan.steps, rollouts: plan.outlooks },
    text: `${title}\n${lines.join('\n')}\n\n${statusTable(plan.outlooks)}`,
  };
}

async function dryRun({ reconciler }: ComposedReconciler): Promise<Result> {
  const { source, plan } = await reconciler.dryRun(new AbortController().signal);
  const problem = sourceProblem(source);
  if (problem !== null) throw problem;
  if (plan === null) return { json: { steps: [], rollouts: [] }, text: 'nothing to do' };
  return planResult(plan, 'The next cycle would:', plan.steps);
}

/** A service on the same home may publish at once. */
async function reconcileAndRelease(composed: ComposedReconciler): Promise<Result> {
  const result = await reconcile(composed);
  await composed.publisher.release();
  return result;
}

async function reconcile({ reconciler }: ComposedReconciler): Promise<Result> {
  const done: Transition[] = [];
  let cycle: Cycle | undefined;
  for (let i = 0; i < MOST_CYCLES; i++) {
    cycle = await reconciler.cycle(new AbortController().signal);
    if (cycle.kind !== 'stepped') break;
    done.push(...cycle.steps.map((one) => one.step));
  }
  if (cycle === undefined || cycle.kind === 'no-source') {
    throw (
      sourceProblem(cycle?.source ?? { kind: 'empty' }) ??
      new CodedError({ code: 'GIT_AWAY', kind: 'retry-later', message: 'The repository was not read.' })
    );
  }
  if (cycle.kind === 'not-landed') {
    throw new CodedError({
      code: 'GIT_PUSH_REFUSED',
      kind: 'retry-later',
      message: `The steps could not be pushed: ${cycle.reason}.`,
      remedy: 'Check that the service may push to the branch.',
    });
  }
  const title = cycle.kind === 'proposed' ? `Done; the next steps wait to be accepted at ${cycle.where}:` : 'Done:';
  return planResult(cycle.plan, title, done);
}

export function addReconcileCommand(program: Command): void {
  addServiceOptions(
    program
      .command('reconcile')
      .description('reconcile until nothing changes, then print what each rollout is waiting for'),
    'warn',
  )
    .option('--once', 'the default; accepted so that scripts can say so')
    .option('--dry-run', 'show what would be done; commit and publish nothing')
    .option('--json', 'print JSON')
    .action(async (options: ReconcileOptions, command: Command) => {
      const given = await givenSettings(command);
      const settings = placed(given, serviceSettings);
      await openHome(settings.home.folder);
      await assertFollowable(settings.repository);
      const order = {
        settings,
        clock: new SystemClock(),
        random: new SystemRandom(),
        logger: systemLogger(() => given.values.logLevel ?? 'warn'),
      };
      await using composed = await composeReconciler({ ...order, instance: '-once' });
      const result = options.dryRun === true ? await dryRun(composed) : await reconcileAndRelease(composed);
      printResult(result, options.json ?? false);
    });
}
