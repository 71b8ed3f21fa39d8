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
