import type { Socket } from 'node:net';
import { type Client, Gate, type OutputFeed, type Transport } from '../clients/client.js';
import type { Command } from '../commands/registry.js';
import type { OutputBufferLimit } from '../config/special-kinds.js';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import { chunkSize } from '../protocol/chunk-pool.js';
import {
  PartialRequest,
  ProtocolError,
  type RequestDecoder,
  type RequestLimits,
  unauthenticatedLimits,
} from '../protocol/request-decoder.js';
import { describe } from './describe-client.js';
import type { EventLoop } from './event-loop.js';
import { localAddressOf, remoteAddressOf } from './socket-address.js';

/**
 * A client with so many unsent bytes gets no more requests run until it has read them, unless its limits are
 * higher.
 */
const holdAboveBytes = 16 * 1024 * 1024;
const nothing = Buffer.alloc(0);

/**
 * One client's socket: cuts what arrives into requests, hands them to the dispatcher, and sends what the
 * client's reply writer holds.
 */
export class Connection implements Transport {
  readonly remoteAddress: string;
  client!: Client;
  private partial: PartialRequest | undefined;
  private ended = false;
  /**
   * The operating system has not taken all that the socket got: what is written meanwhile stays in the reply
   * writer.
   */
  private draining = false;
  /** It has them by a direct write, of which the stream does not know. */
  private queuedDirectly = false;
  /** Too much is unsent: no request runs until that has changed. */
  private held = false;
  private readingStopped = false;
  /** Unix time in ms since when the soft output limit is exceeded, or 0. */
  private overSoftLimitSince = 0;

  constructor(
    private readonly loop: EventLoop,
    readonly socket: Socket,
    readonly unixPath: string | undefined,
    readonly fd: number,
    /** The socket's own handle may be written to, past the stream: not so with TLS. */
    private readonly direct: boolean,
  ) {
    this.remoteAddress = remoteAddressOf(socket, unixPath);
  }

  /** Asked of the operating system only when somebody wants to know. */
  get localAddress(): string {
    return localAddressOf(this.socket, this.unixPath);
  }

  get queryBufferUsed(): number {
    return this.partial?.undecoded ?? 0;
  }

  get queryBufferCapacity(): number {
    return this.partial?.capacity ?? 0;
  }

  get unsentBytes(): number {
    const { socket, loop } = this;
    if (!this.draining) return 0;
    return this.queuedDirectly ? loop.directWriter.queuedBytes(socket) : socket.writableLength;
  }

  /** Bytes arrived in [0, length) of a buffer that is ours until we return. */
  received(buffer: Buffer, length: number): void {
    const { loop, client } = this;
    if (client.closing) return;
    loop.server.statistics.readsProcessed++;
    loop.server.statistics.netInputBytes += length;
    if (this.partial === undefined) {
      if (client.blocked === undefined && !this.held) return this.decode(buffer, 0, length);
      this.partial = new PartialRequest(buffer, 0, length);
    } else {
      this.partial.append(buffer, 0, length);
      if (client.blocked === undefined && !this.held) return this.decodePartial();
    }
    // Many clients send all their requests before they read, however many that are: what one sends that does not read
    // yet is taken in as far as that may be, and only then left in the socket.
    if (!this.held) this.checkQueryBuffer();
    else if (this.partial.length >= loop.queryBufferLimit) this.stopReading();
    loop.partialRequestGrew(client);
  }

  resume(): void {
    if (this.client.postponed !== undefined && !this.client.closing) this.runPostponed();
    const { client } = this;
    if (this.partial !== undefined && !this.held && !client.closing && client.blocked === undefined)
      this.decodePartial();
  }

  private decode(buffer: Buffer, start: number, end: number): void {
    const { decoder } = this.loop;
    decoder.begin(buffer, start, end);
    this.runBatch();
  }

  private decodePartial(): void {
    this.loop.decoder.resume(this.partial!);
    this.runBatch();
  }

  /** A pause is over: runs the command that it held back. */
  private runPostponed(): void {
    const { loop, client } = this;
    loop.server.clients.queueFlush(client);
    loop.dispatcher.beginBatch();
    loop.dispatcher.executePostponed(client);
    loop.endBatch();
  }

  /** Runs every whole request that the decoder finds and keeps the rest. */
  private runBatch(): void {
    const { loop, client } = this;
    const { decoder, dispatcher } = loop;
    loop.server.clients.queueFlush(client);
    dispatcher.beginBatch();
    try {
      this.runRequests(decoder, dispatcher);
      this.partial = client.closing ? undefined : decoder.suspend(this.partial);
      if (!this.held) this.checkQueryBuffer();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.protocolError(error);
    }
    if (client.reply.size >= chunkSize) this.flushEarly();
    loop.endBatch();
  }

  private runRequests(decoder: RequestDecoder<Command>, dispatcher: Dispatcher): void {
    const { client } = this;
    const { requests } = decoder;
    for (let count = decoder.fill(this.limits()); count > 0; count = decoder.fill(this.limits())) {
      if (count > 1) {
        dispatcher.lookAhead.prepare(client.database, requests, count);
        dispatcher.accounts.beginGroup();
      }
      for (let i = 0; i < count; ) {
        const next = dispatcher.executePlain(client, requests, i, count, holdAboveBytes);
        if (next === i) dispatcher.execute(client, requests[i++]);
        else i = next;
        if (client.blocked === undefined && !client.closing && client.reply.size < holdAboveBytes) continue;
        if (i < count) decoder.rewind(requests[i].start);
        break;
      }
      dispatcher.accounts.endGroup();
      if (client.blocked !== undefined || client.closing) return;
      if (client.reply.size >= holdAboveBytes) this.flush();
      if (this.held || this.ended) return;
    }
  }

  private limits(): RequestLimits {
    return (this.client.gate & Gate.unauthenticated) !== 0 ? unauthenticatedLimits : this.loop.limits;
  }

  private protocolError(error: ProtocolError): void {
    const { loop, client } = this;
    this.partial = undefined;
    loop.server.log.verbose(`Protocol error (${error.message}) from client: ${describe(client)}`);
    client.reply.error(`ERR Protocol error: ${error.message}`);
    loop.dispatcher.accounts.countError(client.reply.lastError);
    loop.server.clients.disconnect(client, true);
  }

  /** A client that sends faster than its requests complete is cut off at `client-query-buffer-limit`. */
  private checkQueryBuffer(): void {
    const { loop, client } = this;
    const limit = loop.queryBufferLimit;
    if (this.partial === undefined || this.partial.length <= limit) return;
    loop.server.log.warning(`Closing client that reached max query buffer length: ${describe(client)}`);
    this.partial = undefined;
    loop.server.clients.disconnect(client, false);
  }

  /** What is long does not wait for the end of the turn: it is best copied while it is in the processor's caches. */
  private flushEarly(): void {
    if (this.loop.beforeSending === undefined) this.flush();
  }

  flush(): void {
    if (this.ended) return this.client.reply.reset();
    const { feed } = this.client;
    if (feed === undefined) this.flushReplies();
    else this.flushFeed(feed);
    this.loop.server.clients.recount(this.client);
  }

  /** What a replica is sent. It is no answer to anything, so replies have no place in it. */
  private flushFeed(feed: OutputFeed): void {
    const { client, loop } = this;
    if (client.reply.size > 0) return feed.interrupted();
    if (client.closing) return this.end();
    if (this.draining) return;
    loop.beforeSending?.();
    for (let bytes = feed.next(); bytes !== undefined && !this.ended; bytes = feed.next()) {
      loop.server.statistics.writesProcessed++;
      loop.server.statistics.replicationOutputBytes += bytes.length;
      if (this.write(bytes)) continue;
      if (!this.draining) this.awaitDrain();
      return;
    }
  }

  private flushReplies(): void {
    const { client } = this;
    const { size } = client.reply;
    if (size > 0) {
      if ((size >= chunkSize || this.draining || client.reply.overflowed) && this.exceedsOutputLimit())
        return this.cutOff();
      if (!this.draining || client.closing) this.send(size);
      if (this.draining) this.holdIfTooMuch();
    }
    if (client.closing) this.end();
  }

  private send(size: number): void {
    const { socket } = this;
    const { reply } = this.client;
    if (this.loop.beforeSending !== undefined) {
      this.loop.beforeSending();
      if (this.ended) return; // what it did could not be made durable
    }
    this.loop.server.statistics.writesProcessed++;
    this.loop.server.statistics.netOutputBytes += size;
    const bytes = reply.single();
    if (bytes !== undefined) {
      if (this.write(bytes)) return reply.sent();
      reply.handedOver(bytes);
    } else {
      socket.cork();
      for (const part of reply.take()) socket.write(part);
      socket.uncork();
    }
    if (socket.writableLength > 0 && !this.draining) this.awaitDrain();
  }

  /** Sends bytes; true if the kernel has them all. */
  private write(bytes: Buffer): boolean {
    const { socket } = this;
    if (this.direct && !this.draining) {
      const outcome = this.loop.directWriter.write(socket, bytes, this.drained);
      if (outcome === 'taken') return true;
      if (outcome === 'queued') {
        this.draining = this.queuedDirectly = true;
        return false;
      }
    }
    socket.write(bytes);
    return socket.writableLength === 0;
  }

  private awaitDrain(): void {
    this.draining = true;
    // Below the high water mark there is no 'drain' event; then the end of one more write tells.
    if (this.socket.writableNeedDrain) this.socket.once('drain', this.drained);
    else this.socket.write(nothing, this.drained);
  }

  private readonly drained = (): void => {
    this.draining = this.queuedDirectly = false;
    if (this.ended) return;
    this.flush();
    if (!this.draining && !this.ended) this.release();
  };

  /** Goes on with the requests of a client that has read its replies. */
  private release(): void {
    this.overSoftLimitSince = 0;
    if (!this.held) return;
    this.held = false;
    if (this.readingStopped) {
      this.readingStopped = false;
      this.socket.resume();
    }
    this.resume();
  }

  private stopReading(): void {
    this.readingStopped = true;
    this.socket.pause();
  }

  private get outputBytes(): number {
    return this.client.reply.size + this.unsentBytes + (this.client.feed?.pendingBytes ?? 0);
  }

  private get outputLimit(): OutputBufferLimit {
    const { normal, pubsub, replica } = this.loop.outputBufferLimits;
    const { gate } = this.client;
    // What the backlog keeps anyway costs nothing, and a client with short replies is never cut off.
    if ((gate & Gate.replica) !== 0)
      return notBelow(this.loop.server.config.values['repl-backlog-size'], replica);
    return notBelow(chunkSize, (gate & Gate.subscriber) !== 0 ? pubsub : normal);
  }

  get maxUnsentBytes(): number {
    return this.outputLimit.hard || Number.POSITIVE_INFINITY;
  }

  private holdIfTooMuch(): void {
    const { hard, soft } = this.outputLimit;
    if (this.outputBytes >= Math.max(holdAboveBytes, hard, soft)) this.held = true;
  }

  private exceedsOutputLimit(): boolean {
    const { hard, soft, softSeconds } = this.outputLimit;
    const bytes = this.outputBytes;
    if (this.client.reply.overflowed || (hard > 0 && bytes >= hard)) return true;
    if (soft === 0 || bytes < soft) {
      this.overSoftLimitSince = 0;
      return false;
    }
    const now = this.loop.server.clock.now();
    if (this.overSoftLimitSince === 0) this.overSoftLimitSince = now;
    return now - this.overSoftLimitSince > softSeconds * 1000;
  }

  enforceOutputLimit(): void {
    // One that ends after its replies is no exception: it may never read them.
    const mayWait = this.draining || this.ended || this.client.feed !== undefined;
    if (mayWait && this.exceedsOutputLimit()) this.cutOff();
  }

  /** Ends the connection of a client that does not read what it is sent. */
  private cutOff(): void {
    const { loop, client } = this;
    loop.server.log.warning(
      `Client ${describe(client)} scheduled to be closed ASAP for overcoming of output buffer limits.`,
    );
    client.reply.reset();
    loop.server.clients.disconnect(client, false);
  }

  gatherPackets(on: boolean): void {
    this.socket.setNoDelay(!on);
  }

  close(when: 'after-flush' | 'now'): void {
    if (when === 'now') this.destroy();
  }

  /** Sends what is left, then ends the connection, even if the other side never does. */
  private end(): void {
    if (this.ended) return;
    this.ended = true;
    this.socket.end(() => this.socket.destroy());
  }

  private destroy(): void {
    this.ended = true;
    this.socket.destroy();
  }
}

function notBelow(least: number, { hard, soft, softSeconds }: OutputBufferLimit): OutputBufferLimit {
  return { hard: hard && Math.max(hard, least), soft: soft && Math.max(soft, least), softSeconds };
}
