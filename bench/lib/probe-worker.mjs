import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { RawClient } from './client.mjs';
import { percentile, sleep } from './stats.mjs';

try {
  setPriority(constants.priority.PRIORITY_HIGHEST);
} catch {
  // Not permitted: then the figures hold what this thread itself waits for a processor.
}

const client = await RawClient.connect({ port: workerData.port });
/** @type {number[]} */
const roundTripsMs = [];
let running = true;

parentPort?.on('message', () => {
  running = false;
});
parentPort?.postMessage('started');

while (running) {
  const before = performance.now();
  await client.command('PING');
  roundTripsMs.push(performance.now() - before);
  await sleep(1);
}
client.close();
parentPort?.postMessage({
  pings: roundTripsMs.length,
  worstMs: percentile(roundTripsMs, 100),
  p999Ms: percentile(roundTripsMs, 99.9),
});
