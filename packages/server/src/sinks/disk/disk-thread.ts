/** The program of a disk thread: does what a {@link ThreadDisk} asks for, one job after another. */
import { parentPort } from 'node:worker_threads';

import { doJob, type ThreadAnswer, type ThreadRequest } from './thread-jobs.ts';

parentPort?.on('message', ({ id, jobs }: ThreadRequest) => {
  const answer: ThreadAnswer = { id, outcomes: jobs.map((job) => doJob(job)) };
  parentPort?.postMessage(answer);
});
