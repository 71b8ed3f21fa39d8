import type { Bytes } from '../bytes/bytes.js';
import { quoteWord } from '../bytes/words.js';
import { redacted } from '../observation/slow-log.js';
import { excerpt } from '../protocol/errors.js';
import { type Client, Gate } from './client.js';
import type { ClientRegistry } from './registry.js';

/** The clients that watch all commands (MONITOR). */
export class Monitors {
  /** Called when the first one comes or the last one goes. */
  onChange: (() => void) | undefined;
  private readonly clients = new Set<Client>();

  constructor(private readonly registry: ClientRegistry) {}

  get size(): number {
    return this.clients.size;
  }

  /** False if the client watches already. */
  add(client: Client): boolean {
    if (this.clients.has(client)) return false;
    this.clients.add(client);
    client.setGate(Gate.monitor, true);
    if (this.clients.size === 1) this.onChange?.();
    return true;
  }

  remove(client: Client): void {
    if (!this.clients.delete(client)) return;
    client.setGate(Gate.monitor, false);
    if (this.clients.size === 0) this.onChange?.();
  }

  /** Sends a line, made once, to all who watch. */
  feed(line: string): void {
    const bytes = Buffer.from(`+${line}\r\n`, 'latin1');
    for (const client of this.clients) {
      if (client.closing) continue;
      client.reply.raw(bytes, 0, bytes.length);
      this.registry.queueFlush(client);
    }
  }
}

/** Who ran what and when, as MONITOR shows it. */
export interface MonitoredCommand {
  /** Unix time in µs. */
  time: number;
  database: number;
  /** The client's, or `lua` for what a script does. */
  address: string;
  args: Bytes[];
  argc: number;
  /** Positions of arguments that are not shown. */
  secrets: readonly number[];
}

/**
 * Bytes of arguments up to which a command is shown whole: strings of the engine have an end. Of more the beginnings.
 */
const mostShownWhole = 64 * 1024 * 1024;
const mostShownOfLong = 128;

/** `1700000000.123456 [0 127.0.0.1:50000] "set" "key" "value"` */
export function monitorLine({ time, database, address, args, argc, secrets }: MonitoredCommand): string {
  const seconds = Math.floor(time / 1e6);
  const microseconds = String(time % 1e6).padStart(6, '0');
  let line = `${seconds}.${microseconds} [${database} ${address}]`;
  let bytes = 0;
  for (let i = 0; i < argc; i++) bytes += args[i].length;
  const most = bytes > mostShownWhole ? mostShownOfLong : Number.POSITIVE_INFINITY;
  for (let i = 0; i < argc; i++)
    line += ` ${quoteWord(secrets.includes(i) ? redacted : excerpt(args[i], most))}`;
  return line;
}
