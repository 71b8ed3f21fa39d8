// The least that a Node server can be: what a connection costs before any server of ours is involved.
import { createServer } from 'node:net';

const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
const server = createServer((socket) => {
  socket.on('data', () => socket.write('+PONG\r\n'));
  socket.on('error', () => socket.destroy());
});
server.listen(port, '127.0.0.1', 1024, () => console.log('Ready to accept connections'));
