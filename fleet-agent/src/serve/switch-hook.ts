// Owns notifying another process that the model changed: by a signal, a command or an HTTP request, each bounded in time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../../src/base/clock.ts';
import { CodedError } from '../../../src/base/errors.ts';
import { ask } from '../link/http.ts';
import { TimeLimit } from '../link/time-limit.ts';

export type SwitchHook =
  /** Sends a signal to the process whose id is in the file. */
  | { readonly kind: 'signal'; readonly pidFile: string; readonly signal: 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2' | 'SIGTERM' }
  /** Runs a program (no shell), such as `systemctl restart scanner`; success is exit status 0. */
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]]; readonly timeoutMs?: number }
  /** POSTs the running version as JSON; success is any 2xx. */
  | { readonly kind: 'http'; readonly url: string; readonly timeoutMs?: number };

/** The version that runs now. Commands get it as `SLIPWAY_MODEL`, `SLIPWAY_VERSION`, `SLIPWAY_DIGEST` and `SLIPWAY_PATH`. */
export interface Switched {
  readonly model: string;
  readonly version: string | null;
  readonly digest: string | null;
  /** The folder that `current` points at. */
  readonly path: string;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Throws AGENT_SWITCH_HOOK when the other process could not be notified. */
export async function callSwitchHook(
  hook: SwitchHook,
  switched: Switched,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  try {
    switch (hook.kind) {
      case 'signal': {
        const pid = Number((await readFile(hook.pidFile, 'utf8')).trim());
        if (!Number.isSafeInteger(pid) || pid <= 1) throw new Error(`${hook.pidFile} does not hold a process id`);
        process.kill(pid, hook.signal);
        return;
      }
      case 'command':
        await runCommand(hook.argv, switched, hook.timeoutMs ?? DEFAULT_TIMEOUT_MS, clock);
        return;
      case 'http': {
        const timeoutMs = hook.timeoutMs ?? DEFAULT_TIMEOUT_MS;
        const answer = await ask({ url: hook.url, json: switched, timeoutMs, mostBytes: 65_536, signal }, clock);
        if (answer.status < 200 || answer.status > 299) throw new Error(`it answered ${answer.status}`);
      }
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new CodedError({
      code: 'AGENT_SWITCH_HOOK',
      kind: 'retry-later',
      message: `The process that runs "${switched.model}" was not notified of the switch: ${message}.`,
      remedy: "Check `onSwitch` in the agent's configuration.",
      cause: error,
    });
  }
}

function variablesOf(switched: Switched): Record<string, string> {
  return {
    SLIPWAY_MODEL: switched.model,
    SLIPWAY_VERSION: switched.version ?? '',
    SLIPWAY_DIGEST: switched.digest ?? '',
    SLIPWAY_PATH: switched.path,
  };
}

async function runCommand(
  argv: readonly [string, ...string[]],
  switched: Switched,
  timeoutMs: number,
  clock: Clock,
): Promise<void> {
  const [program, ...args] = argv;
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...variablesOf(switched) };
  using limit = new TimeLimit({ clock, ms: timeoutMs });
  const child = spawn(program, args, { stdio: 'ignore', env, signal: limit.signal, killSignal: 'SIGKILL' });
  const [status, signal] = await once(child, 'exit').catch((error: unknown) => {
    throw limit.isOver ? new Error(`${program} ran longer than ${timeoutMs} ms`) : error;
  });
  if (status !== 0) throw new Error(`${program} ended with ${status ?? signal}`);
}
