import { once } from 'node:events';
import { chmodSync, existsSync, unlinkSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { dirname } from 'node:path';
import { TLSSocket, type TlsOptions, type Server as TlsServer } from 'node:tls';
import { Gate } from '../clients/client.js';
import { isLoopback } from '../commands/locality.js';
import { type Config, ConfigError } from '../config/config.js';
import { pathFromConfig, systemErrorOf, systemErrorText } from '../config/files.js';
import { Connection } from './connection.js';
import { createListener, type SocketEvents } from './listener.js';
import { Newcomers } from './newcomers.js';
import type { RespiteServer } from './server.js';
import { ListenError, TcpListeners, watched } from './tcp-listeners.js';
import { createTlsServer, tlsOptions } from './tls.js';
import { TlsSessions } from './tls-sessions.js';

/**
 * Where a server listens: TCP addresses, the same addresses for TLS, and, if configured, a unix socket or
 * named pipe.
 */
export class Listeners {
  private readonly tcp: TcpListeners;
  private readonly tls: TcpListeners;
  private tlsOptions: TlsOptions | undefined;
  private readonly tlsSessions: TlsSessions;
  private unix: Server | undefined;
  private readonly connections = new Set<Connection>();
  private readonly newcomers: Newcomers;

  constructor(private readonly owner: RespiteServer) {
    const { log, config, clock } = owner;
    this.tlsSessions = new TlsSessions(config.values, clock);
    this.newcomers = new Newcomers(clock);
    this.tcp = new TcpListeners(log, () => this.create());
    this.tls = new TcpListeners(log, () => {
      const accept = (socket: Socket, fd: number) => this.accept(socket, fd, undefined);
      const server = createTlsServer(this.tlsOptions ?? {}, log, accept);
      this.tlsSessions.serve(server);
      return server;
    });
  }

  /** The TCP port in use, 0 if there is none. */
  get port(): number {
    return this.tcp.port;
  }

  /** The TLS port in use, 0 if there is none. */
  get tlsPort(): number {
    return this.tls.port;
  }

  /** First TCP address in use, or first TLS address. */
  get host(): string {
    return this.tcp.host || this.tls.host;
  }

  /**
   * Opens everything that the configuration names. Throws ListenError. `anyPort`: port 0 lets the system
   * choose.
   */
  async open({ values }: Config, anyPort: boolean): Promise<void> {
    const { port, bind, 'tls-port': tlsPort, 'tcp-backlog': backlog } = values;
    if (port > 0 || anyPort) await this.tcp.open(bind, port, backlog);
    if (tlsPort > 0) {
      this.loadCertificates();
      await this.tls.open(bind, tlsPort, backlog);
    }
    if (values.unixsocket !== '') await this.openUnix(values.unixsocket, values.unixsocketperm, backlog);
    if (this.tcp.addresses.length + this.tls.addresses.length === 0 && values.unixsocket === '')
      throw new ListenError('Configured to not listen anywhere, exiting.');
  }

  private loadCertificates(): void {
    try {
      this.tlsOptions = tlsOptions(this.owner.config.values);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.owner.log.warning(error.reason);
      throw new ListenError('Failed to configure TLS. Check logs for more info.');
    }
  }

  /** @param address as it is configured, in bytes */
  private async openUnix(address: string, mode: number, backlog: number): Promise<void> {
    const path = pathFromConfig(address);
    const windows = process.platform === 'win32';
    const name = windows && !path.startsWith('\\\\') ? `\\\\.\\pipe\\${path.replace(/[\\/:]/g, '-')}` : path;
    if (!windows && address.length > longestUnixPath) {
      throw new ListenError(
        `Failed opening Unix socket: unix socket path too long (${address.length}), must be under ${longestUnixPath + 1}`,
      );
    }
    const server = this.create(address);
    try {
      if (!windows) removeStale(path);
      server.listen({ path: name, backlog });
      await once(server, 'listening');
      this.unix = watched(server, this.owner.log);
      if (!windows && mode > 0) chmodSync(path, mode);
    } catch (error) {
      // Node says EACCES of a folder that is not there.
      const reason = existsSync(dirname(path)) ? systemErrorText(error) : systemErrorOf('ENOENT');
      throw new ListenError(`Failed opening Unix socket: bind: ${reason}`);
    }
  }

  private create(unixPath?: string): Server {
    return createListener(this.owner.loop.readBuffer, this.newcomers, (socket, fd) =>
      this.accept(socket, fd, unixPath),
    );
  }

  /**
   * `bind` has changed: listens at the new addresses. Throws ListenError, and then listens where it did
   * before.
   */
  rebind({ values }: Config): void {
    const { bind, 'tcp-backlog': backlog } = values;
    const before = this.tcp.addresses;
    // An embedded server has port 0 in its configuration, and another one in use.
    const port = values.port || this.port;
    this.tcp.rebind(bind, port, backlog);
    try {
      if (values['tls-port'] > 0) this.tls.rebind(bind, values['tls-port'], backlog);
    } catch (error) {
      this.tcp.rebind(before, port, backlog);
      throw error;
    }
  }

  /** `port` has changed. Throws ListenError, and then listens where it did before. */
  rebindTcp({ values }: Config): void {
    this.tcp.rebind(values.bind, values.port, values['tcp-backlog']);
  }

  /**
   * `tls-port` or what is asked of clients has changed. Throws ListenError, and then listens where it did
   * before.
   */
  rebindTls({ values }: Config): void {
    if (values['tls-port'] > 0) this.loadCertificates();
    this.tls.rebind(values.bind, values['tls-port'], values['tcp-backlog']);
  }

  /**
   * Certificates or other settings of TLS have changed: new connections get the new ones. Throws ListenError.
   */
  reloadTls({ values }: Config): void {
    if (values['tls-port'] === 0) return;
    this.loadCertificates();
    const options = this.tlsOptions ?? {};
    // All servers that `this.tls` makes are TLS servers.
    this.tls.forEach((server) => (server as TlsServer).setSecureContext(options));
  }

  private accept(socket: Socket, fd: number, unixPath: string | undefined): SocketEvents | undefined {
    const { owner } = this;
    owner.statistics.connectionsReceived++;
    const refusal = this.refusalFor(socket, unixPath);
    if (refusal !== undefined) {
      owner.statistics.connectionsRejected++;
      socket.end(`-${refusal}\r\n`, () => socket.destroy());
      return undefined;
    }
    const keepAlive = owner.config.values['tcp-keepalive'];
    if (unixPath === undefined && keepAlive > 0) socket.setKeepAlive(true, keepAlive * 1000);
    const direct = !(socket instanceof TLSSocket);
    const connection = new Connection(owner.loop, socket, unixPath, fd, direct);
    const client = owner.clients.connect(owner.keyspace.databases[0], connection);
    connection.client = client;
    if (owner.config.values.requirepass !== '') client.setGate(Gate.unauthenticated, true);
    this.connections.add(connection);
    owner.log.verbose(`Accepted ${connection.remoteAddress}`);
    return {
      onBytes: (buffer, length) => connection.received(buffer, length),
      onEnd: () => {
        // What was run is answered, though the turn has not ended.
        if (client.flushQueued) connection.flush();
      },
      onClose: () => {
        this.connections.delete(connection);
        owner.forget(client);
      },
    };
  }

  private refusalFor(socket: Socket, unixPath: string | undefined): string | undefined {
    const { config, clients } = this.owner;
    if (clients.size >= config.values.maxclients) return 'ERR max number of clients reached';
    const open =
      !config.values['protected-mode'] || config.values.requirepass !== '' || unixPath !== undefined;
    const { remoteAddress } = socket; // undefined if it is gone already
    if (open || remoteAddress === undefined || isLoopback(remoteAddress)) return undefined;
    return protectedModeRefusal;
  }

  /** Ends all connections and stops listening. Resolves when no handle is left open. */
  async close(): Promise<void> {
    // First of all nobody can connect any more: whoever sees its connection end and tries again is refused.
    const closed = Promise.all([this.tcp.close(), this.tls.close(), this.closeUnix()]);
    for (const connection of this.connections) connection.socket.destroy();
    await closed;
  }

  private async closeUnix(): Promise<void> {
    const { unix } = this;
    this.unix = undefined;
    if (unix !== undefined) await new Promise((resolve) => unix.close(resolve));
  }
}

/** Bytes of a path that the operating system has room for; what is beyond would be cut off without a word. */
const longestUnixPath = process.platform === 'darwin' ? 103 : 107;

const protectedModeRefusal =
  'DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. ' +
  'In this mode connections are only accepted from the loopback interface. ' +
  'To accept others: set a password (requirepass), or turn protected mode off (protected-mode no, or CONFIG SET protected-mode no from the loopback interface), ' +
  'and make sure that the server is not reachable from the internet.';

/** A socket file left by a server that was killed would keep us from listening. */
function removeStale(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
