import type { Bytes } from '../bytes/bytes.js';
import type { Client } from '../clients/client.js';
import { CommandFlag } from '../commands/command.js';
import type { Command } from '../commands/registry.js';
import type { ServerApi } from '../commands/server-api.js';

/** Who holds commands back: clients that asked for it, or a change of the primary. */
export type PauseReason = 'client' | 'failover';

interface Span {
  until: number;
  all: boolean;
}

/** CLIENT PAUSE and its like: until when commands of which kind wait, and who waits. */
export class Pause {
  /** Clients with a command that waits, in order of arrival. */
  readonly clients = new Set<Client>();
  private readonly spans = new Map<PauseReason, Span>();
  private all = false;
  private isActive = false;

  get active(): boolean {
    return this.isActive;
  }

  /** Unix time in ms at which the first reason for the pause ends; 0 while there is none. */
  get until(): number {
    if (!this.active) return 0;
    return Math.min(...[...this.spans.values()].map(({ until }) => until));
  }

  /** Begins a pause, or joins it with the one that lasts for that reason: the later end and the stricter mode hold. */
  begin(until: number, all: boolean, reason: PauseReason = 'client'): void {
    const span = this.spans.get(reason) ?? { until, all };
    this.spans.set(reason, { until: Math.max(span.until, until), all: span.all || all });
    this.adjust();
  }

  end(reason: PauseReason): void {
    this.spans.delete(reason);
    this.adjust();
  }

  /** Ends what has lasted up to a unix time in ms. */
  endOverdue(now: number): void {
    for (const [reason, { until }] of this.spans) if (until <= now) this.spans.delete(reason);
    this.adjust();
  }

  private adjust(): void {
    this.isActive = this.spans.size > 0;
    this.all = [...this.spans.values()].some(({ all }) => all);
  }

  /** True if a command has to wait: in the milder mode only what could change data or reach replicas. */
  covers(server: ServerApi, client: Client, command: Command, args: Bytes[], argc: number): boolean {
    if (this.all) return true;
    if (command.fullName === 'exec') return client.transaction?.mayWrite === true;
    return mayWrite(command.flagsFor(server, args, argc));
  }
}

/** True of commands with these bits of CommandFlag that could change data or reach replicas. */
export function mayWrite(flags: number): boolean {
  return (flags & (CommandFlag.write | CommandFlag.may_replicate)) !== 0;
}
