import { connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { DirectWriter } from '../../src/server/direct-write.js';
import { until } from '../support/waiting.js';

interface Request {
  getAsyncId(): number;
  oncomplete?: () => void;
}

interface Handle {
  writeBuffer(request: Request, buffer: Buffer): number;
}

/** A connected socket of the server's side, its handle, and what the other side has read. */
async function setUp() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const client = connect(port, '127.0.0.1');
  const socket = await accepted;
  let received = 0;
  client.on('data', (data) => {
    received += data.length;
  });
  onTestFinished(() => {
    socket.destroy();
    client.destroy();
    server.close();
  });
  const { _handle: handle } = socket as unknown as { _handle: Handle };
  const writer = new DirectWriter();
  const write = (bytes: Buffer) =>
    new Promise<void>((resolve) => {
      const outcome = writer.write(socket, bytes, resolve);
      if (outcome === 'impossible') socket.write(bytes, () => resolve());
      else if (outcome === 'taken') resolve();
    });
  await write(Buffer.from('first'));
  return { socket, handle, writer, write, received: () => received };
}

it('writes what the kernel takes at once, and what it does not', async () => {
  const { socket, writer, write, received } = await setUp();
  const big = Buffer.alloc(30_000_000);
  expect(writer.write(socket, Buffer.from('small'), () => {})).toBe('taken');
  const written = write(big);
  expect(writer.queuedBytes(socket)).toBeGreaterThan(0);
  await written;
  expect(writer.queuedBytes(socket)).toBe(0);
  expect(writer.write(socket, Buffer.from('small'), () => {})).toBe('taken');
  await until('all has arrived', () => received() === 'firstsmallsmall'.length + big.length);
});

it('does not use a request again that libuv has in hand, although all of its bytes are written', async () => {
  const { socket, handle, writer } = await setUp();
  const used: Request[] = [];
  const write = handle.writeBuffer;
  // As if the other side had read just after the kernel's buffer was found full.
  handle.writeBuffer = (request, buffer) => {
    used.push(request);
    if (used.length > 1) return write.call(handle, request, buffer);
    request.getAsyncId = () => 1;
    setImmediate(() => request.oncomplete?.());
    return 0;
  };
  const completed = new Promise<void>((resolve) => {
    expect(writer.write(socket, Buffer.from('a'), resolve)).toBe('queued');
  });
  expect(writer.write(socket, Buffer.from('b'), () => {})).toBe('taken');
  expect(used[1]).not.toBe(used[0]);
  await completed;
});
