import { parentPort, workerData } from 'node:worker_threads';
import { RawClient } from './client.mjs';
import { percentile, sleep } from './stats.mjs';

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
