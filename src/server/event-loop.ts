import type { Client } from '../clients/client.js';
import { ClientEviction } from '../clients/client-eviction.js';
import type { Command } from '../commands/registry.js';
import type { ServerApi } from '../commands/server-api.js';
import type { OutputBufferLimits } from '../config/special-kinds.js';
import { Dispatcher } from '../dispatch/dispatcher.js';
import { RequestDecoder, type RequestLimits } from '../protocol/request-decoder.js';
import { describe } from './describe-client.js';
import { DirectWriter } from './direct-write.js';

/** Most arguments of one request. */
export const maxArguments = 1024 * 1024;
/** Size of the buffer that all sockets of a server are read into. */
const readBufferSize = 65536;
/** Replies wait no longer than this for the end of the turn, in µs. */
const longestWait = 1_000;

/**
 * What the connections of one server share: the read buffer, the decoder, the dispatcher, and the end of a
 * batch.
 */
export class EventLoop {
  readonly readBuffer = Buffer.allocUnsafeSlow(readBufferSize);
  readonly directWriter = new DirectWriter();
  readonly decoder = new RequestDecoder<Command>();
  readonly dispatcher: Dispatcher;
  readonly clientEviction: ClientEviction;
  readonly limits: RequestLimits = { maxBulkLength: 512 * 1024 * 1024, maxArguments };
  queryBufferLimit = 1024 * 1024 * 1024;
  outputBufferLimits: OutputBufferLimits;
  /** Called when the earliest deadline of a blocked client may have changed. */
  onDeadlines: (() => void) | undefined;
  /** The longest time in µs that the commands of one batch took, and the most commands of one. */
  longestBatchMicroseconds = 0;
  mostCommandsOfBatch = 0;
  /** Called before anything is sent: makes durable what must be durable first. */
  beforeSending: (() => void) | undefined;
  private commandsBefore = 0;
  private resuming = false;
  /** When the first of the replies that wait were written, in µs. */
  private waitingSince = 0;
  /** Called when the replies of a batch are on their way, with the time in µs at which it began. */
  onBatchEnd: ((beganAtMicroseconds: number) => void) | undefined;

  constructor(readonly server: ServerApi) {
    this.dispatcher = new Dispatcher(server);
    this.clientEviction = new ClientEviction(server.clients, (client) =>
      server.log.notice(`Evicting client: ${describe(client)}`),
    );
    this.outputBufferLimits = server.config.values['client-output-buffer-limit'];
  }

  /**
   * After each batch, whose replies are on their way; those who were blocked go on with what they had sent meanwhile.
   */
  endBatch(): void {
    this.measureBatch();
    this.server.tracking.broadcast();
    this.boundWaiting();
    this.clientEviction.enforce();
    if (this.onBatchEnd !== undefined) this.onBatchEnd(this.dispatcher.accounts.batchBegan);
    if (this.dispatcher.blocking.waiting.size > 0 && this.onDeadlines !== undefined) this.onDeadlines();
    this.dispatcher.blocking.releaseHeld();
    if (!this.resuming) this.resumeClients();
  }

  /**
   * What a client goes on with is a batch too, and may wake others. They go on here, not from the end of that
   * batch: two clients that wake each other would fill the stack.
   */
  private resumeClients(): void {
    this.resuming = true;
    try {
      for (
        let woken = this.dispatcher.blocking.takeResumed();
        woken.length > 0;
        woken = this.dispatcher.blocking.takeResumed()
      ) {
        for (const client of woken) client.transport.resume();
      }
    } finally {
      this.resuming = false;
    }
  }

  /** What a client has sent grew, without a whole request in it. */
  partialRequestGrew(client: Client): void {
    this.server.clients.recount(client);
    this.clientEviction.enforce();
  }

  /**
   * All replies of a turn leave together at its end. A client that waits for its reply is woken by it, which costs the
   * server several µs, and would be asleep again before the next client's reply wakes it, if they are threads of one
   * program. Nobody waits longer than `longestWait` for the others of a turn, unless all replies wait for the disk.
   */
  private boundWaiting(): void {
    const { clients } = this.server;
    const { mark: now } = this.dispatcher.accounts;
    if (!clients.repliesWait) {
      clients.repliesWait = true;
      this.waitingSince = now;
    } else if (now - this.waitingSince > longestWait && this.beforeSending === undefined)
      clients.flushReplies();
  }

  private measureBatch(): void {
    const { commandsProcessed } = this.server.statistics;
    const commands = commandsProcessed - this.commandsBefore;
    this.commandsBefore = commandsProcessed;
    if (commands > this.mostCommandsOfBatch) this.mostCommandsOfBatch = commands;
    const { batchMicroseconds } = this.dispatcher.accounts;
    if (batchMicroseconds > this.longestBatchMicroseconds) this.longestBatchMicroseconds = batchMicroseconds;
  }

  resetStatistics(): void {
    this.dispatcher.accounts.nestedMicroseconds = 0;
    this.longestBatchMicroseconds = this.mostCommandsOfBatch = this.commandsBefore = 0;
  }
}
