import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Kernel clock ticks per second as /proc reports them; Linux fixes this at 100 for user space. */
const TICKS_PER_SECOND = 100;

/**
 * CPU time (user + system, all threads) that a process has used, in microseconds. Resolution is 10 ms.
 *
 * @param {number} pid
 */
export function cpuMicroseconds(pid) {
  if (process.platform !== 'linux') return cpuFromPs(pid);
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is the program's name in parentheses and may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return (ticks * 1e6) / TICKS_PER_SECOND;
}

/**
 * `ps` prints the time as [[days-]hours:]minutes:seconds[.hundredths].
 *
 * @param {number} pid
 */
function cpuFromPs(pid) {
  const text = execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'latin1' }).trim();
  const [days, clock] = text.includes('-') ? text.split('-') : ['0', text];
  const seconds = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return (Number(days) * 86_400 + seconds) * 1e6;
}

/**
 * Resident set size in bytes.
 *
 * @param {number} pid
 */
export function rssBytes(pid) {
  if (process.platform === 'linux') {
    const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return Number(match?.[1]) * 1024;
  }
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'latin1' })) * 1024;
}
