import { once } from 'node:events';
import { connect } from 'node:net';
import { encode } from './client.mjs';

/** A subscriber that counts the bytes it gets and looks at none of them. */
export class Subscriber {
  bytes = 0;
  #socket;

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.bytes += chunk.length;
    });
  }

  /**
   * Subscribed when it resolves.
   *
   * @param {number} port
   * @param {string} channel
   */
  static async open(port, channel) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const subscriber = new Subscriber(socket);
    const confirmed = once(socket, 'data');
    socket.write(encode(['SUBSCRIBE', channel]));
    await confirmed;
    return subscriber;
  }

  close() {
    this.#socket.destroy();
  }
}
