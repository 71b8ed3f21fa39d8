import { type AddressInfo, isIPv4, type Server } from 'node:net';
import type { Log } from '../commands/server-api.js';
import { systemErrorOf, systemErrorText } from '../config/files.js';
import { listenNow } from './listener.js';

/** The server cannot listen where it was told to. */
export class ListenError extends Error {}

/** What `bind` names is not there on this machine; where the address is optional, that is no failure. */
const unavailable = ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EPROTONOSUPPORT'];

/** Listening sockets for one protocol, TCP or TLS: one for each address of `bind`, all with one port. */
export class TcpListeners {
  private servers: Server[] = [];
  /** The port in use, 0 if there is none. */
  port = 0;
  /** First address in use. */
  host = '';

  constructor(
    private readonly log: Log,
    /** Makes a server that does not listen yet. */
    private readonly create: () => Server,
  ) {}

  /**
   * Starts listening at all addresses; those with a dash in front may be missing. Port 0: any. Throws
   * ListenError.
   */
  async open(addresses: readonly string[], port: number, backlog: number): Promise<void> {
    for (const { name, host, optional } of addresses.map(wanted)) {
      try {
        await this.listen(host, this.port || port, backlog);
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException;
        if (optional && unavailable.includes(code)) continue;
        this.log.warning(
          `Warning: Could not create server TCP listening socket ${name}:${port}: bind: ${systemErrorText(error)}`,
        );
        throw new ListenError(`Failed listening on port ${port} (tcp), aborting.`);
      }
    }
    if (this.servers.length === 0 && addresses.length > 0)
      throw new ListenError(`Failed listening on port ${port} (tcp), aborting.`);
  }

  private listen(host: string, port: number, backlog: number): Promise<void> {
    const server = this.create();
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, backlog, ipv6Only: host.includes(':') }, () => {
        server.off('error', reject);
        this.add(server);
        resolve();
      });
    });
  }

  private add(server: Server): void {
    this.servers.push(watched(server, this.log));
    // A server that began to listen just now has an address already; Node's types allow for pipes and closed
    // ones.
    const address = server.address() as AddressInfo | null;
    this.port ||= address?.port ?? 0;
    this.host ||= address?.address ?? '';
  }

  /**
   * Listens at these addresses and this port (0: not at all) instead of the present ones; connected clients
   * stay. Throws ListenError, and then listens where it did before.
   */
  rebind(addresses: readonly string[], port: number, backlog: number): void {
    const old = { addresses: this.addresses, port: this.port };
    this.stop();
    try {
      this.bindAll(addresses, port, backlog);
    } catch (error) {
      this.stop();
      this.bindAll(old.addresses, old.port, backlog);
      throw error;
    }
  }

  private bindAll(addresses: readonly string[], port: number, backlog: number): void {
    if (port === 0) return;
    for (const { name, host, optional } of addresses.map(wanted)) {
      const server = this.create();
      const failure = looksNumeric(name) ? 'ENOTFOUND' : listenNow(server, host, port, backlog);
      if (failure === undefined) {
        this.add(server);
      } else if (!optional || !unavailable.includes(failure)) {
        throw new ListenError(
          `Could not create server TCP listening socket ${name}:${port}: bind: ${systemErrorOf(failure)}`,
        );
      }
    }
    if (this.servers.length === 0 && addresses.length > 0)
      throw new ListenError('Could not create a server TCP listening socket: none of the addresses is there');
    this.port = port;
  }

  /** Addresses in use. */
  get addresses(): string[] {
    return this.servers.flatMap((server) => (server.address() as AddressInfo | null)?.address ?? []);
  }

  /** All servers, to change what they have in common. */
  forEach(change: (server: Server) => void): void {
    for (const server of this.servers) change(server);
  }

  private stop(): void {
    for (const server of this.servers) server.close();
    this.forget();
  }

  private forget(): void {
    this.servers = [];
    this.port = 0;
    this.host = '';
  }

  /** Stops listening; `host` and `port` still say where it did. Resolves when no handle is left open. */
  async close(): Promise<void> {
    const servers = this.servers.splice(0);
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

/** Reports what goes wrong with a server that listens, instead of ending the process. */
export function watched(server: Server, log: Log): Server {
  return server.on('error', (error) => {
    log.warning(`Error accepting a client connection: ${error.message}`);
  });
}

/**
 * A word of `bind`. With a dash in front the address may be missing; `*` is every IPv4 address, `::*` every IPv6
 * address.
 */
function wanted(word: string): { name: string; host: string; optional: boolean } {
  const optional = word.startsWith('-');
  const name = optional ? word.slice(1) : word;
  const host = name === '*' ? '0.0.0.0' : name === '::*' ? '::' : name;
  return { name, host, optional };
}

/** Digits and dots that are no IPv4 address: certainly no host name either. */
function looksNumeric(name: string): boolean {
  return /^[\d.]+$/.test(name) && !isIPv4(name);
}
