// Sleeps a millisecond at a time. A virtual machine whose host has other work, or limits its CPU time, stands still for
// some milliseconds now and then: this thread is late then, though the system had nothing else to run.
import { openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { monotonicMs, raisePriority } from './thread.mjs';

const SLEEP_MS = 1;
/** Waking takes a while anyway. */
const NOTICED_MS = 2;
/** Stolen time is counted in ticks. */
const TICK_MS = 10;
/** Sleeps between two looks at it. */
const LOOK_EVERY = 50;

raisePriority();
const text = Buffer.alloc(16_384);
const waitedFile = open('/proc/thread-self/schedstat');
const stolenFile = open('/proc/stat');
/** @type {import('./probe.mjs').Pause[]} */
const pauses = [];
parentPort?.postMessage('started');

let [from, waited, stolen] = [monotonicMs(), waitedMs(), stolenMs()];
for (let sleeps = 1; Atomics.wait(workerData.stop, 0, 0, SLEEP_MS) === 'timed-out'; sleeps++) {
  const [fromBefore, waitedBefore] = [from, waited];
  [from, waited] = [monotonicMs(), waitedMs()];
  const ms = from - fromBefore;
  const late = ms - SLEEP_MS;
  if (late < NOTICED_MS && sleeps % LOOK_EVERY !== 0) continue;
  const stolenBefore = stolen;
  stolen = stolenMs();
  const stolenNow = Math.max(...stolen.map((total, cpu) => total - stolenBefore[cpu]));
  // What a thread waits while the machine pauses counts as waiting for other threads too.
  const pausedMs = Math.max(late - (waited - waitedBefore), Math.min(late, stolenNow));
  if (pausedMs >= NOTICED_MS) pauses.push({ from: fromBefore, ms, pausedMs });
}
parentPort?.postMessage(pauses);

/**
 * How long this thread waited so far while others ran; not a number where nobody counts that, and no pause is told
 * then.
 */
function waitedMs() {
  return Number(read(waitedFile).split(' ')[1]) / 1e6;
}

/** By CPU, how long the host ran something else so far, while this machine had work. */
function stolenMs() {
  return Array.from(
    read(stolenFile).matchAll(/^cpu\d+(?: \d+){7} (\d+)/gm),
    ([, ticks]) => Number(ticks) * TICK_MS,
  );
}

/** @param {string} file */
function open(file) {
  try {
    return openSync(file, 'r');
  } catch {
    return undefined; // not Linux
  }
}

/** @param {number | undefined} file */
function read(file) {
  return file === undefined ? '' : text.toString('latin1', 0, readSync(file, text, 0, text.length, 0));
}
