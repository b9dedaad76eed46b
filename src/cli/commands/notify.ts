// Owns `slipway notify test`: a marked notice to the targets of `notify.yaml`, at once and past their queues.
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import type { AlertNotice, Notice, NoticeContent } from '../../notify/notice.ts';
import type { Delivery } from '../../notify/notice-target.ts';
import { homeAt } from '../home.ts';
import { openNotifications } from '../home-files.ts';
import { printResult, table } from '../output.ts';
import { homeOption } from '../settings.ts';

interface TestOptions {
  readonly home: string;
  readonly notify?: string;
  readonly target?: string;
  readonly json?: boolean;
}

interface Testable {
  readonly name: string;
  /** Commit statuses and requests for retraining need a real one. */
  wants?(content: NoticeContent): boolean;
  deliver(notice: Notice, signal: AbortSignal): Promise<Delivery>;
}

function testNotice(nowMs: number): Notice {
  const id = randomUUID();
  const content: AlertNotice = {
    ...{ kind: 'alert', is: 'raised', alert: id, alertKind: 'test', rollout: null, reason: 'Test', isTest: true },
    message: 'This is a test. Somebody ran `slipway notify test`; nothing is wrong.',
    ...{ sinceMs: nowMs, numbers: {}, runbook: null },
  };
  return { format: 1, id, atMs: nowMs, content };
}

function outcomeOf(delivery: Delivery): string {
  return delivery.kind === 'taken'
    ? 'taken'
    : `${delivery.kind === 'refused' ? 'refused' : 'not taken'}: ${delivery.reason}`;
}

async function sendTest({ home: folder, notify, target: name, json }: TestOptions): Promise<void> {
  const clock = new SystemClock();
  const { value } = await openNotifications(homeAt(folder), notify ?? null, clock);
  const all: readonly Testable[] = [...value.targets, ...value.alertmanagers];
  const chosen = name === undefined ? all : all.filter((one) => one.name === name);
  if (chosen.length === 0)
    throw new CodedError({
      code: 'NOTIFY_TARGET_UNKNOWN',
      message: name === undefined ? 'No target is listed.' : `No target is named ${JSON.stringify(name)}.`,
      remedy:
        all.length === 0 ? 'List targets in `notify.yaml`.' : `There are ${all.map((one) => one.name).join(', ')}.`,
    });
  const notice = testNotice(clock.now());
  const results = await Promise.all(
    chosen.map(async (target) => {
      const isWanted = target.wants?.(notice.content) ?? true;
      if (!isWanted)
        return {
          target: target.name,
          outcome: 'passed over',
          reason: 'not sent: it takes no alerts about the service',
        };
      const delivery = await target.deliver(notice, new AbortController().signal);
      return {
        target: target.name,
        outcome: delivery.kind,
        ...(delivery.kind === 'taken' ? {} : { reason: outcomeOf(delivery) }),
      };
    }),
  );
  const rows = results.map((one) => [one.target, one.reason ?? one.outcome]);
  printResult({ json: { id: notice.id, results }, text: table(['TARGET', 'OUTCOME'], rows) }, json === true);
  if (results.some(({ outcome }) => outcome === 'later' || outcome === 'refused')) process.exitCode = 1;
}

export function addNotifyCommand(program: Command): void {
  program
    .command('notify')
    .description('notification targets')
    .command('test')
    .description('send a marked test notice to the targets, and say which took it')
    .addOption(homeOption())
    .option('--notify <file>', "file of the notification targets (default: the home's notify.yaml)")
    .option('--target <name>', 'this target alone')
    .option('--json', 'print JSON')
    .action(sendTest);
}
