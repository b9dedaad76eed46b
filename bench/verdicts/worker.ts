// Owns one worker thread: simulates each job that it is sent and answers with the outcomes.
import { parentPort } from 'node:worker_threads';
import { type Job, runJob } from './cells.ts';

parentPort?.on('message', (job: Job) => parentPort?.postMessage(runJob(job)));
