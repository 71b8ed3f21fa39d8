import { readdirSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/** Milliseconds of a clock that all threads share and nobody sets. */
export function monotonicMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Lets this thread run before all others, so that it measures what it watches and not its own waiting. */
export function raisePriority() {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST);
  } catch {
    // Not permitted: then the figures hold what this thread itself waits for a processor.
  }
}

/**
 * Lets all threads of this process but its main one run after all others: the engine's helpers, which compile. While
 * the load is new to the engine they would keep the server under test waiting for a processor, the first one most.
 */
export function standBackHelpers() {
  try {
    for (const thread of readdirSync('/proc/self/task').map(Number)) {
      if (thread !== process.pid) setPriority(thread, constants.priority.PRIORITY_LOW);
    }
  } catch {
    // Only Linux gives threads a priority of their own.
  }
}
