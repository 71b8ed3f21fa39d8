import { type Client, Gate, type Transport } from '../clients/client.js';
import type { Command } from '../commands/registry.js';
import type { Database } from '../keyspace/database.js';
import {
  largestRequestBytes,
  type PartialRequest,
  ProtocolError,
  type Request,
  RequestDecoder,
  type RequestLimits,
} from '../protocol/request-decoder.js';
import type { ReplicaHost } from './replica-host.js';

/** A primary's requests have passed its own limits; these are only what can be held. */
const limits: RequestLimits = { maxBulkLength: largestRequestBytes, maxArguments: 0x7fffffff };

const nothing = Buffer.alloc(0);

/** Who hears of the stream. */
export interface StreamEvents {
  /** These bytes were commands, and have been run: whole ones, and whole transactions. Valid during the call. */
  applied(buffer: Buffer, start: number, end: number): void;
  /** The primary asks how far its stream was applied. */
  asked(): void;
  /** The bytes are no requests: the stream cannot be gone on with. */
  broken(reason: string): void;
}

/**
 * The commands of a primary, run as those of a client that is never answered or refused. Bytes count as applied when
 * the command they belong to has run, and those of a transaction when all of it has, so that after a broken link the
 * stream goes on at a place where nothing is cut.
 *
 * Hot on a replica.
 */
export class PrimaryStream {
  readonly client: Client;
  private readonly decoder = new RequestDecoder<Command>();
  private partial: PartialRequest | undefined;
  /** Bytes of a transaction that is not complete. */
  private held: Buffer[] = [];
  // What is being run, and which part of it was applied and not told of yet.
  private buffer: Buffer = nothing;
  private appliedFrom = 0;
  private appliedTo = 0;
  private ended = false;

  constructor(
    private readonly host: ReplicaHost,
    transport: Transport,
    database: Database,
    private readonly events: StreamEvents,
  ) {
    this.client = host.clients.connect(database, transport);
    this.client.reply.muted = true;
    this.client.setGate(Gate.repeating | Gate.primary, true);
  }

  /** Database that the next command runs in. */
  get database(): Database {
    return this.client.database;
  }

  /** Bytes that do not yet make a whole command, or a whole transaction. */
  get unappliedBytes(): number {
    return this.held.reduce((sum, { length }) => sum + length, this.partial?.length ?? 0);
  }

  /** Bytes that do not yet make a whole command. */
  get partialBytes(): number {
    return this.partial?.undecoded ?? 0;
  }

  get partialCapacity(): number {
    return this.partial?.capacity ?? 0;
  }

  /** Runs every whole command that there is now. The bytes are the caller's again when this returns. */
  received(buffer: Buffer, start: number, end: number): void {
    const { decoder, host } = this;
    const { dispatcher } = host.loop;
    if (this.partial === undefined) decoder.begin(buffer, start, end);
    else {
      this.partial.append(buffer, start, end);
      decoder.resume(this.partial);
    }
    dispatcher.beginBatch();
    // What has expired is gone when the primary says so; until then its commands find it alive.
    host.keyspace.holdExpiry(true);
    try {
      if (this.partial === undefined) this.run(buffer, start);
      else this.run(this.partial.buffer, this.partial.start);
      this.partial = this.ended ? undefined : decoder.suspend(this.partial);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.events.broken(error.message);
    } finally {
      host.keyspace.holdExpiry(false);
    }
    host.loop.endBatch();
  }

  private run(buffer: Buffer, start: number): void {
    const { decoder, client } = this;
    const { requests } = decoder;
    const { dispatcher } = this.host.loop;
    this.buffer = buffer;
    this.appliedFrom = this.appliedTo = start;
    let stopped = false;
    for (let count = decoder.fill(limits); count > 0; count = stopped ? 0 : decoder.fill(limits)) {
      if (count > 1) {
        dispatcher.lookAhead.prepare(client.database, requests, count);
        dispatcher.accounts.beginGroup();
      }
      for (let i = 0; i < count && !this.ended && !stopped; i++) {
        this.execute(requests[i]);
        const next = i + 1 < count ? requests[i + 1].start : decoder.nextStart;
        if (client.transaction === undefined) this.appliedTo = next;
        if (client.blocked !== undefined) {
          stopped = true;
          this.goOnAfterScript(next);
        }
      }
      dispatcher.accounts.endGroup();
      if (this.ended) return;
    }
    // Empty lines between requests are part of the stream too.
    const end = decoder.nextStart;
    if (client.transaction === undefined) this.appliedTo = end;
    this.tellApplied();
    if (end > this.appliedTo) this.held.push(Buffer.from(buffer.subarray(this.appliedTo, end)));
    this.buffer = nothing;
  }

  /** A script has stopped in its middle: what follows, from there on, is kept until it is done. */
  private goOnAfterScript(next: number): void {
    this.decoder.rewind(next);
    const { suspension } = this.host.loop.dispatcher;
    void suspension.over().then(() => {
      if (!this.ended) this.received(nothing, 0, 0);
    });
  }

  /** Hands on what was applied since the last time. */
  private tellApplied(): void {
    const { buffer, appliedFrom, appliedTo, held, events } = this;
    if (appliedTo === appliedFrom) return;
    this.appliedFrom = appliedTo;
    if (held.length > 0) this.held = [];
    for (const bytes of held) events.applied(bytes, 0, bytes.length);
    events.applied(buffer, appliedFrom, appliedTo);
  }

  private execute(request: Request<Command>): void {
    const { client, host } = this;
    if (isAcknowledgementRequest(request)) {
      this.tellApplied();
      return this.events.asked();
    }
    const { errors } = client.reply;
    host.loop.dispatcher.execute(client, request);
    if (client.reply.errors !== errors) this.noteError(request);
  }

  /** A command that its primary could run fails here: the two do not have the same data, or not the same commands. */
  private noteError({ args }: Request<Command>): void {
    const { host, client } = this;
    host.statistics.unexpectedErrorReplies++;
    host.log.warning(
      `== CRITICAL == This replica is sending an error to its master: '${client.reply.lastError}' after processing the command '${args[0].latin1()}'`,
    );
    const { 'propagation-error-behavior': behavior, 'replica-read-only': readOnly } = host.config.values;
    if (behavior !== 'ignore' && readOnly) {
      host.log.warning('This replica ends, as propagation-error-behavior says.');
      host.crash?.();
    }
  }

  /** No more is to be run. The client goes. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.partial = undefined;
    this.held = [];
    const { dispatcher } = this.host.loop;
    dispatcher.endTransaction(this.client);
    this.host.forget(this.client);
  }
}

/** `REPLCONF GETACK *`, which is for the link and not for the data. */
function isAcknowledgementRequest({ args, argc }: Request<Command>): boolean {
  return argc >= 2 && args[0].length === 8 && args[0].is('replconf') && args[1].is('getack');
}
