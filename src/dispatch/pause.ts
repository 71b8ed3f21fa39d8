import type { Bytes } from '../bytes/bytes.js';
import type { Client } from '../clients/client.js';
import type { Command } from '../commands/registry.js';
import type { ServerApi } from '../commands/server-api.js';
import { mayWrite, ServerGate } from './admission.js';
import type { Dispatcher } from './dispatcher.js';

/** Who holds commands back: clients that asked for it, a change of the primary, or an end that waits for replicas. */
export type PauseReason = 'client' | 'failover' | 'shutdown';

interface Span {
  until: number;
  all: boolean;
}

/**
 * Who waits, and why: CLIENT PAUSE and its like, until when and for which kind of command, or the server's last save.
 * Nothing expires meanwhile: that would be a change too.
 */
export class Pause {
  /** Clients with a command that waits, in order of arrival. */
  readonly clients = new Set<Client>();
  /** The server writes its data for the last time: everything waits but SHUTDOWN, which may call it off. */
  private ending = false;
  private readonly spans = new Map<PauseReason, Span>();
  private all = false;

  constructor(
    private readonly server: ServerApi,
    private readonly dispatcher: Dispatcher,
  ) {}

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

  /** Ends the pause, as far as it was for that reason. */
  end(reason: PauseReason): void {
    if (this.spans.delete(reason)) this.ended();
  }

  /** Ends what the pause was for up to now. */
  endOverdue(): void {
    const now = this.server.clock.now();
    let ended = false;
    for (const [reason, { until }] of this.spans) if (until <= now) ended = this.spans.delete(reason);
    if (ended) this.ended();
  }

  /** The server begins to write its data for the last time, or does not end after all: all clients wait meanwhile. */
  forEnd(ending: boolean): void {
    if (this.ending === ending) return;
    this.ending = ending;
    if (ending) this.adjust();
    else this.ended();
  }

  private adjust(): void {
    const { active, dispatcher } = this;
    this.all = [...this.spans.values()].some(({ all }) => all);
    dispatcher.setGate(ServerGate.paused, active);
    this.server.keyspace.paused = active;
  }

  /**
   * The commands that were held back run at the end of the batch, in order of arrival; what another pause still covers
   * waits again.
   */
  private ended(): void {
    this.adjust();
    for (const client of this.clients) {
      client.postponed = client.blocked?.args;
      this.dispatcher.blocking.letGo(client);
    }
    this.clients.clear();
    this.dispatcher.updateObserved();
  }

  /** Keeps a command until the pause is over. Its client waits; the others do not. */
  postpone(client: Client, args: Bytes[], argc: number): void {
    this.clients.add(client);
    this.dispatcher.blocking.postpone(client, args.slice(0, argc));
  }

  /** True if a command has to wait: in the milder mode only what could change data or reach replicas. */
  covers(client: Client, command: Command, args: Bytes[], argc: number): boolean {
    if (this.ending) return command.fullName !== 'shutdown';
    if (this.all) return true;
    if (command.fullName === 'exec') return client.transaction?.mayWrite === true;
    return mayWrite(command.flagsFor(this.server, args, argc));
  }
}
