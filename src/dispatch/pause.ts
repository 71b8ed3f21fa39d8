import type { Bytes } from '../bytes/bytes.js';
import type { Client } from '../clients/client.js';
import { CommandFlag } from '../commands/command.js';
import type { Command } from '../commands/registry.js';
import type { ServerApi } from '../commands/server-api.js';

/** Who holds commands back: clients that asked for it, a change of the primary, or an end that waits for replicas. */
export type PauseReason = 'client' | 'failover' | 'shutdown';

interface Span {
  until: number;
  all: boolean;
}

/** Who waits, and why: CLIENT PAUSE and its like, until when and for which kind of command, or the server's last save. */
export class Pause {
  /** Clients with a command that waits, in order of arrival. */
  readonly clients = new Set<Client>();
  /** The server writes its data for the last time: everything waits but SHUTDOWN, which may call it off. */
  ending = false;
  private readonly spans = new Map<PauseReason, Span>();
  private all = false;

  get active(): boolean {
    return this.spans.size > 0 || this.ending;
  }

  /** Unix time in ms at which the first reason for the pause ends by itself; 0 if none does. */
  get until(): number {
    let first = 0;
    for (const { until } of this.spans.values()) if (first === 0 || until < first) first = until;
    return first;
  }

  /** Begins a pause, or joins it with the one that lasts for that reason: the later end and the stricter mode hold. */
  begin(until: number, all: boolean, reason: PauseReason = 'client'): void {
    const span = this.spans.get(reason) ?? { until, all };
    this.spans.set(reason, { until: Math.max(span.until, until), all: span.all || all });
    this.adjust();
  }

  /** False if there was no pause for that reason. */
  end(reason: PauseReason): boolean {
    const ended = this.spans.delete(reason);
    this.adjust();
    return ended;
  }

  /** Ends what has lasted up to a unix time in ms. False if nothing has. */
  endOverdue(now: number): boolean {
    let ended = false;
    for (const [reason, { until }] of this.spans) if (until <= now) ended = this.spans.delete(reason);
    this.adjust();
    return ended;
  }

  private adjust(): void {
    this.all = [...this.spans.values()].some(({ all }) => all);
  }

  /** True if a command has to wait: in the milder mode only what could change data or reach replicas. */
  covers(server: ServerApi, client: Client, command: Command, args: Bytes[], argc: number): boolean {
    if (this.ending) return command.fullName !== 'shutdown';
    if (this.all) return true;
    if (command.fullName === 'exec') return client.transaction?.mayWrite === true;
    return mayWrite(command.flagsFor(server, args, argc));
  }
}

/** True of commands with these bits of CommandFlag that could change data or reach replicas. */
export function mayWrite(flags: number): boolean {
  return (flags & (CommandFlag.write | CommandFlag.may_replicate)) !== 0;
}
