import { parentPort, workerData } from 'node:worker_threads';
import { RawClient } from './client.mjs';
import { sleep } from './stats.mjs';
import { monotonicMs, raisePriority } from './thread.mjs';

const INITIAL_ROOM = 1 << 18;

raisePriority();
const client = await RawClient.connect({ port: workerData.port });
/** Start and length of each round trip: bare numbers, as collecting garbage here would count as waiting. */
let roundTrips = new Float64Array(INITIAL_ROOM);
let used = 0;
parentPort?.postMessage('started');

/** @type {Int32Array} */
const stop = workerData.stop;
while (Atomics.load(stop, 0) === 0) {
  const from = monotonicMs();
  await client.command('PING');
  if (used === roundTrips.length) roundTrips = doubled(roundTrips);
  roundTrips[used++] = from;
  roundTrips[used++] = monotonicMs() - from;
  await sleep(1);
}
client.close();
parentPort?.postMessage(
  Array.from({ length: used / 2 }, (_, i) => ({ from: roundTrips[2 * i], ms: roundTrips[2 * i + 1] })),
);

/** @param {Float64Array} numbers */
function doubled(numbers) {
  const room = new Float64Array(2 * numbers.length);
  room.set(numbers);
  return room;
}
