import { readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/** Linux tells processor time to programs in hundredths of a second, whatever its own clock is. */
const microsecondsPerTick = 10_000;

/** Processor time in µs that this thread has used, or undefined where that cannot be known. */
export function threadCpuUsage(): NodeJS.CpuUsage | undefined {
  // From Node 23.9 on.
  if ('threadCpuUsage' in process && typeof process.threadCpuUsage === 'function')
    return process.threadCpuUsage() as NodeJS.CpuUsage;
  if (!isMainThread) return undefined; // the kernel's number of another thread cannot be known
  try {
    return readUsage(readFileSync(`/proc/self/task/${process.pid}/stat`, 'latin1'));
  } catch {
    return undefined; // not Linux
  }
}

/** The 14th and the 15th field; the second is a name in parentheses, which may hold anything. */
function readUsage(stat: string): NodeJS.CpuUsage {
  const fromThird = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = fromThird.slice(11, 13).map((ticks) => Number(ticks) * microsecondsPerTick);
  return { user, system };
}
