import type { Redis } from 'ioredis';

/** Runs command lines as one types them. */
export interface CommandLines {
  /** Words are split at blanks, `''` is the empty string. Errors become their texts. */
  run(line: string, on?: Redis): Promise<unknown>;
  /** One after the other; gives all replies. */
  runAll(...lines: string[]): Promise<unknown[]>;
}

/** For the client that `client` gives at that time; `shown` makes what is given of a reply. */
export function commandLines(
  client: () => Redis,
  shown: (name: string, reply: unknown) => unknown = (_name, reply) => reply,
): CommandLines {
  async function run(line: string, on = client()): Promise<unknown> {
    const [name, ...args] = line.split(' ').map((word) => (word === "''" ? '' : word));
    return shown(name, await on.call(name, ...args).catch((error: Error) => error.message));
  }
  async function runAll(...lines: string[]): Promise<unknown[]> {
    const replies: unknown[] = [];
    for (const line of lines) replies.push(await run(line));
    return replies;
  }
  return { run, runAll };
}
