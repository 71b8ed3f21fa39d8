import type { Bytes } from '../bytes/bytes.js';

/** A command that took long. */
export interface SlowLogEntry {
  /** Counts up from 0 and never starts again, also when the log is cleared. */
  id: number;
  /** Unix time in seconds at which it ended. */
  time: number;
  microseconds: number;
  /** Latin1; see `shortened`. */
  args: string[];
  /** Of the client, as `ip:port`. */
  address: string;
  /** Of the client, '' if it has none. */
  name: string;
}

const maxArguments = 32;
const maxArgumentLength = 128;
/** Stands for an argument that is nobody's business. */
export const redacted = '(redacted)';

/** The last commands that took long: what SLOWLOG shows. Bounded in entries, and each entry in size. */
export class SlowLog {
  /** Oldest first. What lies before `first` was dropped. */
  private entries: SlowLogEntry[] = [];
  private first = 0;
  private nextId = 0;

  get length(): number {
    return this.entries.length - this.first;
  }

  /** Adds an entry and drops the oldest ones beyond `capacity`. */
  add(entry: Omit<SlowLogEntry, 'id'>, capacity: number): void {
    this.entries.push({ id: this.nextId++, ...entry });
    this.first = Math.max(this.first, this.entries.length - capacity);
    if (this.first <= this.entries.length / 2) return;
    // More than half of the array is unused: moving the rest costs O(1) an entry in the long run.
    this.entries = this.entries.slice(this.first);
    this.first = 0;
  }

  /** The latest entries, newest first, at most `count`. */
  latest(count: number): SlowLogEntry[] {
    return this.entries.slice(Math.max(this.first, this.entries.length - count)).reverse();
  }

  clear(): void {
    this.entries = [];
    this.first = 0;
  }
}

/**
 * Arguments as the log keeps them: at most 32, the last of them telling how many more there were; of each at
 * most 128 bytes and how many more there were. Those at the positions `secrets` are not shown.
 */
export function shortened(args: Bytes[], argc: number, secrets: readonly number[]): string[] {
  const whole = argc > maxArguments ? maxArguments - 1 : argc;
  const shown: string[] = [];
  for (let i = 0; i < whole; i++) shown.push(secrets.includes(i) ? redacted : excerpt(args[i]));
  if (whole < argc) shown.push(`... (${argc - whole} more arguments)`);
  return shown;
}

function excerpt({ buffer, start, end }: Bytes): string {
  const more = end - start - maxArgumentLength;
  if (more <= 0) return buffer.toString('latin1', start, end);
  return `${buffer.toString('latin1', start, start + maxArgumentLength)}... (${more} more bytes)`;
}
