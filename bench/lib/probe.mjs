import { Worker } from 'node:worker_threads';
import { percentile } from './stats.mjs';
import { standBackHelpers } from './thread.mjs';

/**
 * Something that took `ms` milliseconds and began at `from`, in milliseconds of the clock of `monotonicMs`.
 *
 * @typedef {{ from: number, ms: number }} Span
 */

/**
 * A sleep that was too long by `pausedMs`, though no other thread ran instead: the machine paused.
 *
 * @typedef {Span & { pausedMs: number }} Pause
 */

/**
 * @typedef {object} ProbeResult
 * @property {number} worstMs the longest round trip, less what the machine paused within it
 * @property {number} p999Ms of the round trips, less the pauses
 * @property {number} measuredWorstMs the longest round trip, whatever took the time
 * @property {number} longestPauseMs the longest pause of the machine
 */

/**
 * Watches how long a server leaves a client waiting: a connection in a thread of its own sends PING about
 * every millisecond and keeps the round trips, and a second thread watches for pauses of the machine. The process's
 * other threads but the main one stand back from now on.
 *
 * @param {number} port
 */
export async function startProbe(port) {
  standBackHelpers();
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const workers = ['./probe-worker.mjs', './pause-worker.mjs'].map(
    (file) => new Worker(new URL(file, import.meta.url), { workerData: { port, stop } }),
  );
  await Promise.all(workers.map(nextMessage));
  return {
    /** @returns {Promise<ProbeResult>} */
    async stop() {
      const results = Promise.all(workers.map(nextMessage));
      Atomics.store(stop, 0, 1);
      const [roundTrips, pauses] = await results;
      await Promise.all(workers.map((worker) => worker.terminate()));
      return summarize(roundTrips, pauses);
    },
  };
}

/**
 * @param {readonly Span[]} roundTrips
 * @param {readonly Pause[]} pauses
 * @returns {ProbeResult}
 */
export function summarize(roundTrips, pauses) {
  const measured = roundTrips.map(({ ms }) => ms);
  const served = roundTrips.map((trip) => trip.ms - pausedWithin(trip, pauses));
  return {
    worstMs: percentile(served, 100),
    p999Ms: percentile(served, 99.9),
    measuredWorstMs: percentile(measured, 100),
    longestPauseMs: Math.max(0, ...pauses.map(({ pausedMs }) => pausedMs)),
  };
}

/**
 * Rows of a report: a name, and the figures of both sides.
 *
 * @param {{ respite: ProbeResult, redis: ProbeResult }} sides
 * @returns {[string, number, number][]}
 */
export function pingRows({ respite, redis }) {
  return [
    ['worst PING ms', respite.worstMs, redis.worstMs],
    ['p99.9 PING ms', respite.p999Ms, redis.p999Ms],
    ['worst PING ms with pauses', respite.measuredWorstMs, redis.measuredWorstMs],
    ['longest pause of the machine ms', respite.longestPauseMs, redis.longestPauseMs],
  ];
}

/**
 * @param {Span} span
 * @param {readonly Pause[]} pauses
 */
function pausedWithin(span, pauses) {
  let paused = 0;
  for (const pause of pauses) {
    const overlap = Math.min(span.from + span.ms, pause.from + pause.ms) - Math.max(span.from, pause.from);
    if (overlap > 0) paused += Math.min(overlap, pause.pausedMs);
  }
  return paused;
}

/**
 * @param {Worker} worker
 * @returns {Promise<any>}
 */
function nextMessage(worker) {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
