// Healthy is a server that answers; one that asks for a password or is loading its data does so too.
import { connect } from 'node:net';

const TIMEOUT_MS = 2000;

const socket = connect({ host: '127.0.0.1', port: Number(process.env.RESPITE_PORT ?? 6379) });
socket.setTimeout(TIMEOUT_MS, () => process.exit(1));
socket.on('error', () => process.exit(1));
socket.on('connect', () => socket.write('PING\r\n'));
socket.on('data', (answer) =>
  process.exit(/^(\+PONG|-NOAUTH|-LOADING)/.test(answer.toString('latin1')) ? 0 : 1),
);
socket.on('close', () => process.exit(1));
