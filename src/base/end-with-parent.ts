// Owns ending with the launcher that started this process: a launcher that is killed can't pass a signal on.
import process from 'node:process';

/** Stops this process, as SIGTERM does, when the launcher is gone. Does nothing without one. */
export function endWithParent(): void {
  if (process.channel == null) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}
