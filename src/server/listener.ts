import net, { type Server, type Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { lookupNow } from './lookup-now.js';
import type { Newcomers } from './newcomers.js';

/** A socket whose bytes go to `onBytes` and whose end to `onClose`. */
export interface SocketEvents {
  /** Bytes [0, length) of the buffer, valid during the call. */
  onBytes(buffer: Buffer, length: number): void;
  /** The other side will send no more; the socket is destroyed afterwards. */
  onEnd(): void;
  onClose(): void;
}

/**
 * The undocumented parts of Node's sockets and servers that this file relies on, and lives without if they are not
 * there.
 */
interface HandleHolder {
  _handle: SocketHandle | null;
}

interface SocketHandle {
  fd?: number;
  close?: unknown;
}

interface ServerHandle {
  /** What libuv accepted, or the error that kept it from that. */
  onconnection?: (this: unknown, status: number, handle?: SocketHandle) => void;
}

interface SocketOptions extends net.SocketConstructorOpts {
  handle: SocketHandle;
  onread: net.OnReadOpts;
  /** Nothing is read before `resume`. */
  manualStart: boolean;
}

/**
 * Listens, and reads every socket into one shared buffer: Node's `onread` option spares an allocation and a
 * stream event per read (about 1 µs a request without pipelining). The option exists only on sockets one
 * constructs oneself, so the accepted handle is taken before Node makes a socket of it (two sockets for each connection
 * would cost 10 µs), or else moved to such a socket. Where neither is possible, the 'data' event serves.
 */
export function createListener(
  readBuffer: Buffer,
  newcomers: Newcomers,
  onSocket: (socket: Socket, fd: number) => SocketEvents | undefined,
): Server {
  const read = (handle: SocketHandle) => readIntoBuffer(handle, readBuffer, newcomers, onSocket);
  const options = { pauseOnConnect: true, noDelay: true, allowHalfOpen: false };
  const server = net.createServer(options, (accepted) => {
    const holder = accepted as unknown as HandleHolder;
    const handle = holder._handle;
    const fd = handle?.fd ?? -1;
    if (!isOpen(handle)) return readByEvents(accepted, fd, onSocket);
    holder._handle = null;
    accepted.destroy();
    read(handle);
  });
  return server.on('listening', () => takeHandles(server, read));
}

function isOpen(handle: SocketHandle | null | undefined): handle is SocketHandle {
  return typeof handle?.close === 'function';
}

/** Takes over what a server accepts; it still reports the errors. */
function takeHandles(server: Server, take: (handle: SocketHandle) => void): void {
  const listening = (server as unknown as { _handle: ServerHandle | null })._handle;
  const ordinary = listening?.onconnection;
  if (listening == null || typeof ordinary !== 'function') return;
  listening.onconnection = function (status, handle) {
    if (status === 0 && isOpen(handle)) take(handle);
    else ordinary.call(this, status, handle);
  };
}

function readIntoBuffer(
  handle: SocketHandle,
  readBuffer: Buffer,
  newcomers: Newcomers,
  onSocket: (socket: Socket, fd: number) => SocketEvents | undefined,
): void {
  let events: SocketEvents | undefined;
  const options: SocketOptions = {
    handle,
    manualStart: true,
    onread: {
      buffer: readBuffer,
      callback: (length, buffer) => {
        if (events === undefined) return true;
        if (newcomers.holding) newcomers.putAside(events, buffer as Buffer, length);
        else events.onBytes(buffer as Buffer, length);
        return true;
      },
    },
  };
  const socket = new net.Socket(options);
  socket.setNoDelay(true);
  events = attach(socket, handle.fd ?? -1, onSocket);
  if (events === undefined) return;
  socket.prependListener('end', newcomers.deliver).prependListener('close', newcomers.deliver);
  newcomers.add(socket);
}

/** The public way: one Buffer and one event per read. */
export function readByEvents(
  socket: Socket,
  fd: number,
  onSocket: (socket: Socket, fd: number) => SocketEvents | undefined,
): void {
  const events = attach(socket, fd, onSocket);
  if (events === undefined) return;
  socket.on('data', (data) => events.onBytes(data as Buffer, data.length));
  socket.resume();
}

function attach(
  socket: Socket,
  fd: number,
  onSocket: (socket: Socket, fd: number) => SocketEvents | undefined,
): SocketEvents | undefined {
  socket.on('error', ignore);
  const events = onSocket(socket, fd);
  if (events !== undefined) {
    // As Redis does: the connection is over, whatever has not been taken yet.
    socket.on('end', () => {
      events.onEnd();
      socket.destroy();
    });
    socket.on('close', () => events.onClose());
  }
  return events;
}

/** A broken connection is no error of ours; 'close' follows. */
function ignore(): void {}

interface Handle {
  listen(backlog: number): number;
  close(): void;
}

/**
 * The undocumented function that binds a socket before it returns; `listen` only tells later whether it
 * could.
 */
interface HandleMaker {
  _createServerHandle?(
    address: string,
    port: number,
    family: 4 | 6,
    fd: number,
    flags: number,
  ): Handle | number;
}

/** UV_TCP_IPV6ONLY */
const ipv6Only = 1;

/**
 * Listens at an address or a host name, and tells at once if that cannot be: the error's name, such as EADDRINUSE.
 * Without Node's internal function it listens all the same, but a failure is only logged.
 */
export function listenNow(server: Server, host: string, port: number, backlog: number): string | undefined {
  const make = (net as HandleMaker)._createServerHandle;
  const address = net.isIP(host) === 0 ? lookupNow(host) : host;
  if (address === undefined) return 'ENOTFOUND';
  const sixth = net.isIPv6(address);
  if (make === undefined) {
    server.listen({ host: address, port, backlog, ipv6Only: sixth });
    return undefined;
  }
  const handle = make(address, port, sixth ? 6 : 4, -1, sixth ? ipv6Only : 0);
  if (typeof handle === 'number') return getSystemErrorName(handle);
  // libuv reports an address in use only when listening.
  const failure = handle.listen(backlog);
  if (failure !== 0) {
    handle.close();
    return getSystemErrorName(failure);
  }
  server.listen(handle, backlog);
  return undefined;
}
