import type { Socket } from 'node:net';
import { type Client, Gate, type Transport } from '../clients/client.js';
import type { Command } from '../commands/registry.js';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import {
  PartialRequest,
  ProtocolError,
  type RequestDecoder,
  type RequestLimits,
  unauthenticatedLimits,
} from '../protocol/request-decoder.js';
import type { EventLoop } from './event-loop.js';

/**
 * One client's socket: cuts what arrives into requests, hands them to the dispatcher, and sends what the client's
 * reply writer holds.
 */
export class Connection implements Transport {
  readonly remoteAddress: string;
  readonly localAddress: string;
  client!: Client;
  private partial: PartialRequest | undefined;
  private ended = false;
  /** A direct write was not taken at once: what follows goes the ordinary way, behind it. */
  private queued = false;

  constructor(
    private readonly loop: EventLoop,
    readonly socket: Socket,
    addresses: { remote: string; local: string },
    readonly fd: number,
  ) {
    this.remoteAddress = addresses.remote;
    this.localAddress = addresses.local;
  }

  get queryBufferUsed(): number {
    return this.partial?.length ?? 0;
  }

  get queryBufferCapacity(): number {
    return this.partial?.capacity ?? 0;
  }

  get unsentBytes(): number {
    return this.socket.writableLength;
  }

  /** Bytes arrived in [0, length) of a buffer that is ours until we return. */
  received(buffer: Buffer, length: number): void {
    const { loop, client } = this;
    if (client.closing) return;
    loop.server.statistics.readsProcessed++;
    loop.server.statistics.netInputBytes += length;
    if (this.partial === undefined) {
      if (client.blocked === undefined) return this.decode(buffer, 0, length);
      this.partial = new PartialRequest(buffer, 0, length);
    } else {
      this.partial.append(buffer, 0, length);
      if (client.blocked === undefined) return this.decodePartial();
    }
    this.checkQueryBuffer();
  }

  resume(): void {
    if (this.partial !== undefined && !this.client.closing && this.client.blocked === undefined)
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

  /** Runs every whole request that the decoder finds and keeps the rest. */
  private runBatch(): void {
    const { loop, client } = this;
    const { decoder, dispatcher } = loop;
    loop.server.clients.queueFlush(client);
    dispatcher.beginBatch();
    try {
      this.runRequests(decoder, dispatcher);
      this.partial = client.closing ? undefined : decoder.suspend(this.partial);
      if (this.partial !== undefined) this.checkQueryBuffer();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.protocolError(error);
    }
    loop.endBatch();
  }

  private runRequests(decoder: RequestDecoder<Command>, dispatcher: Dispatcher): void {
    const { client } = this;
    const { requests } = decoder;
    for (let count = decoder.fill(this.limits()); count > 0; count = decoder.fill(this.limits())) {
      if (count > 1) {
        dispatcher.prefetch(client, requests, count);
        dispatcher.beginGroup();
      }
      for (let i = 0; i < count; i++) {
        dispatcher.execute(client, requests[i]);
        if (client.blocked === undefined && !client.closing) continue;
        if (i + 1 < count) decoder.rewind(requests[i + 1].start);
        dispatcher.endGroup();
        return;
      }
      dispatcher.endGroup();
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
    loop.dispatcher.countError(client.reply.lastError);
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

  flush(): void {
    if (this.ended) return this.client.reply.reset();
    const { socket } = this;
    const { reply } = this.client;
    const size = reply.size;
    if (size > 0) {
      this.loop.server.statistics.writesProcessed++;
      this.loop.server.statistics.netOutputBytes += size;
      const chunk = reply.single();
      if (chunk !== undefined) {
        // Taken by the kernel at once: the chunk is free again. Else it belongs to the write until that is done.
        if (this.write(chunk)) reply.sent();
        else reply.reset();
      } else {
        socket.cork();
        for (const part of reply.take()) socket.write(part);
        socket.uncork();
      }
    }
    if (this.client.closing) this.end();
  }

  /** Sends bytes; true if the kernel has them all. */
  private write(bytes: Buffer): boolean {
    const { socket } = this;
    if (!this.queued) {
      const outcome = this.loop.directWriter.write(socket, bytes);
      if (outcome === 'taken') return true;
      if (outcome === 'queued') {
        this.queued = true;
        return false;
      }
    }
    socket.write(bytes, this.onWritten);
    return socket.writableLength === 0;
  }

  /** An ordinary write is done, and so is everything that was queued before it. */
  private readonly onWritten = (): void => {
    if (this.socket.writableLength === 0) this.queued = false;
  };

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

/** The client as log lines show it. */
export function describe(client: Client): string {
  return `id=${client.id} addr=${client.transport.remoteAddress} name=${client.name} db=${client.database.index} cmd=${client.lastCommand}`;
}
