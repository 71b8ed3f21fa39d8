import type { Bytes } from '../bytes/bytes.js';
import { Client, Gate, type Transport } from '../clients/client.js';
import type { Command } from '../commands/registry.js';
import type { ServerApi } from '../commands/server-api.js';
import { Request } from '../protocol/request-decoder.js';
import type { Dispatcher } from './dispatcher.js';

/** A client at whose other end nobody is. */
export const nowhere: Transport = {
  remoteAddress: '',
  unixPath: undefined,
  localAddress: '',
  fd: -1,
  queryBufferUsed: 0,
  queryBufferCapacity: 0,
  unsentBytes: 0,
  maxUnsentBytes: Number.POSITIVE_INFINITY,
  flush() {},
  close() {},
  enforceOutputLimit() {},
  gatherPackets() {},
  resume() {},
};

/** Runs commands that were run before, as a file has them: nobody is answered, nothing is refused, nothing blocks. */
export class Replay {
  private readonly client: Client;
  private readonly request = new Request<Command>();

  constructor(
    private readonly server: ServerApi,
    private readonly dispatcher: Dispatcher,
  ) {
    this.client = new Client(
      0,
      server.clock.now(),
      server.keyspace.databases[0],
      server.clients.pool,
      nowhere,
    );
    this.client.reply.muted = true;
    this.client.setGate(Gate.repeating, true);
  }

  /** Between MULTI and EXEC. */
  get inTransaction(): boolean {
    return this.client.transaction !== undefined;
  }

  /** True if there is such a command. */
  knows(name: Bytes): boolean {
    return this.server.commands.findOriginal(name) !== undefined;
  }

  /**
   * Runs a command. The views are valid until this returns. A script may have stopped in its middle then: it goes on by
   * itself, and the next command is to wait until the dispatcher is not `busy` any more.
   */
  run(args: readonly Bytes[], argc: number): void {
    const { request } = this;
    request.argc = argc;
    request.command = undefined;
    for (let i = 0; i < argc; i++) request.args[i] = args[i];
    this.dispatcher.execute(this.client, request);
  }

  /** Forgets a transaction that has no end, and lets go of everything else. */
  end(): void {
    this.dispatcher.endTransaction(this.client);
    this.dispatcher.forget(this.client);
  }
}
