// Owns the spreading of simulations over worker threads; the outcome does not depend on how many there are.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type Cell, cellName } from './cell.ts';
import { allCells, cellsOf, type Job, runsOf } from './cells.ts';
import type { RunOutcome } from './outcome.ts';

export interface CellOutcome {
  readonly cell: Cell;
  readonly runs: readonly RunOutcome[];
}

export interface CellsOrder {
  /** Of each cell of rates; the costlier ones have a share of it. */
  readonly runs: number;
  readonly seed: string;
  readonly threads: number;
  readonly say: (progress: string) => void;
}

const RUNS_A_JOB = 25;

/** Those with more work first, so that no thread is left with a long job at the end. */
function jobsOf({ runs, seed }: CellsOrder): Job[] {
  const groups = new Map(allCells().map(({ setup, scenario }) => [`${setup} ${scenario}`, { setup, scenario }]));
  return [...groups.values()]
    .sort((a, b) => Number(a.setup === 'single') - Number(b.setup === 'single'))
    .flatMap((group) => {
      const all = runsOf(group.setup, runs);
      const parts = Array.from({ length: Math.ceil(all / RUNS_A_JOB) }, (_, i) => i * RUNS_A_JOB);
      return parts.map((firstRun) => ({ ...group, firstRun, runs: Math.min(RUNS_A_JOB, all - firstRun), seed }));
    });
}

/** All cells in the order of `allCells`. Throws what a worker throws. */
export async function runCells(order: CellsOrder): Promise<CellOutcome[]> {
  const jobs = jobsOf(order);
  const found = new Map(allCells().map((cell) => [cellName(cell), { cell, runs: [] as RunOutcome[] }]));
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url));
    try {
      for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
        worker.postMessage(job);
        const [outcomes] = (await once(worker, 'message')) as [RunOutcome[][]];
        cellsOf(job.setup, job.scenario).forEach((cell, i) => {
          found.get(cellName(cell))?.runs.push(...(outcomes[i] ?? []));
        });
        order.say(`${++done} of ${jobs.length} parts`);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: order.threads }, work));
  return [...found.values()];
}
