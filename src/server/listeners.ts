import { chmodSync, unlinkSync } from 'node:fs';
import type { AddressInfo, Server, Socket } from 'node:net';
import { Gate } from '../clients/client.js';
import type { Config } from '../config/config.js';
import { Connection } from './connection.js';
import { createListener, listenNow, type SocketEvents } from './listener.js';
import type { RespiteServer } from './server.js';

/** The server cannot listen where it was told to. */
export class ListenError extends Error {}

/** Where a server listens: TCP addresses and, if configured, a unix socket or named pipe. */
export class Listeners {
  private tcp: Server[] = [];
  private unix: Server | undefined;
  private readonly connections = new Set<Connection>();
  /** The TCP port in use, 0 if there is none. */
  port = 0;
  /** First TCP address in use. */
  host = '';

  constructor(private readonly owner: RespiteServer) {}

  /** Opens everything that the configuration names. Throws ListenError. `anyPort`: port 0 lets the system choose. */
  async open(config: Config, anyPort: boolean): Promise<void> {
    const port = config.values.port;
    if (port > 0 || anyPort) await this.openTcp(config.values.bind, port, config.values['tcp-backlog']);
    const path = config.values.unixsocket;
    if (path !== '') await this.openUnix(path, config.values.unixsocketperm, config.values['tcp-backlog']);
  }

  private async openTcp(addresses: readonly string[], port: number, backlog: number): Promise<void> {
    const wanted = addresses.length > 0 ? addresses : ['*'];
    for (const address of wanted) {
      const optional = address.startsWith('-');
      const name = optional ? address.slice(1) : address;
      try {
        await this.listenTcp(hostOf(name), this.port || port, backlog);
      } catch (error) {
        const reason = (error as NodeJS.ErrnoException).code ?? String(error);
        const unavailable = ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EPROTONOSUPPORT', 'ENOTFOUND'].includes(
          reason,
        );
        if (optional && unavailable) continue;
        const text = reason === 'EADDRINUSE' ? 'Address already in use' : reason;
        this.owner.log.warning(
          `Warning: Could not create server TCP listening socket ${name}:${port}: bind: ${text}`,
        );
        throw new ListenError(`Failed listening on port ${port} (tcp), aborting.`);
      }
    }
    if (this.tcp.length === 0) throw new ListenError(`Failed listening on port ${port} (tcp), aborting.`);
  }

  private listenTcp(host: string, port: number, backlog: number): Promise<void> {
    const server = this.create();
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, backlog, ipv6Only: host.includes(':') }, () => {
        server.off('error', reject);
        this.tcp.push(this.watched(server));
        const address = server.address() as AddressInfo;
        this.port ||= address.port;
        this.host ||= address.address;
        resolve();
      });
    });
  }

  private openUnix(path: string, mode: number, backlog: number): Promise<void> {
    const windows = process.platform === 'win32';
    const name = windows && !path.startsWith('\\\\') ? `\\\\.\\pipe\\${path.replace(/[\\/:]/g, '-')}` : path;
    if (!windows) removeStale(path);
    const server = this.create(path);
    return new Promise((resolve, reject) => {
      server.once('error', (error) =>
        reject(new ListenError(`Failed opening Unix socket: bind: ${error.message}`)),
      );
      server.listen({ path: name, backlog }, () => {
        server.removeAllListeners('error');
        if (!windows && mode > 0) chmodSync(path, mode);
        this.unix = this.watched(server);
        resolve();
      });
    });
  }

  private create(unixPath?: string): Server {
    return createListener(this.owner.loop.readBuffer, (socket, fd) => this.accept(socket, fd, unixPath));
  }

  private watched(server: Server): Server {
    return server.on('error', (error) => {
      this.owner.log.warning(`Error accepting a client connection: ${error.message}`);
    });
  }

  /**
   * Listens at the configuration's present addresses and port instead of the old ones; connected clients stay.
   * Throws ListenError, and then listens where it did before.
   */
  rebind(config: Config): void {
    const old = {
      addresses: this.tcp.map((server) => (server.address() as AddressInfo).address),
      port: this.port,
    };
    for (const server of this.tcp) server.close();
    const { bind, port } = config.values;
    try {
      this.tcp = port === 0 ? [] : this.bindAll(bind.length > 0 ? bind : ['*'], port);
    } catch (error) {
      this.tcp = this.bindAll(old.addresses, old.port);
      throw error;
    }
    this.port = port;
  }

  private bindAll(addresses: readonly string[], port: number): Server[] {
    const bound: Server[] = [];
    for (const address of addresses) {
      const optional = address.startsWith('-');
      const server = this.create();
      const failure = listenNow(
        server,
        hostOf(optional ? address.slice(1) : address),
        port,
        this.owner.config.values['tcp-backlog'],
      );
      if (failure === undefined) {
        bound.push(this.watched(server));
      } else if (!optional) {
        for (const other of bound) other.close();
        throw new ListenError(
          `Could not create server TCP listening socket ${address}:${port}: bind: ${failure}`,
        );
      }
    }
    return bound;
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
    const connection = new Connection(owner.loop, socket, addressesOf(socket, unixPath), fd);
    const client = owner.clients.connect(owner.keyspace.databases[0], connection);
    connection.client = client;
    if (owner.config.values.requirepass !== '') client.setGate(Gate.unauthenticated, true);
    this.connections.add(connection);
    owner.log.verbose(`Accepted ${connection.remoteAddress}`);
    return {
      onBytes: (buffer, length) => connection.received(buffer, length),
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
    if (open || isLoopback(socket.remoteAddress)) return undefined;
    return protectedModeRefusal;
  }

  /** Ends all connections and stops listening. Resolves when no handle is left open. */
  async close(): Promise<void> {
    for (const connection of this.connections) connection.socket.destroy();
    const servers = this.unix === undefined ? this.tcp : [...this.tcp, this.unix];
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    this.tcp = [];
    this.unix = undefined;
  }
}

const protectedModeRefusal =
  'DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. ' +
  'In this mode connections are only accepted from the loopback interface. ' +
  'To accept others: set a password (requirepass), or turn protected mode off (protected-mode no, or CONFIG SET protected-mode no from the loopback interface), ' +
  'and make sure that the server is not reachable from the internet.';

/** `*` is every IPv4 address, `::*` every IPv6 address. */
function hostOf(address: string): string {
  if (address === '*') return '0.0.0.0';
  return address === '::*' ? '::' : address;
}

function isLoopback(address: string | undefined): boolean {
  return (
    address === undefined ||
    address === '::1' ||
    address.startsWith('127.') ||
    address.startsWith('::ffff:127.')
  );
}

function addressesOf(socket: Socket, unixPath: string | undefined): { remote: string; local: string } {
  if (unixPath !== undefined) return { remote: `${unixPath}:0`, local: `${unixPath}:0` };
  return {
    remote: formatAddress(socket.remoteAddress, socket.remotePort),
    local: formatAddress(socket.localAddress, socket.localPort),
  };
}

function formatAddress(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return '?:0';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A socket file left by a server that was killed would keep us from listening. */
function removeStale(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
