import type { Socket } from 'node:net';

/** What `getAsyncId` says of a request that libuv does not know. */
const unused = -1;

/** The libuv handle below a net.Socket, as far as it is used here. */
interface StreamHandle {
  /** 0, or a negative error number. What the kernel does not take at once is queued. */
  writeBuffer(request: WriteRequest, buffer: Buffer): number;
  /** Bytes that the kernel has not taken yet. */
  readonly writeQueueSize: number;
}

interface WriteRequest {
  /** -1 unless libuv has this request in hand. */
  getAsyncId(): number;
  oncomplete: () => void;
  /** Kept with the request, so that the bytes live until they are written. */
  buffer: Buffer | undefined;
}

/**
 * How a direct write ended: the kernel has the bytes, or they are queued and their memory is in use, or it
 * was not done.
 */
export type WriteOutcome = 'taken' | 'queued' | 'impossible';

/**
 * Writes to sockets without the stream machinery above the libuv handle. Nearly always the kernel takes a
 * reply at once; then this leaves no garbage, where `Socket.write` makes a request object, a tick and a few
 * closures: about a tenth of what a request without pipelining costs. The handle is not documented by Node:
 * where something is not as expected, the outcome is `impossible` and `Socket.write` serves.
 */
export class DirectWriter {
  private Request: (new () => WriteRequest) | undefined;
  private capturing = false;
  /** A request that was not needed after all, because the kernel took everything. */
  private idle: WriteRequest | undefined;

  /**
   * Writes bytes to a socket that has nothing queued. `onWritten` is called if they are queued, when they are
   * written.
   */
  write(socket: Socket, bytes: Buffer, onWritten: () => void): WriteOutcome {
    const handle = (socket as unknown as { _handle: StreamHandle | null })._handle;
    if (this.Request === undefined) {
      if (!this.capturing && typeof handle?.writeBuffer === 'function') this.capture(handle);
      return 'impossible';
    }
    if (handle === null || socket.writableLength > 0) return 'impossible';
    const request = this.idle ?? new this.Request();
    if (handle.writeBuffer(request, bytes) !== 0) {
      this.idle = undefined;
      // The other side is gone. The socket would find out with its next read; it may as well be told.
      socket.destroy();
      return 'taken';
    }
    // Not `writeQueueSize === 0`: of what was too much at first, libuv may have written the rest since then, when the
    // other side read meanwhile. The request is libuv's all the same until it has completed.
    if (request.getAsyncId() === unused) {
      this.idle = request;
      return 'taken';
    }
    request.buffer = bytes;
    request.oncomplete = () => {
      request.buffer = undefined;
      onWritten();
    };
    this.idle = undefined;
    return 'queued';
  }

  /** Bytes written directly that the kernel has not taken yet. */
  queuedBytes(socket: Socket): number {
    return (socket as unknown as { _handle: StreamHandle | null })._handle?.writeQueueSize ?? 0;
  }

  /**
   * The class of write requests is not exported: the next ordinary write of this handle shows an instance.
   */
  private capture(handle: StreamHandle): void {
    if (typeof handle.writeQueueSize !== 'number') return;
    this.capturing = true;
    const patched = handle as { writeBuffer?: StreamHandle['writeBuffer'] };
    patched.writeBuffer = (request, buffer) => {
      delete patched.writeBuffer;
      if (typeof request.getAsyncId === 'function')
        this.Request = request.constructor as new () => WriteRequest;
      return handle.writeBuffer(request, buffer);
    };
  }
}
