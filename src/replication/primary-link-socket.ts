import { connect, type Socket, type TcpSocketConnectOpts } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

/** Bytes that are read at once. */
const readBufferSize = 65536;

export interface LinkSocketOptions {
  host: string;
  port: number;
  /** Own address, where that is to be a certain one. */
  localAddress: string | undefined;
  /** Undefined: without TLS. */
  tls: ConnectionOptions | undefined;
}

export interface LinkSocketEvents {
  connected(): void;
  /** Bytes [0, length) of the buffer, valid during the call. */
  received(buffer: Buffer, length: number): void;
  /** Called once. `reason` is empty if the other side just ended it. */
  ended(reason: string): void;
}

/**
 * Begins to connect. Without TLS the bytes are read into one buffer, which spares an allocation and an event per
 * read.
 */
export function openLinkSocket(options: LinkSocketOptions, events: LinkSocketEvents): Socket {
  const { tls } = options;
  const socket = tls === undefined ? openPlain(options, events) : openTls(options, tls, events);
  let reason = '';
  socket.setNoDelay(true);
  socket.setKeepAlive(true);
  socket.on('error', (error) => {
    reason = error.message;
  });
  socket.on('end', () => socket.destroy());
  socket.on('close', () => events.ended(reason));
  return socket;
}

function openPlain({ host, port, localAddress }: LinkSocketOptions, events: LinkSocketEvents): Socket {
  const options: TcpSocketConnectOpts = {
    host,
    port,
    localAddress,
    onread: {
      buffer: Buffer.allocUnsafeSlow(readBufferSize),
      callback: (length, buffer) => {
        events.received(buffer as Buffer, length);
        return true;
      },
    },
  };
  return connect(options).on('connect', () => events.connected());
}

function openTls(
  { host, port, localAddress }: LinkSocketOptions,
  tls: ConnectionOptions,
  events: LinkSocketEvents,
): Socket {
  const options = { ...tls, host, port, localAddress };
  return connectTls(options, () => events.connected()).on('data', (data: Buffer) =>
    events.received(data, data.length),
  );
}
