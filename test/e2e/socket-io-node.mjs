// One of several socket.io servers that share their rooms through Redis. Argument: Redis's port. Prints its own port.
import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';

const publisher = new Redis(Number(process.argv[2]));
const http = createServer();
const io = new Server(http, { adapter: createAdapter(publisher, publisher.duplicate()) });

io.on('connection', (socket) => {
  socket.on('join', async (room, joined) => {
    await socket.join(room);
    joined();
  });
  socket.on('say', (room, ...words) => io.to(room).emit('said', ...words));
  socket.on('count', async (room, counted) => counted((await io.in(room).fetchSockets()).length));
  socket.on('ask the others', async (answered) => answered(await io.serverSideEmitWithAck('who')));
});
io.on('who', (answer) => answer(process.pid));
http.listen(0, '127.0.0.1', () => {
  const address = http.address();
  if (address !== null && typeof address === 'object') console.log(address.port);
});
