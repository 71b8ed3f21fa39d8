import { setFlagsFromString } from 'node:v8';

// To be imported before all else, so that nothing is compiled yet and no garbage collected. Flags concern the whole
// process, so an application that embeds a server is left alone.

/**
 * The engine is told to inline more: by its own measure, meant for web pages, the functions that a command runs through
 * are too many, and what is left out is called at each request. Costs a few milliseconds of compiling in the background,
 * and saves a tenth of the time of most commands (bench/run.mjs).
 */
setFlagsFromString('--max-inlined-bytecode-size-cumulative=2500');

/**
 * Live objects are marked by the main thread, in steps of a fraction of a millisecond, not by up to four threads beside
 * it. Data lies outside the engine's heap, which is small, so the helpers save little; and where there are few CPUs
 * they take one from the thread that serves, which waits for ten milliseconds and more (bench/memory.mjs --big).
 */
setFlagsFromString('--no-concurrent-marking');
