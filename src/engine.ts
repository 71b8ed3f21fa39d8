import { readdirSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { setFlagsFromString } from 'node:v8';

// To be imported before the server's own code, so that nothing of it is compiled yet. Flags concern the whole
// process, so an application that embeds a server is left alone.

/**
 * The engine is told to inline more: by its own measure, meant for web pages, the functions that a command runs
 * through are too many, and what is left out is called at each request. Costs a few milliseconds of compiling in the
 * background, and saves a tenth of the time of most commands (bench/run.mjs).
 */
setFlagsFromString('--max-inlined-bytecode-size-cumulative=2500');

/**
 * Live objects are marked by the main thread, in steps of a fraction of a millisecond, not by up to four threads beside
 * it. Data lies outside the engine's heap, which is small, so the helpers save little; and where there are few CPUs
 * they take one from the thread that serves, which waits for ten milliseconds and more (bench/memory.mjs --big).
 */
setFlagsFromString('--no-concurrent-marking');

/**
 * Young objects too are copied by the main thread alone: it would wait for helpers that yield to others (see below).
 */
setFlagsFromString('--no-parallel-scavenge');

/**
 * How far the engine's helper threads, which compile, stand back behind the main thread, which serves: with 10 they get
 * a tenth of what it gets where both want the same processor. As its equals, up to four of them at once, each for a
 * whole time slice, keep it waiting for 10 ms and more whenever much code becomes hot (bench/expire.mjs). Further back,
 * a server with one busy processor would stay slow for seconds after its start.
 */
const stepsBack = 10;

/** Only Linux gives threads a priority of their own. */
function standBackHelpers(): void {
  if (process.platform !== 'linux') return;
  try {
    const niceness = Math.min(getPriority() + stepsBack, constants.priority.PRIORITY_LOW);
    for (const thread of readdirSync('/proc/self/task').map(Number)) {
      if (thread !== process.pid) setPriority(thread, niceness);
    }
  } catch {
    // Not permitted here, or /proc is not mounted: the threads stay equals.
  }
}

standBackHelpers();
